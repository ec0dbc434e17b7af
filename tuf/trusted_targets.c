/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/trusted_checks.h"
#include "tuf/trusted_set.h"

static const char TARGETS_ROLE[] = "targets";

static void free_targets(struct tuf_targets **targets)
{
    tuf_targets_free(*targets);
}

/* ---- names ---- */

static bool unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("_.-~", byte));
}

void tuf_role_file_name(const char *role, char ret_name[static TUF_FILE_NAME_MAX])
{
    static const char DIGITS[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < TUF_ROLE_NAME_MAX - 1 && role[i]; i++) {
        unsigned char byte = (unsigned char)role[i];
        if (unreserved(byte)) {
            ret_name[len++] = (char)byte;
        } else {
            ret_name[len++] = '%';
            ret_name[len++] = DIGITS[byte >> 4];
            ret_name[len++] = DIGITS[byte & 15];
        }
    }
    memcpy(ret_name + len, ".json", sizeof ".json");
}

/* The snapshot's entry of a role; in it the name is not encoded. */
static enum status named_role(const struct trusted_set *set, const char *role,
                              const struct tuf_meta **ret_meta, struct err *err)
{
    char name[TUF_ROLE_NAME_MAX + 8];
    if (!set->snapshot_current) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "a trusted snapshot expected, none found yet");
    }
    (void)snprintf(name, sizeof name, "%.*s.json", TUF_ROLE_NAME_MAX - 1, role);
    const struct tuf_meta *meta = tuf_snapshot_meta(set->snapshot, name);
    if (!meta) {
        return err_set(err, ERR_TUF_MISSING, "snapshot: '%.60s' expected, not listed",
                       name);
    }
    *ret_meta = meta;
    return OK;
}

/* ---- what to fetch ---- */

static enum status want_file(const struct trusted_set *set, const struct tuf_meta *meta,
                             const char *name, size_t limit, struct tuf_wanted *wanted,
                             struct err *err)
{
    if (meta->length >= 0 && (uint64_t)meta->length > limit) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "%.60s: at most %zu bytes expected, %" PRId64 " found", name,
                       limit, meta->length);
    }
    wanted->max_bytes = meta->length >= 0 ? (size_t)meta->length : limit;
    int len = set->root->consistent_snapshot
                  ? snprintf(wanted->name, sizeof wanted->name, "%" PRId64 ".%s",
                             meta->version, name)
                  : snprintf(wanted->name, sizeof wanted->name, "%s", name);
    return len > 0 && (size_t)len < sizeof wanted->name
               ? OK
               : err_set(err, ERR_TUF_TOO_LARGE, "%.60s: a shorter name expected", name);
}

static enum status want_root(const struct trusted_set *set, struct tuf_wanted *wanted,
                             struct err *err)
{
    if (set->root->envelope.version == INT64_MAX) {
        return err_set(err, ERR_TUF_VERSION,
                       "root: a version below %" PRId64 " expected, that one found",
                       INT64_MAX);
    }
    (void)snprintf(wanted->name, sizeof wanted->name, "%" PRId64 ".root.json",
                   set->root->envelope.version + 1);
    wanted->max_bytes = set->limits.root_bytes;
    return OK;
}

static enum status want_snapshot(const struct trusted_set *set, struct tuf_wanted *wanted,
                                 struct err *err)
{
    if (!set->timestamp) {
        return err_set(err, ERR_TUF_NO_TRUST,
                       "a trusted timestamp expected, none found yet");
    }
    return want_file(set, &set->timestamp->snapshot, "snapshot.json",
                     set->limits.snapshot_bytes, wanted, err);
}

enum status trusted_set_wanted_role(const struct trusted_set *set, const char *role,
                                    struct tuf_wanted *ret_wanted, struct err *err)
{
    const struct tuf_meta *meta = NULL;
    char name[TUF_FILE_NAME_MAX];
    struct tuf_wanted wanted = {0};
    enum status status = named_role(set, role, &meta, err);
    if (status == OK) {
        tuf_role_file_name(role, name);
        status = want_file(set, meta, name, set->limits.targets_bytes, &wanted, err);
    }
    if (status == OK) {
        *ret_wanted = wanted;
    }
    return status;
}

enum status trusted_set_wanted(const struct trusted_set *set, enum tuf_role role,
                               struct tuf_wanted *ret_wanted, struct err *err)
{
    struct tuf_wanted wanted = {0};
    enum status status = OK;
    switch (role) {
    case TUF_ROLE_ROOT:
        status = want_root(set, &wanted, err);
        break;
    case TUF_ROLE_TIMESTAMP:
        (void)snprintf(wanted.name, sizeof wanted.name, "timestamp.json");
        wanted.max_bytes = set->limits.timestamp_bytes;
        break;
    case TUF_ROLE_SNAPSHOT:
        status = want_snapshot(set, &wanted, err);
        break;
    case TUF_ROLE_TARGETS:
        status = trusted_set_wanted_role(set, TARGETS_ROLE, &wanted, err);
        break;
    }
    if (status == OK) {
        *ret_wanted = wanted;
    }
    return status;
}

/* ---- top-level and delegated targets ---- */

/* Who must have signed a role's file. */
struct signer {
    const struct tuf_keyring *keyring;
    struct tuf_authority authority;
    const char *by; /* who says so */
};

static enum status check_signer(const struct tuf_targets *targets, const char *role,
                                const struct signer *signer, struct err *err)
{
    enum status status = tuf_envelope_verify(&targets->envelope, signer->keyring,
                                             &signer->authority, NULL, err);
    if (status != OK) {
        err_prefix(err, "%.60s version %" PRId64 " as %s demands", role,
                   targets->envelope.version, signer->by);
    }
    return status;
}

