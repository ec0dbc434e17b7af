/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/metadata_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tuf/trusted_set.h"

enum status folder_path(struct buf *ret_path, const char *folder, struct err *err,
                        const char *format, ...)
{
    char below[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(below, sizeof below, format, args);
    va_end(args);
    buf_addf(ret_path, "%s/%s", folder, below);
    return buf_status(ret_path, err);
}

bool metadata_role(const char *role, enum tuf_role *ret_role)
{
    for (int i = 0; i < TUF_ROLE_COUNT; i++) {
        if (strcmp(role, tuf_role_name((enum tuf_role)i)) == 0) {
            *ret_role = (enum tuf_role)i;
            return true;
        }
    }
    return false;
}

size_t metadata_file_limit(const char *role)
{
    enum tuf_role known = TUF_ROLE_TARGETS;
    (void)metadata_role(role, &known);
    switch (known) {
    case TUF_ROLE_ROOT:
        return TUF_LIMITS_DEFAULT.root_bytes;
    case TUF_ROLE_TIMESTAMP:
        return TUF_LIMITS_DEFAULT.timestamp_bytes;
    case TUF_ROLE_SNAPSHOT:
        return TUF_LIMITS_DEFAULT.snapshot_bytes;
    case TUF_ROLE_TARGETS:
        break;
    }
    return TUF_LIMITS_DEFAULT.targets_bytes;
}

static enum status file_path(const char *folder, const char *role, int64_t version,
                             struct buf *ret_path, struct err *err)
{
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(role, name);
    return folder_path(ret_path, folder, err, "metadata/%" PRId64 ".%s", version, name);
}

enum status metadata_file_read(const char *folder, const char *role, int64_t version,
                               struct buf *ret_bytes, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = file_path(folder, role, version, &path, err);
    return status == OK ? file_read(path.data, ret_bytes, err) : status;
}

enum status metadata_file_write(const char *folder, const char *role, int64_t version,
                                const struct buf *bytes, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = file_path(folder, role, version, &path, err);
    return status == OK ? file_write_atomic(path.data, bytes->data, bytes->len,
                                            REPO_FILE_MODE, err)
                        : status;
}

enum status staged_path(const char *folder, const char *role, struct buf *ret_path,
                        struct err *err)
{
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(role, name);
    return folder_path(ret_path, folder, err, "staged/%s", name);
}
