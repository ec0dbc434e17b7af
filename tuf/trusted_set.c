/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/trusted_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const char TARGETS_FILE[] = "targets.json";

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

static void free_targets(struct tuf_targets **targets)
{
    tuf_targets_free(*targets);
}

static enum status check_expiry(const struct trusted_set *set,
                                const struct tuf_envelope *envelope, enum tuf_role role,
                                struct err *err)
{
    if (envelope->expires_ms > set->now_ms) {
        return OK;
    }
    char expires[RFC3339_BYTES];
    char now[RFC3339_BYTES];
    clock_format_utc(envelope->expires_ms, expires);
    clock_format_utc(set->now_ms, now);
    return err_set(err, ERR_TUF_EXPIRED,
                   "%s version %" PRId64 ": an expiry after %s expected, %s found",
                   tuf_role_name(role), envelope->version, now, expires);
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

static enum status check_version(const struct tuf_envelope *envelope, int64_t expected,
                                 enum tuf_role role, struct err *err)
{
    if (envelope->version != expected) {
        return err_set(err, ERR_TUF_VERSION,
                       "%s: version %" PRId64 " expected, %" PRId64 " found",
                       tuf_role_name(role), expected, envelope->version);
    }
    return OK;
}

/* Length and digests as the naming file has them, where it has them. */
static enum status check_bytes(const struct tuf_meta *meta, const void *data, size_t len,
                               struct err *err)
{
    if (meta->length >= 0 && (uint64_t)meta->length != len) {
        return err_set(err, ERR_TUF_LENGTH, "%s: %" PRId64 " bytes expected, %zu found",
                       meta->name, meta->length, len);
    }
    enum status status = tuf_hashes_verify(&meta->hashes, data, len, err);
    if (status != OK) {
        err_prefix(err, "%s", meta->name);
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
    tuf_targets_free(set->targets);
    *set = (struct trusted_set){0};
}

enum status trusted_set_load_root(struct trusted_set *set, const void *data, size_t len,
                                  struct err *err)
{
    if (set->root_done || set->root->envelope.version == INT64_MAX) {
        return err_set(err, ERR_TUF_NO_TRUST, "no further root is accepted");
    }
    __attribute__((cleanup(free_root))) struct tuf_root *root = NULL;
    enum status status = tuf_root_parse(data, len, set->limits.root_bytes, &root, err);
    if (status == OK) {
        status = check_signatures(set, &root->envelope, TUF_ROLE_ROOT, err);
    }
    if (status == OK) {
        status = check_version(&root->envelope, set->root->envelope.version + 1,
                               TUF_ROLE_ROOT, err);
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
    enum status status = check_expiry(set, &set->root->envelope, TUF_ROLE_ROOT, err);
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
        return err_set(err, ERR_TUF_NO_TRUST, "the root is not settled yet");
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
    tuf_targets_free(set->targets);
    set->targets = NULL;
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
    status = check_expiry(set, &kept->envelope, TUF_ROLE_TIMESTAMP, err);
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
        return err_set(err, ERR_TUF_NO_TRUST, "there is no trusted timestamp yet");
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
    tuf_targets_free(set->targets);
    set->targets = NULL;
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
                  check_bytes(meta, data, len, NULL) == OK &&
                  check_expiry(set, &snapshot->envelope, TUF_ROLE_SNAPSHOT, NULL) == OK;
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
        return err_set(err, ERR_TUF_NO_TRUST, "there is no trusted timestamp yet");
    }
    const struct tuf_meta *meta = &set->timestamp->snapshot;
    __attribute__((cleanup(free_snapshot))) struct tuf_snapshot *snapshot = NULL;
    enum status status = check_bytes(meta, data, len, err);
    if (status == OK) {
        status = accept_snapshot(set, data, len, &snapshot, err);
    }
    if (status == OK) {
        status =
            check_version(&snapshot->envelope, meta->version, TUF_ROLE_SNAPSHOT, err);
    }
    if (status == OK && set->snapshot) {
        status = check_snapshot_rollback(set->snapshot, snapshot, err);
    }
    if (status == OK) {
        status = check_expiry(set, &snapshot->envelope, TUF_ROLE_SNAPSHOT, err);
    }
    if (status == OK) {
        replace_snapshot(set, snapshot, true);
        snapshot = NULL;
    }
    return status;
}

/* ---- targets ---- */

static enum status named_targets(const struct trusted_set *set,
                                 const struct tuf_meta **ret_meta, struct err *err)
{
    if (!set->snapshot_current) {
        return err_set(err, ERR_TUF_NO_TRUST, "there is no trusted snapshot yet");
    }
    const struct tuf_meta *meta = tuf_snapshot_meta(set->snapshot, TARGETS_FILE);
    if (!meta) {
        return err_set(err, ERR_TUF_MISSING,
                       "snapshot: 'targets.json' expected, not listed");
    }
    *ret_meta = meta;
    return OK;
}

enum status trusted_set_update_targets(struct trusted_set *set, const void *data,
                                       size_t len, struct err *err)
{
    const struct tuf_meta *meta = NULL;
    __attribute__((cleanup(free_targets))) struct tuf_targets *targets = NULL;
    enum status status = named_targets(set, &meta, err);
    if (status == OK) {
        status = check_bytes(meta, data, len, err);
    }
    if (status == OK) {
        status = tuf_targets_parse(data, len, set->limits.targets_bytes, &targets, err);
    }
    if (status == OK) {
        status = check_signatures(set, &targets->envelope, TUF_ROLE_TARGETS, err);
    }
    if (status == OK) {
        status = check_version(&targets->envelope, meta->version, TUF_ROLE_TARGETS, err);
    }
    if (status == OK) {
        status = check_expiry(set, &targets->envelope, TUF_ROLE_TARGETS, err);
    }
    if (status == OK) {
        tuf_targets_free(set->targets);
        set->targets = targets;
        targets = NULL;
    }
    return status;
}

/* ---- what to fetch, what was found ---- */

static enum status want_file(const struct trusted_set *set, const struct tuf_meta *meta,
                             size_t limit, struct tuf_wanted *ret_wanted, struct err *err)
{
    if (meta->length >= 0 && (uint64_t)meta->length > limit) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "%s: at most %zu bytes expected, %" PRId64 " found", meta->name,
                       limit, meta->length);
    }
    ret_wanted->max_bytes = meta->length >= 0 ? (size_t)meta->length : limit;
    if (set->root->consistent_snapshot) {
        (void)snprintf(ret_wanted->name, sizeof ret_wanted->name, "%" PRId64 ".%.32s",
                       meta->version, meta->name);
    } else {
        (void)snprintf(ret_wanted->name, sizeof ret_wanted->name, "%.32s", meta->name);
    }
    return OK;
}

