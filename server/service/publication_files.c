/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_files.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/service/publication_roles.h"
#include "tuf/json.h"

enum {
    METADATA_MAX = 4 * 1024 * 1024,
    SNAPSHOT_MAX = 256 * 1024,
    TIMESTAMP_MAX = 16 * 1024,
    POINTER_MAX = 4 * TIMESTAMP_MAX,
};

struct live *live_new(void)
{
    struct live *live = calloc(1, sizeof *live);
    if (live) {
        live->timestamp = BUF_INIT(TIMESTAMP_MAX);
        live->snapshot = BUF_INIT(SNAPSHOT_MAX);
    }
    return live;
}

void live_free(struct live *live)
{
    if (live) {
        free(live->listing.targets);
        trusted_set_release(&live->set);
        buf_release(&live->timestamp);
        buf_release(&live->snapshot);
        free(live);
    }
}

enum status live_list(struct live *live, struct err *err)
{
    struct tuf_targets listing;
    enum status status = publication_roles_list(&live->set, &listing, err);
    if (status == OK) {
        free(live->listing.targets);
        live->listing = listing;
    }
    return status;
}

enum status publication_path(const struct publication *publication,
                             char ret_path[static PATH_MAX], struct err *err,
                             const char *rest, ...)
{
    int base = snprintf(ret_path, PATH_MAX, "%s/tuf/", publication->options.folder);
    va_list args;
    va_start(args, rest);
    int len = base > 0 && base < PATH_MAX
                  ? vsnprintf(ret_path + base, (size_t)(PATH_MAX - base), rest, args)
                  : -1;
    va_end(args);
    return len >= 0 && base + len < PATH_MAX
               ? OK
               : err_set(err, ERR_LIMIT, "the path of the data directory is too long");
}

enum status publication_target_path(const struct publication *publication,
                                    const char *sha256, char ret_path[static PATH_MAX],
                                    struct err *err)
{
    return publication_path(publication, ret_path, err, "targets/%.2s/%s", sha256,
                            sha256);
}

enum status publication_read(const struct publication *publication, const char *role,
                             int64_t version, struct buf *ret_data, struct err *err)
{
    char path[PATH_MAX];
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(role, name);
    enum status status = publication_path(publication, path, err,
                                          "metadata/%" PRId64 ".%s", version, name);
    return status == OK ? file_read(path, ret_data, err) : status;
}

enum status publication_write(const struct publication *publication, const char *role,
                              int64_t version, const struct buf *data, struct err *err)
{
    char path[PATH_MAX];
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(role, name);
    enum status status = publication_path(publication, path, err,
                                          "metadata/%" PRId64 ".%s", version, name);
    return status == OK ? file_write_atomic(path, data->data, data->len, 0644, err)
                        : status;
}

/* The lowest version of a root on disk, at most `last`. */
static enum status first_root(const struct publication *publication, int64_t last,
                              int64_t *ret_version, struct err *err)
{
    char path[PATH_MAX];
    for (int64_t version = 1; version <= last; version++) {
        enum status status = publication_path(publication, path, err,
                                              "metadata/%" PRId64 ".root.json", version);
        if (status != OK) {
            return status;
        }
        if (file_exists(path)) {
            *ret_version = version;
            return OK;
        }
    }
    return err_set(err, ERR_TUF_NO_TRUST, "tuf/metadata/ holds no root");
}

enum status publication_trust_roots(const struct publication *publication, int64_t last,
                                    int64_t now_ms, struct trusted_set *ret_set,
                                    struct err *err)
{
    int64_t version = 0;
    BUF_AUTO data = BUF_INIT(METADATA_MAX);
    enum status status = first_root(publication, last, &version, err);
    if (status == OK) {
        status = publication_read(publication, tuf_role_name(TUF_ROLE_ROOT), version,
                                  &data, err);
    }
    if (status == OK) {
        status = trusted_set_init(ret_set, data.data, data.len, now_ms, err);
    }
    if (status != OK) {
        return status;
    }
    while (status == OK && ++version <= last) {
        buf_reset(&data);
        status = publication_read(publication, tuf_role_name(TUF_ROLE_ROOT), version,
                                  &data, err);
        if (status == OK) {
            status = trusted_set_load_root(ret_set, data.data, data.len, err);
        }
    }
    if (status != OK) {
        trusted_set_release(ret_set);
    }
    return status;
}

