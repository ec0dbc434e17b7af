/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/snapshot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/store/copy.h"
#include "server/store/store.h"

static enum status sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    enum status status =
        fsync(fd) == 0 ? OK : err_set_errno(err, "could not sync '%s'", path);
    (void)close(fd);
    return status;
}

static enum status write_snapshot(const struct snapshot_options *options,
                                  const char *path, const char *temporary,
                                  struct err *err)
{
    struct copy_options copy = {
        .source = path,
        .target = temporary,
        .since_ms = options->since_ms,
        .no_rows = options->no_rows,
        .progress = options->progress,
        .context = options->context,
    };
    enum status status = copy_make(&copy, NULL, err);
    if (status == OK) {
        status = sync_file(temporary, err);
    }
    return status == OK ? file_rename(temporary, options->target, err) : status;
}

enum status store_snapshot(const struct snapshot_options *options, struct err *err)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", options->folder, STORE_FILE_NAME);
    const char *slash = strrchr(options->target, '/');
    int folder = slash ? (int)(slash + 1 - options->target) : 0;
    int temporary_len = snprintf(temporary, sizeof temporary, "%.*s.tmp-snapshot-%ld",
                                 folder, options->target, (long)getpid());
    if (len < 0 || len >= (int)sizeof path || temporary_len < 0 ||
        temporary_len >= (int)sizeof temporary) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", options->target);
    }
    if (!file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "there is no database in '%s'",
                       options->folder);
    }
    if (file_exists(options->target)) {
        return err_set(err, ERR_EXISTS, "'%s' exists already", options->target);
    }
    (void)unlink(temporary);
    enum status status = write_snapshot(options, path, temporary, err);
    if (status != OK) {
        (void)unlink(temporary);
    }
    return status;
}