enum status trusted_set_wanted(const struct trusted_set *set, enum tuf_role role,
                               struct tuf_wanted *ret_wanted, struct err *err)
{
    struct tuf_wanted wanted = {0};
    const struct tuf_meta *meta = NULL;
    enum status status = OK;
    switch (role) {
    case TUF_ROLE_ROOT:
        if (set->root->envelope.version == INT64_MAX) {
            return err_set(err, ERR_TUF_VERSION, "the root's version is the last one");
        }
        (void)snprintf(wanted.name, sizeof wanted.name, "%" PRId64 ".root.json",
                       set->root->envelope.version + 1);
        wanted.max_bytes = set->limits.root_bytes;
        break;
    case TUF_ROLE_TIMESTAMP:
        (void)snprintf(wanted.name, sizeof wanted.name, "timestamp.json");
        wanted.max_bytes = set->limits.timestamp_bytes;
        break;
    case TUF_ROLE_SNAPSHOT:
        if (!set->timestamp) {
            return err_set(err, ERR_TUF_NO_TRUST, "there is no trusted timestamp yet");
        }
        status = want_file(set, &set->timestamp->snapshot, set->limits.snapshot_bytes,
                           &wanted, err);
        break;
    case TUF_ROLE_TARGETS:
        status = named_targets(set, &meta, err);
        if (status == OK) {
            status = want_file(set, meta, set->limits.targets_bytes, &wanted, err);
        }
        break;
    }
    if (status == OK) {
        *ret_wanted = wanted;
    }
    return status;
}

enum status trusted_set_find_target(const struct trusted_set *set, const char *path,
                                    const struct tuf_target **ret_target, struct err *err)
{
    if (!set->targets) {
        return err_set(err, ERR_TUF_NO_TRUST, "there are no trusted targets yet");
    }
    const struct tuf_target *target = tuf_targets_find(set->targets, path);
    if (!target) {
        return err_set(err, ERR_TUF_MISSING,
                       "target '%.120s' expected, targets version %" PRId64
                       " does not list it",
                       path, set->targets->envelope.version);
    }
    *ret_target = target;
    return OK;
}
