/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/trusted_set.h"

#include <inttypes.h>

#include "tuf/authority.h"
#include "tuf/trusted_checks.h"

static void free_root(struct tuf_root **root)
{
    tuf_root_free(*root);
}

static void free_timestamp(struct tuf_timestamp **timestamp)
{
    tuf_timestamp_free(*timestamp);
}

static void free_snapshot(struct tuf_snapshot **snapshot)
{
    tuf_snapshot_free(*snapshot);
}

/* By the keys that the trusted root names for the role. */
static enum status check_signatures(const struct trusted_set *set,
                                    const struct tuf_envelope *envelope,
                                    enum tuf_role role, struct err *err)
{
    enum status status = tuf_envelope_verify(envelope, &set->root->keyring,
                                             &set->root->roles[role], NULL, err);
    if (status != OK) {
        err_prefix(err, "%s version %" PRId64 " under root version %" PRId64,
                   tuf_role_name(role), envelope->version, set->root->envelope.version);
    }
    return status;
}

/* ---- root ---- */

enum status trusted_set_init(struct trusted_set *ret_set, const void *root, size_t len,
                             int64_t now_ms, struct err *err)
{
    struct trusted_set set = {.now_ms = now_ms, .limits = TUF_LIMITS_DEFAULT};
    enum status status = tuf_root_parse(root, len, set.limits.root_bytes, &set.root, err);
    if (status == OK) {
        status = check_signatures(&set, &set.root->envelope, TUF_ROLE_ROOT, err);
    }
    if (status != OK) {
        err_prefix(err, "the initial root cannot be trusted");
        if (err) {
            err->status = ERR_TUF_NO_TRUST;
        }
        trusted_set_release(&set);
        return ERR_TUF_NO_TRUST;
    }
    *ret_set = set;
    return OK;
}

void trusted_set_release(struct trusted_set *set)
{
    tuf_root_free(set->root);
    tuf_timestamp_free(set->timestamp);
    tuf_snapshot_free(set->snapshot);
    trusted_forget_targets(set);
    *set = (struct trusted_set){0};
}

enum status trusted_set_load_root(struct trusted_set *set, const void *data, size_t len,
                                  struct err *err)
{
    if (set->root_done || set->root->envelope.version == INT64_MAX) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "root: none after version %" PRId64 " expected, another found",
                       set->root->envelope.version);
    }
    __attribute__((cleanup(free_root))) struct tuf_root *root = NULL;
    enum status status = tuf_root_parse(data, len, set->limits.root_bytes, &root, err);
    if (status == OK) {
        status = check_signatures(set, &root->envelope, TUF_ROLE_ROOT, err);
    }
    if (status == OK) {
        status = trusted_check_version(&root->envelope, set->root->envelope.version + 1,
                                       tuf_role_name(TUF_ROLE_ROOT), err);
    }
    if (status != OK) {
        return status;
    }
    status = tuf_envelope_verify(&root->envelope, &root->keyring,
                                 &root->roles[TUF_ROLE_ROOT], NULL, err);
    if (status != OK) {
        err_prefix(err, "root version %" PRId64 " under its own keys",
                   root->envelope.version);
        return status;
    }
    set->online_key_dropped = authority_drops_key(set->root, root, TUF_ROLE_TIMESTAMP) ||
                              authority_drops_key(set->root, root, TUF_ROLE_SNAPSHOT);
    struct tuf_root *old = set->root;
    set->root = root;
    root = old;
    return OK;
}

enum status trusted_set_update_root(struct trusted_set *set, const void *data, size_t len,
                                    struct err *err)
{
    if (set->rotations >= set->limits.root_rotations) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "at most %d new roots in one update expected, more found",
                       set->limits.root_rotations);
    }
    enum status status = trusted_set_load_root(set, data, len, err);
    if (status == OK) {
        set->rotations++;
    }
    return status;
}

enum status trusted_set_root_done(struct trusted_set *set, struct err *err)
{
    enum status status = trusted_check_expiry(set->now_ms, &set->root->envelope,
                                              tuf_role_name(TUF_ROLE_ROOT), err);
    if (status == OK) {
        set->root_done = true;
    }
    return status;
}

/* ---- timestamp ---- */

/* Parses and verifies signatures; what both cached and fetched ones need. */
static enum status accept_timestamp(const struct trusted_set *set, const void *data,
                                    size_t len, struct tuf_timestamp **ret_timestamp,
                                    struct err *err)
{
    if (!set->root_done) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "timestamp: the end of the roots expected before it, not found");
    }
    __attribute__((cleanup(free_timestamp))) struct tuf_timestamp *timestamp = NULL;
    enum status status =
        tuf_timestamp_parse(data, len, set->limits.timestamp_bytes, &timestamp, err);
    if (status == OK) {
        status = check_signatures(set, &timestamp->envelope, TUF_ROLE_TIMESTAMP, err);
    }
    if (status == OK) {
        *ret_timestamp = timestamp;
        timestamp = NULL;
    }
    return status;
}

static void replace_timestamp(struct trusted_set *set, struct tuf_timestamp *timestamp)
{
    tuf_timestamp_free(set->timestamp);
    set->timestamp = timestamp;
    set->snapshot_current = false;
    trusted_forget_targets(set);
}

enum status trusted_set_load_timestamp(struct trusted_set *set, const void *data,
                                       size_t len, struct err *err)
{
    struct tuf_timestamp *timestamp = NULL;
    enum status status = accept_timestamp(set, data, len, &timestamp, err);
    if (status == OK) {
        replace_timestamp(set, timestamp);
    }
    return status;
}

