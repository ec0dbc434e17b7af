/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/recovery.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "edge/state_lock.h"

static const char METADATA[] = "tuf";

enum { SHORT_KEYID = 16 };

/* Opening */

static enum status read_new(struct recovery *recovery, struct err *err)
{
    const char *path = recovery->order.new_path;
    recovery->new_bytes = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    enum status status = file_read(path, &recovery->new_bytes, err);
    if (status != OK) {
        return status;
    }
    const struct buf *bytes = &recovery->new_bytes;
    return trusted_set_init(&recovery->fresh, bytes->data ? bytes->data : "", bytes->len,
                            0, err);
}

/* A present root of no use is what this is for. */
static enum status read_old(struct recovery *recovery, struct err *err)
{
    char folder[EDGE_PATH_BYTES];
    enum status status = env_join(recovery->order.state_folder, METADATA, folder, err);
    if (status != OK) {
        return status;
    }
    if (updater_open(&recovery->updater, folder, recovery->order.root_path, NULL,
                     &recovery->old_why) == OK) {
        status = updater_root(&recovery->updater, 0, &recovery->old, &recovery->old_why);
    }
    return OK;
}

enum status recovery_open(struct recovery *ret_recovery,
                          const struct recovery_order *order, struct err *err)
{
    *ret_recovery = (struct recovery){.order = *order, .lock_fd = -1};
    enum status status = read_new(ret_recovery, err);
    if (status == OK) {
        status = state_lock(order->state_folder, &ret_recovery->lock_fd, err);
    }
    if (status == OK) {
        status = trust_open(&ret_recovery->trust, order->state_folder, err);
    }
    return status == OK ? read_old(ret_recovery, err) : status;
}

void recovery_close(struct recovery *recovery)
{
    trusted_set_release(&recovery->old);
    trusted_set_release(&recovery->fresh);
    updater_release(&recovery->updater);
    trust_release(&recovery->trust);
    buf_release(&recovery->new_bytes);
    if (recovery->lock_fd >= 0) {
        close(recovery->lock_fd);
        recovery->lock_fd = -1;
    }
}

/* Describing */

static const struct tuf_authority *authority(const struct trusted_set *set)
{
    return &set->root->roles[TUF_ROLE_ROOT];
}

static const char *keyid_at(const struct trusted_set *set, size_t i)
{
    return json_string_value(json_array_get(authority(set)->keyids, i));
}

static bool names_key(const struct trusted_set *set, const char *keyid)
{
    for (size_t i = 0; set->root && i < json_array_size(authority(set)->keyids); i++) {
        if (strcmp(keyid_at(set, i), keyid) == 0) {
            return true;
        }
    }
    return false;
}

static void describe_root(const struct trusted_set *set, const char *title,
                          const char *path, struct buf *text)
{
    char expires[RFC3339_BYTES];
    clock_format_utc(set->root->envelope.expires_ms, expires);
    buf_addf(text, "%-9s root %" PRId64 ", %" PRId64 " of %zu keys, expires %s (%s)\n",
             title, set->root->envelope.version, authority(set)->threshold,
             json_array_size(authority(set)->keyids), expires, path);
}

/* The root keys of one that the other does not have, or has. */
static void describe_keys(const struct trusted_set *set, const struct trusted_set *other,
                          bool in_other, const char *what, struct buf *text)
{
    for (size_t i = 0; set->root && i < json_array_size(authority(set)->keyids); i++) {
        const char *keyid = keyid_at(set, i);
        if (names_key(other, keyid) == in_other) {
            buf_addf(text, "%-9s %.*s…\n", what, SHORT_KEYID, keyid);
        }
    }
}

