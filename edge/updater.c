/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/updater.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tuf/target.h"

enum { CACHED_BYTES = 8 * 1024 * 1024 };

/* Cache */

static enum status cache_path(const struct updater *updater, const char *name,
                              char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    return env_join(updater->folder, name, ret_path, err);
}

static void root_name(int64_t version, char ret_name[static 64])
{
    snprintf(ret_name, 64, "roots/%" PRId64 ".root.json", version);
}

/* Whether there is such a file; its bytes. */
bool updater_cache_read(const struct updater *updater, const char *name,
                        struct buf *ret_data)
{
    char path[EDGE_PATH_BYTES];
    return cache_path(updater, name, path, NULL) == OK &&
           file_read(path, ret_data, NULL) == OK && ret_data->len > 0;
}

enum status updater_cache_write(const struct updater *updater, const char *name,
                                const struct buf *data, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = cache_path(updater, name, path, err);
    return status == OK ? file_write_atomic(path, data->data, data->len, 0600, err)
                        : status;
}

/* Opening */

static enum status check_root(struct updater *updater, const char *root_sha256,
                              struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_BYTES];
    enum status status = sha256_of(updater->root.data, updater->root.len, digest, err);
    if (status != OK) {
        return status;
    }
    hex_encode(digest, sizeof digest, text);
    if (root_sha256 && strcmp(root_sha256, text) != 0) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "root: SHA-256 %s expected by the enrolment string, %s found",
                       root_sha256, text);
    }
    TRUSTED_SET_AUTO set = {0};
    return trusted_set_init(&set, updater->root.data, updater->root.len, 0, err);
}

static enum status open_folders(struct updater *updater, const char *folder,
                                struct err *err)
{
    char roots[EDGE_PATH_BYTES];
    if (strlen(folder) >= sizeof updater->folder) {
        return err_set(err, ERR_LIMIT, "the metadata folder's path is too long");
    }
    memcpy(updater->folder, folder, strlen(folder) + 1);
    enum status status = env_join(updater->folder, "roots", roots, err);
    if (status == OK) {
        status = file_mkdirs(roots, 0700, err);
    }
    if (status == OK) {
        file_sweep_temporary(updater->folder);
        file_sweep_temporary(roots);
    }
    return status;
}

enum status updater_open(struct updater *updater, const char *folder,
                         const char *root_path, const char *root_sha256, struct err *err)
{
    updater->root = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    enum status status = open_folders(updater, folder, err);
    if (status == OK) {
        status = file_read(root_path, &updater->root, err);
    }
    if (status == OK && updater->root.len == 0) {
        status = err_set(err, ERR_TUF_NO_TRUST,
                         "'%s': a root expected, an empty file found", root_path);
    }
    return status == OK ? check_root(updater, root_sha256, err) : status;
}

static void stop(struct updater *updater)
{
    http_call_free(updater->call);
    updater->call = NULL;
    trusted_set_release(&updater->next);
    updater->next = (struct trusted_set){0};
    updater->phase = UPDATER_IDLE;
}

void updater_release(struct updater *updater)
{
    stop(updater);
    trusted_set_release(&updater->current);
    updater->current = (struct trusted_set){0};
    updater->has_current = false;
    buf_release(&updater->root);
}

/* Fetching */

void updater_metadata_path(const struct updater *updater, const char *name,
                           char ret_path[static UPDATER_PATH_BYTES])
{
    (void)snprintf(ret_path, UPDATER_PATH_BYTES, "%.60s/%s", updater->metadata_path,
                   name);
}

static enum tuf_role role_of(enum updater_phase phase)
{
    switch (phase) {
    case UPDATER_TIMESTAMP:
        return TUF_ROLE_TIMESTAMP;
    case UPDATER_SNAPSHOT:
        return TUF_ROLE_SNAPSHOT;
    case UPDATER_TARGETS:
        return TUF_ROLE_TARGETS;
    case UPDATER_IDLE:
    case UPDATER_ROOT:
    case UPDATER_RAISE:
        break;
    }
    return TUF_ROLE_ROOT;
}

/* Asks for the file that `phase` needs. */
static enum status fetch(struct updater *updater, enum updater_phase phase,
                         struct err *err)
{
    struct tuf_wanted wanted;
    enum status status = trusted_set_wanted(&updater->next, role_of(phase), &wanted, err);
    if (status != OK) {
        return status;
    }
    char path[UPDATER_PATH_BYTES];
    updater_metadata_path(updater, wanted.name, path);
    struct http_order order = {.path = path, .max_bytes = wanted.max_bytes};
    http_call_free(updater->call);
    updater->call = NULL;
    updater->phase = phase;
    return http_call_start(updater->http, &order, &updater->call, err);
}

int64_t updater_now_ms(const struct updater *updater)
{
    return updater->trust ? trust_now_ms(updater->trust, updater->timebase, updater->env)
                          : env_wall_ms(updater->env);
}