/* Reads published.json: the root's version and the timestamp's text. */
static enum status read_pointer(const struct publication *publication,
                                int64_t *ret_root_version, struct buf *ret_timestamp,
                                struct err *err)
{
    char path[PATH_MAX];
    BUF_AUTO data = BUF_INIT(POINTER_MAX);
    JSON_AUTO *tree = NULL;
    const char *timestamp = NULL;
    enum status status = publication_path(publication, path, err, "published.json");
    if (status == OK) {
        status = file_read(path, &data, err);
    }
    if (status == OK) {
        status = tuf_json_parse(data.data, data.len, POINTER_MAX, &tree, err);
    }
    if (status == OK) {
        status = tuf_json_integer(tree, "root_version", 1, ret_root_version, err);
    }
    if (status == OK) {
        status = tuf_json_text(tree, "timestamp", &timestamp, err);
    }
    if (status == OK) {
        buf_addstr(ret_timestamp, timestamp);
        status = buf_status(ret_timestamp, err);
    }
    return status;
}

static enum status read_role(void *context, const char *role, int64_t version,
                             struct buf *ret_text, struct err *err)
{
    return publication_read(context, role, version, ret_text, err);
}

enum status publication_follow(const struct publication *publication, struct live *live,
                               int64_t root_version, struct err *err)
{
    struct trusted_set *set = &live->set;
    struct role_source source = {.read = read_role, .context = (void *)publication};
    bool changed = false;
    BUF_AUTO targets = BUF_INIT(METADATA_MAX);
    enum status status = publication_trust_roots(publication, root_version, 0, set, err);
    if (status == OK) {
        status = trusted_set_root_done(set, err);
    }
    if (status == OK) {
        status = trusted_set_update_timestamp(set, live->timestamp.data,
                                              live->timestamp.len, &changed, err);
    }
    if (status == OK) {
        status = publication_read(publication, tuf_role_name(TUF_ROLE_SNAPSHOT),
                                  set->timestamp->snapshot.version, &live->snapshot, err);
    }
    if (status == OK) {
        status = trusted_set_update_snapshot(set, live->snapshot.data, live->snapshot.len,
                                             err);
    }
    if (status != OK) {
        return status;
    }
    const struct tuf_meta *meta = tuf_snapshot_meta(set->snapshot, "targets.json");
    if (!meta) {
        return err_set(err, ERR_TUF_MISSING, "the snapshot lists no targets.json");
    }
    status = publication_read(publication, tuf_role_name(TUF_ROLE_TARGETS), meta->version,
                              &targets, err);
    if (status == OK) {
        status = trusted_set_update_targets(set, targets.data, targets.len, err);
    }
    if (status == OK) {
        status = publication_roles_accept(set, &source, err);
    }
    return status == OK ? live_list(live, err) : status;
}

enum status publication_load(const struct publication *publication,
                             struct live **ret_live, struct err *err)
{
    char path[PATH_MAX];
    int64_t root_version = 0;
    enum status status = publication_path(publication, path, err, "published.json");
    if (status != OK || !file_exists(path)) {
        return status;
    }
    struct live *live = live_new();
    if (!live) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the published state");
    }
    status = read_pointer(publication, &root_version, &live->timestamp, err);
    if (status == OK) {
        status = publication_follow(publication, live, root_version, err);
    }
    if (status != OK) {
        live_free(live);
        err_prefix(err, "the published state in tuf/ is damaged");
        return status;
    }
    *ret_live = live;
    return OK;
}

enum status publication_point(const struct publication *publication,
                              const struct live *live, struct err *err)
{
    char path[PATH_MAX];
    BUF_AUTO data = BUF_INIT(POINTER_MAX);
    buf_addstr(&data, "{\"root_version\":");
    buf_addi(&data, live->set.root->envelope.version);
    buf_addstr(&data, ",\"timestamp\":");
    buf_add_json(&data, live->timestamp.data);
    buf_addstr(&data, "}\n");
    enum status status = buf_status(&data, err);
    if (status == OK) {
        status = publication_path(publication, path, err, "published.json");
    }
    return status == OK ? file_write_atomic(path, data.data, data.len, 0644, err)
                        : status;
}