void recovery_describe(const struct recovery *recovery, struct buf *ret_text)
{
    const struct recovery_order *order = &recovery->order;
    const struct trusted_set *old = &recovery->old, *fresh = &recovery->fresh;
    char time[RFC3339_BYTES];
    if (old->root) {
        describe_root(old, "trusted", order->root_path, ret_text);
    } else {
        buf_addf(ret_text, "%-9s none: %s\n", "trusted", recovery->old_why.detail);
    }
    describe_root(fresh, "new", order->new_path, ret_text);
    describe_keys(old, fresh, false, "key goes", ret_text);
    describe_keys(fresh, old, true, "key stays", ret_text);
    describe_keys(fresh, old, false, "key comes", ret_text);
    buf_addf(ret_text, "%-9s ", "floors");
    trust_describe(&recovery->trust, ret_text);
    buf_addstr(ret_text, order->reset_floors ? " — forgotten\n" : " — kept\n");
    clock_format_utc(recovery->trust.time_ms, time);
    buf_addf(ret_text, "%-9s %s — %s\n", "time", recovery->trust.time_ms ? time : "none",
             order->reset_floors ? "forgotten" : "kept");
    buf_addf(ret_text, "%-9s dropped, and verified from the new root when fetched\n",
             "metadata");
}

/* Doing */

static enum status remove_json(const char *folder, struct err *err)
{
    DIR *stream = opendir(folder);
    if (!stream) {
        return err_set_errno(err, "could not read the folder '%s'", folder);
    }
    enum status status = OK;
    const struct dirent *item;
    while (status == OK && (item = readdir(stream)) != NULL) {
        char path[EDGE_PATH_BYTES];
        size_t len = strlen(item->d_name);
        if (len > 5 && strcmp(item->d_name + len - 5, ".json") == 0) {
            status = env_join(folder, item->d_name, path, err);
            status = status == OK ? file_remove(path, err) : status;
        }
    }
    closedir(stream);
    return status;
}

static enum status drop_cache(const struct recovery *recovery, struct err *err)
{
    char folder[EDGE_PATH_BYTES], roots[EDGE_PATH_BYTES];
    enum status status = env_join(recovery->order.state_folder, METADATA, folder, err);
    if (status == OK) {
        status = env_join(folder, "roots", roots, err);
    }
    if (status == OK) {
        status = file_mkdirs(roots, 0700, err);
    }
    if (status == OK) {
        status = remove_json(folder, err);
    }
    return status == OK ? remove_json(roots, err) : status;
}

enum status recovery_trust(struct recovery *recovery, struct err *err)
{
    const struct recovery_order *order = &recovery->order;
    enum status status = drop_cache(recovery, err);
    if (status == OK && order->reset_floors) {
        status = trust_reset(&recovery->trust, err);
    }
    return status == OK ? file_write_atomic(order->root_path, recovery->new_bytes.data,
                                            recovery->new_bytes.len, 0644, err)
                        : status;
}

/* Going back */

static enum status go_back(const char *state_folder, struct trust *trust,
                           struct buf *ret_text, struct err *err)
{
    struct store store;
    enum status status = store_open(&store, state_folder, err);
    if (status == OK && trust_is_lost(trust)) {
        status = trust_renew(trust, NULL, store.active.model, store.active.seq, err);
    }
    struct model_record from = store.active;
    if (status == OK) {
        status = store_go_back(&store, trust, err);
    }
    if (status == OK) {
        buf_addf(ret_text,
                 "from %s %s (seq %" PRId64 ") back to %s (seq %" PRId64
                 "): it runs at the next start, until the server assigns another than "
                 "%s\n",
                 from.model, from.version, from.seq, store.active.version,
                 store.active.seq, from.version);
    }
    return status;
}

enum status recovery_go_back(const char *state_folder, struct buf *ret_text,
                             struct err *err)
{
    int lock_fd = -1;
    struct trust trust = {0};
    enum status status = state_lock(state_folder, &lock_fd, err);
    if (status != OK) {
        return status;
    }
    status = trust_open(&trust, state_folder, err);
    if (status == OK) {
        status = go_back(state_folder, &trust, ret_text, err);
    }
    trust_release(&trust);
    close(lock_fd);
    return status;
}