static enum status accept_role(const struct trusted_set *set, const char *role,
                               const struct signer *signer, const struct buf *bytes,
                               struct tuf_targets **ret_targets, struct err *err)
{
    const struct tuf_meta *meta = NULL;
    __attribute__((cleanup(free_targets))) struct tuf_targets *targets = NULL;
    enum status status = named_role(set, role, &meta, err);
    if (status == OK) {
        status = trusted_check_bytes(meta, bytes->data, bytes->len, err);
    }
    if (status == OK) {
        status = tuf_targets_parse(bytes->data, bytes->len, set->limits.targets_bytes,
                                   &targets, err);
    }
    if (status == OK) {
        status = check_signer(targets, role, signer, err);
    }
    if (status == OK) {
        status = trusted_check_version(&targets->envelope, meta->version, role, err);
    }
    if (status == OK) {
        status = trusted_check_expiry(set->now_ms, &targets->envelope, role, err);
    }
    if (status == OK) {
        *ret_targets = targets;
        targets = NULL;
    }
    return status;
}

enum status trusted_set_update_targets(struct trusted_set *set, const void *data,
                                       size_t len, struct err *err)
{
    struct signer signer = {.keyring = &set->root->keyring,
                            .authority = set->root->roles[TUF_ROLE_TARGETS],
                            .by = "the root"};
    struct buf bytes = {.data = (char *)data, .len = len};
    struct tuf_targets *targets = NULL;
    enum status status = accept_role(set, TARGETS_ROLE, &signer, &bytes, &targets, err);
    if (status == OK) {
        trusted_forget_targets(set);
        set->targets = targets;
    }
    return status;
}

static enum status signer_of(const struct tuf_targets *delegator, const char *role,
                             struct signer *ret_signer, struct err *err)
{
    struct tuf_delegate delegate;
    if (!delegator->delegations ||
        !delegations_find(delegator->delegations, role, &delegate)) {
        return err_set(err, ERR_TUF_MISSING,
                       "role '%.60s': a delegation to it expected, none found", role);
    }
    *ret_signer = (struct signer){.keyring = &delegator->delegations->keyring,
                                  .authority = delegate.authority,
                                  .by = "its delegator"};
    return OK;
}

static struct trusted_role *find_role(const struct trusted_set *set, const char *role)
{
    for (size_t i = 0; i < set->delegated_count; i++) {
        if (strcmp(set->delegated[i].name, role) == 0) {
            return &set->delegated[i];
        }
    }
    return NULL;
}

static enum status add_role(struct trusted_set *set, const char *name,
                            struct trusted_role **ret_role, struct err *err)
{
    if (set->delegated_count == set->delegated_capacity) {
        size_t capacity = set->delegated_capacity ? 2 * set->delegated_capacity : 8;
        struct trusted_role *roles =
            realloc(set->delegated, capacity * sizeof *set->delegated);
        if (!roles) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a role");
        }
        set->delegated = roles;
        set->delegated_capacity = capacity;
    }
    struct trusted_role *role = &set->delegated[set->delegated_count++];
    *role = (struct trusted_role){0};
    (void)snprintf(role->name, sizeof role->name, "%s", name);
    *ret_role = role;
    return OK;
}

enum status trusted_set_update_role(struct trusted_set *set,
                                    const struct tuf_targets *delegator, const char *role,
                                    const void *data, size_t len, struct err *err)
{
    struct signer signer;
    struct buf bytes = {.data = (char *)data, .len = len};
    struct tuf_targets *targets = NULL;
    struct trusted_role *known = find_role(set, role);
    if (known) {
        return err_set(err, ERR_TUF_ROLE,
                       "role '%.60s': once expected, found accepted already", role);
    }
    enum status status = signer_of(delegator, role, &signer, err);
    if (status == OK) {
        status = accept_role(set, role, &signer, &bytes, &targets, err);
    }
    if (status == OK) {
        status = add_role(set, role, &known, err);
    }
    if (status != OK) {
        tuf_targets_free(targets);
        return status;
    }
    known->targets = targets;
    known->delegator = delegator;
    return OK;
}

enum status trusted_set_role(struct trusted_set *set, const struct tuf_targets *delegator,
                             const char *role, const struct tuf_targets **ret_targets,
                             struct err *err)
{
    struct trusted_role *known = find_role(set, role);
    if (!known) {
        *ret_targets = NULL;
        return OK;
    }
    if (known->delegator != delegator) {
        struct signer signer;
        enum status status = signer_of(delegator, role, &signer, err);
        if (status == OK) {
            status = check_signer(known->targets, role, &signer, err);
        }
        if (status != OK) {
            return status;
        }
        known->delegator = delegator;
    }
    *ret_targets = known->targets;
    return OK;
}

enum status trusted_set_fresh(const struct trusted_set *set, int64_t now_ms,
                              struct err *err)
{
    const struct tuf_envelope *const envelopes[TUF_ROLE_COUNT] = {
        [TUF_ROLE_TIMESTAMP] = &set->timestamp->envelope,
        [TUF_ROLE_SNAPSHOT] = &set->snapshot->envelope,
        [TUF_ROLE_TARGETS] = &set->targets->envelope};
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        enum status status = trusted_check_expiry(
            now_ms, envelopes[role], tuf_role_name((enum tuf_role)role), err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

enum status trusted_set_role_fresh(const struct trusted_set *set, const char *role,
                                   int64_t now_ms, struct err *err)
{
    const struct trusted_role *known = find_role(set, role);
    return known ? trusted_check_expiry(now_ms, &known->targets->envelope, role, err)
                 : OK;
}