static void load_cached_roots(const struct updater *updater, struct trusted_set *set)
{
    for (;;) {
        char name[64];
        root_name(set->root->envelope.version + 1, name);
        BUF_AUTO data = BUF_INIT(CACHED_BYTES);
        if (!updater_cache_read(updater, name, &data) ||
            trusted_set_load_root(set, data.data, data.len, NULL) != OK) {
            return;
        }
    }
}

enum status updater_root(const struct updater *updater, int64_t now_ms,
                         struct trusted_set *ret_set, struct err *err)
{
    enum status status =
        trusted_set_init(ret_set, updater->root.data, updater->root.len, now_ms, err);
    if (status == OK) {
        load_cached_roots(updater, ret_set);
    }
    return status;
}

enum status updater_begin(struct updater *updater, struct err *err)
{
    stop(updater);
    enum status status =
        updater_root(updater, updater_now_ms(updater), &updater->next, err);
    if (status != OK) {
        return status;
    }
    status = fetch(updater, UPDATER_ROOT, err);
    if (status != OK) {
        stop(updater);
    }
    return status;
}

/* The cache alone */

static enum status read_cached(const struct updater *updater, const char *name,
                               struct buf *ret_data, struct err *err)
{
    buf_reset(ret_data);
    return updater_cache_read(updater, name, ret_data)
               ? OK
               : err_set(err, ERR_NOT_FOUND, "'%s' expected in the cache, none found",
                         name);
}

static enum status verify_rest(const struct updater *updater, struct trusted_set *set,
                               struct err *err)
{
    bool usable = false;
    BUF_AUTO data = BUF_INIT(CACHED_BYTES);
    enum status status = read_cached(updater, "timestamp.json", &data, err);
    if (status == OK) {
        status = trusted_set_load_timestamp(set, data.data, data.len, err);
    }
    if (status == OK) {
        status = read_cached(updater, "snapshot.json", &data, err);
    }
    if (status == OK) {
        status = trusted_set_load_snapshot(set, data.data, data.len, &usable, err);
    }
    if (status == OK && !usable) {
        status = err_set(err, ERR_TUF_VERSION,
                         "snapshot: the one that timestamp names expected, version "
                         "%" PRId64 " found",
                         set->snapshot->envelope.version);
    }
    if (status == OK) {
        status = read_cached(updater, "targets.json", &data, err);
    }
    if (status == OK) {
        status = trusted_set_update_targets(set, data.data, data.len, err);
    }
    return status == OK && set->now_ms > 0 ? trusted_set_fresh(set, set->now_ms, err)
                                           : status;
}

enum status updater_verify_cache(const struct updater *updater, int64_t now_ms,
                                 struct trusted_set *ret_set, struct err *err)
{
    struct trusted_set set = {0};
    enum status status = updater_root(updater, now_ms, &set, err);
    if (status == OK) {
        status = trusted_set_root_done(&set, err);
    }
    if (status == OK) {
        status = verify_rest(updater, &set, err);
    }
    if (status != OK) {
        trusted_set_release(&set);
        return status;
    }
    *ret_set = set;
    return OK;
}

/* Answers */

static enum status on_last_root(struct updater *updater, struct err *err)
{
    enum status status = trusted_set_root_done(&updater->next, err);
    if (status != OK) {
        return status;
    }
    BUF_AUTO cached = BUF_INIT(CACHED_BYTES);
    if (updater_cache_read(updater, "timestamp.json", &cached)) {
        /* One that does not verify counts as absent: only its version matters. */
        status =
            trusted_set_load_timestamp(&updater->next, cached.data, cached.len, NULL);
        (void)status;
    }
    return fetch(updater, UPDATER_TIMESTAMP, err);
}

/* Before the root that takes a key away is stored: after a kill it is fetched again. */
static enum status forget_online(struct updater *updater, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = cache_path(updater, "timestamp.json", path, err);
    if (status == OK) {
        status = file_remove(path, err);
    }
    if (status == OK) {
        status = cache_path(updater, "snapshot.json", path, err);
    }
    return status == OK ? file_remove(path, err) : status;
}

static enum status on_root(struct updater *updater, const struct buf *data,
                           struct err *err)
{
    enum status status =
        trusted_set_update_root(&updater->next, data->data, data->len, err);
    if (status != OK) {
        return status;
    }
    char name[64];
    root_name(updater->next.root->envelope.version, name);
    if (updater->next.online_key_dropped) {
        status = forget_online(updater, err);
    }
    /* root.json first: whoever is killed in between fetches this root once more. */
    if (status == OK) {
        status = updater_cache_write(updater, "root.json", data, err);
    }
    if (status == OK) {
        status = updater_cache_write(updater, name, data, err);
    }
    return status == OK ? fetch(updater, UPDATER_ROOT, err) : status;
}

static enum status targets_next(struct updater *updater, struct err *err)
{
    BUF_AUTO cached = BUF_INIT(CACHED_BYTES);
    if (updater_cache_read(updater, "targets.json", &cached) &&
        trusted_set_update_targets(&updater->next, cached.data, cached.len, NULL) == OK) {
        updater->phase = UPDATER_RAISE;
        return OK;
    }
    return fetch(updater, UPDATER_TARGETS, err);
}