static enum status check_timestamp_rollback(const struct tuf_timestamp *before,
                                            const struct tuf_timestamp *after,
                                            struct err *err)
{
    if (after->envelope.version < before->envelope.version) {
        return err_set(err, ERR_TUF_ROLLBACK,
                       "timestamp: version %" PRId64 " or newer expected, %" PRId64
                       " found",
                       before->envelope.version, after->envelope.version);
    }
    if (after->envelope.version > before->envelope.version &&
        after->snapshot.version < before->snapshot.version) {
        return err_set(err, ERR_TUF_ROLLBACK,
                       "timestamp: snapshot version %" PRId64
                       " or newer expected, %" PRId64 " found",
                       before->snapshot.version, after->snapshot.version);
    }
    return OK;
}

enum status trusted_set_update_timestamp(struct trusted_set *set, const void *data,
                                         size_t len, bool *ret_changed, struct err *err)
{
    __attribute__((cleanup(free_timestamp))) struct tuf_timestamp *timestamp = NULL;
    enum status status = accept_timestamp(set, data, len, &timestamp, err);
    if (status == OK && set->timestamp) {
        status = check_timestamp_rollback(set->timestamp, timestamp, err);
    }
    if (status != OK) {
        return status;
    }
    bool changed =
        !set->timestamp || timestamp->envelope.version > set->timestamp->envelope.version;
    const struct tuf_timestamp *kept = changed ? timestamp : set->timestamp;
    status = trusted_check_expiry(set->now_ms, &kept->envelope,
                                  tuf_role_name(TUF_ROLE_TIMESTAMP), err);
    if (status != OK) {
        return status;
    }
    if (changed) {
        replace_timestamp(set, timestamp);
        timestamp = NULL;
    }
    *ret_changed = changed;
    return OK;
}

/* ---- snapshot ---- */

static enum status accept_snapshot(const struct trusted_set *set, const void *data,
                                   size_t len, struct tuf_snapshot **ret_snapshot,
                                   struct err *err)
{
    if (!set->timestamp) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "a trusted timestamp expected, none found yet");
    }
    __attribute__((cleanup(free_snapshot))) struct tuf_snapshot *snapshot = NULL;
    enum status status =
        tuf_snapshot_parse(data, len, set->limits.snapshot_bytes, &snapshot, err);
    if (status == OK) {
        status = check_signatures(set, &snapshot->envelope, TUF_ROLE_SNAPSHOT, err);
    }
    if (status == OK) {
        *ret_snapshot = snapshot;
        snapshot = NULL;
    }
    return status;
}

static void replace_snapshot(struct trusted_set *set, struct tuf_snapshot *snapshot,
                             bool current)
{
    tuf_snapshot_free(set->snapshot);
    set->snapshot = snapshot;
    set->snapshot_current = current;
    trusted_forget_targets(set);
}

enum status trusted_set_load_snapshot(struct trusted_set *set, const void *data,
                                      size_t len, bool *ret_usable, struct err *err)
{
    struct tuf_snapshot *snapshot = NULL;
    enum status status = accept_snapshot(set, data, len, &snapshot, err);
    if (status != OK) {
        return status;
    }
    const struct tuf_meta *meta = &set->timestamp->snapshot;
    bool usable = snapshot->envelope.version == meta->version &&
                  trusted_check_bytes(meta, data, len, NULL) == OK &&
                  trusted_check_expiry(set->now_ms, &snapshot->envelope,
                                       tuf_role_name(TUF_ROLE_SNAPSHOT), NULL) == OK;
    replace_snapshot(set, snapshot, usable);
    *ret_usable = usable;
    return OK;
}

/* Nothing that was listed may vanish or become older. */
static enum status check_snapshot_rollback(const struct tuf_snapshot *old,
                                           const struct tuf_snapshot *fresh,
                                           struct err *err)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct tuf_meta *before = &old->metas[i];
        const struct tuf_meta *after = tuf_snapshot_meta(fresh, before->name);
        if (!after) {
            return err_set(err, ERR_TUF_ROLLBACK,
                           "snapshot: '%.80s' expected as listed before, none found",
                           before->name);
        }
        if (after->version < before->version) {
            return err_set(err, ERR_TUF_ROLLBACK,
                           "snapshot: '%.80s' version %" PRId64
                           " or newer expected, %" PRId64 " found",
                           before->name, before->version, after->version);
        }
    }
    return OK;
}

enum status trusted_set_update_snapshot(struct trusted_set *set, const void *data,
                                        size_t len, struct err *err)
{
    if (!set->timestamp) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "a trusted timestamp expected, none found yet");
    }
    const struct tuf_meta *meta = &set->timestamp->snapshot;
    __attribute__((cleanup(free_snapshot))) struct tuf_snapshot *snapshot = NULL;
    enum status status = trusted_check_bytes(meta, data, len, err);
    if (status == OK) {
        status = accept_snapshot(set, data, len, &snapshot, err);
    }
    if (status == OK) {
        status = trusted_check_version(&snapshot->envelope, meta->version,
                                       tuf_role_name(TUF_ROLE_SNAPSHOT), err);
    }
    if (status == OK && set->snapshot) {
        status = check_snapshot_rollback(set->snapshot, snapshot, err);
    }
    if (status == OK) {
        status = trusted_check_expiry(set->now_ms, &snapshot->envelope,
                                      tuf_role_name(TUF_ROLE_SNAPSHOT), err);
    }
    if (status == OK) {
        replace_snapshot(set, snapshot, true);
        snapshot = NULL;
    }
    return status;
}