static enum status snapshot_next(struct updater *updater, struct err *err)
{
    BUF_AUTO cached = BUF_INIT(CACHED_BYTES);
    bool usable = false;
    if (updater_cache_read(updater, "snapshot.json", &cached) &&
        trusted_set_load_snapshot(&updater->next, cached.data, cached.len, &usable,
                                  NULL) == OK &&
        usable) {
        return targets_next(updater, err);
    }
    return fetch(updater, UPDATER_SNAPSHOT, err);
}

static enum status on_timestamp(struct updater *updater, const struct buf *data,
                                struct err *err)
{
    bool changed = false;
    enum status status = trusted_set_update_timestamp(&updater->next, data->data,
                                                      data->len, &changed, err);
    if (status == OK && changed) {
        status = updater_cache_write(updater, "timestamp.json", data, err);
    }
    return status == OK ? snapshot_next(updater, err) : status;
}

static enum status on_snapshot(struct updater *updater, const struct buf *data,
                               struct err *err)
{
    enum status status =
        trusted_set_update_snapshot(&updater->next, data->data, data->len, err);
    if (status == OK) {
        status = updater_cache_write(updater, "snapshot.json", data, err);
    }
    return status == OK ? targets_next(updater, err) : status;
}

static enum status on_targets(struct updater *updater, const struct buf *data,
                              struct err *err)
{
    enum status status =
        trusted_set_update_targets(&updater->next, data->data, data->len, err);
    if (status == OK) {
        status = updater_cache_write(updater, "targets.json", data, err);
    }
    if (status == OK) {
        updater->phase = UPDATER_RAISE;
    }
    return status;
}

static enum status on_answer(struct updater *updater, const struct buf *data,
                             struct err *err)
{
    if (data->len == 0) {
        return err_set(err, ERR_TUF_FORMAT, "%s: metadata expected, an empty file found",
                       tuf_role_name(role_of(updater->phase)));
    }
    switch (updater->phase) {
    case UPDATER_ROOT:
        return on_root(updater, data, err);
    case UPDATER_TIMESTAMP:
        return on_timestamp(updater, data, err);
    case UPDATER_SNAPSHOT:
        return on_snapshot(updater, data, err);
    case UPDATER_TARGETS:
        return on_targets(updater, data, err);
    case UPDATER_IDLE:
    case UPDATER_RAISE:
        break;
    }
    return err_set(err, ERR_INTERNAL, "an answer without a question");
}

enum status updater_answered(const struct http_call *call, const char *what,
                             struct err *err)
{
    enum status status = http_call_result(call, NULL);
    if (status == ERR_LIMIT) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "%s: at most %zu bytes expected, more found", what,
                       call->order.max_bytes);
    }
    return status == OK ? OK : err_set(err, status, "%s: %s", what, call->err.detail);
}

static enum status judge(struct updater *updater, struct err *err)
{
    const struct http_call *call = updater->call;
    const char *role = tuf_role_name(role_of(updater->phase));
    enum status status = updater_answered(call, role, err);
    if (status != OK) {
        return status;
    }
    if (call->status == 404 && updater->phase == UPDATER_ROOT) {
        return on_last_root(updater, err);
    }
    if (call->status != 200) {
        return http_unexpected(call, role, err);
    }
    BUF_AUTO data = updater->call->body;
    updater->call->body = BUF_INIT(0);
    return on_answer(updater, &data, err);
}

static enum status finish(struct updater *updater, struct err *err)
{
    struct trusted_set *set = &updater->next;
    enum status status = model_targets_check(set->targets, err);
    if (status == OK && updater->trust) {
        status = trust_raise(updater->trust, set->targets, set->now_ms, err);
    }
    if (status != OK) {
        return status;
    }
    int64_t left_ms = set->timestamp->envelope.expires_ms - set->now_ms;
    updater->refresh_at_ms = env_mono_ms(updater->env) + left_ms / 2;
    trusted_set_release(&updater->current);
    updater->current = *set;
    updater->has_current = true;
    *set = (struct trusted_set){0};
    return OK;
}

bool updater_ready(const struct updater *updater)
{
    return updater->phase == UPDATER_RAISE || (updater->call && updater->call->done);
}

enum status updater_step(struct updater *updater, bool *ret_done, struct err *err)
{
    *ret_done = false;
    if (!updater_ready(updater)) {
        return OK;
    }
    bool last = updater->phase == UPDATER_RAISE;
    enum status status = last ? finish(updater, err) : judge(updater, err);
    if (status != OK || last) {
        stop(updater);
    }
    *ret_done = status == OK && last;
    return status;
}

enum status updater_current(struct updater *updater, struct trusted_set **ret_set,
                            struct err *err)
{
    if (!updater->has_current) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "verified targets expected, none found yet");
    }
    enum status status =
        trusted_set_fresh(&updater->current, updater_now_ms(updater), err);
    if (status == OK) {
        *ret_set = &updater->current;
    }
    return status;
}
