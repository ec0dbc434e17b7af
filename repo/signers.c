/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/signers.h"

#include <inttypes.h>
#include <string.h>

#include "repo/metadata_file.h"
#include "tuf/json.h"

enum { KEYID_PREFIX_MIN = 8 };

static const char ROOT[] = "root";
static const char TARGETS[] = "targets";

/* Where a role's keys stand, in bodies that may be changed. */
struct seat {
    json_t *keys;      /* of root or of the delegations: objects by id */
    json_t *authority; /* "keyids" and "threshold" of the role */
    json_t *holder;    /* the list or object of all authorities that share the keys */
};

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for signers");
}

static json_t *find_delegated(json_t *roles, const char *role)
{
    for (size_t i = 0; i < json_array_size(roles); i++) {
        json_t *item = json_array_get(roles, i);
        if (strcmp(json_string_value(json_object_get(item, "name")), role) == 0) {
            return item;
        }
    }
    return NULL;
}

static enum status open_seat(struct draft *draft, const char *role, struct seat *ret_seat,
                             struct err *err)
{
    enum tuf_role known = TUF_ROLE_ROOT;
    json_t *body = NULL;
    bool top = metadata_role(role, &known);
    if (!top && draft_demands(draft, role).count == 0) {
        return err_set(
            err, ERR_NOT_FOUND,
            "there is no role '%.60s': root, targets, snapshot, timestamp or a "
            "delegated model expected",
            role);
    }
    enum status status = draft_edit(draft, top ? ROOT : TARGETS, &body, err);
    if (status != OK) {
        return status;
    }
    json_t *from = top ? body : json_object_get(body, "delegations");
    struct seat seat = {.keys = json_object_get(from, "keys"),
                        .holder = json_object_get(from, "roles")};
    seat.authority =
        top ? json_object_get(seat.holder, role) : find_delegated(seat.holder, role);
    *ret_seat = seat;
    return OK;
}

static bool lists(const json_t *authority, const char *keyid)
{
    const json_t *keyids = json_object_get(authority, "keyids");
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        if (strcmp(json_string_value(json_array_get(keyids, i)), keyid) == 0) {
            return true;
        }
    }
    return false;
}

/* Keys that no role names any more go. */
static void prune(const struct seat *seat)
{
    const char *keyid = NULL;
    json_t *key = NULL;
    void *next = NULL;
    json_object_foreach_safe(seat->keys, next, keyid, key)
    {
        bool named = false;
        const char *name = NULL;
        json_t *authority = NULL;
        for (size_t i = 0; i < json_array_size(seat->holder); i++) {
            named = named || lists(json_array_get(seat->holder, i), keyid);
        }
        json_object_foreach(seat->holder, name, authority)
        {
            named = named || lists(authority, keyid);
        }
        if (!named) {
            (void)json_object_del(seat->keys, keyid);
        }
    }
}

/* Whether the role has that key already, under whatever id. */
static enum status check_new(const struct seat *seat, const char *role, const json_t *key,
                             struct err *err)
{
    VERIFY_KEY_AUTO fresh = {0};
    enum status status = verify_key_parse(key, &fresh, err);
    const json_t *keyids = json_object_get(seat->authority, "keyids");
    for (size_t i = 0; status == OK && i < json_array_size(keyids); i++) {
        const char *keyid = json_string_value(json_array_get(keyids, i));
        VERIFY_KEY_AUTO other = {0};
        if (verify_key_parse(json_object_get(seat->keys, keyid), &other, NULL) == OK &&
            memcmp(other.identity, fresh.identity, sizeof fresh.identity) == 0) {
            status = err_set(err, ERR_EXISTS, "the key %.16s may sign %.60s already",
                             keyid, role);
        }
    }
    return status;
}

enum status signers_add(struct draft *draft, const char *role, json_t *key,
                        struct err *err)
{
    struct seat seat;
    char keyid[KEY_ID_BYTES];
    enum status status = key_object_id(key, keyid, err);
    if (status == OK) {
        status = open_seat(draft, role, &seat, err);
    }
    if (status == OK) {
        status = check_new(&seat, role, key, err);
    }
    if (status != OK) {
        return status;
    }
    json_t *keyids = json_object_get(seat.authority, "keyids");
    if (json_object_set(seat.keys, keyid, key) != 0 ||
        json_array_append_new(keyids, json_string(keyid)) != 0) {
        return no_memory(err);
    }
    return OK;
}

/* The index of the one key id of a role that begins so. */
static enum status find_keyid(const struct seat *seat, const char *role,
                              const char *prefix, size_t *ret_index, struct err *err)
{
    const json_t *keyids = json_object_get(seat->authority, "keyids");
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        const char *keyid = json_string_value(json_array_get(keyids, i));
        if (strncmp(keyid, prefix, strlen(prefix)) == 0) {
            *ret_index = i;
            found++;
        }
    }
    if (strlen(prefix) < KEYID_PREFIX_MIN || found != 1) {
        return err_set(err, ERR_NOT_FOUND,
                       "at least %d digits of the id of one key of %.60s expected, "
                       "'%.64s' fits %zu: 'muster repo signer list' shows them",
                       KEYID_PREFIX_MIN, role, prefix, found);
    }
    return OK;
}

enum status signers_remove(struct draft *draft, const char *role, const char *keyid,
                           struct err *err)
{
    struct seat seat;
    size_t index = 0;
    enum status status = open_seat(draft, role, &seat, err);
    if (status == OK) {
        status = find_keyid(&seat, role, keyid, &index, err);
    }
    if (status != OK) {
        return status;
    }
    json_t *keyids = json_object_get(seat.authority, "keyids");
    int64_t threshold = json_integer_value(json_object_get(seat.authority, "threshold"));
    if ((int64_t)json_array_size(keyids) <= threshold) {
        return err_set(err, ERR_TUF_ROLE,
                       "%.60s needs %" PRId64 " of its %zu keys: add another one first, "
                       "or lower it with 'muster repo threshold'",
                       role, threshold, json_array_size(keyids));
    }
    (void)json_array_remove(keyids, index);
    prune(&seat);
    return OK;
}

enum status signers_threshold(struct draft *draft, const char *role, int64_t threshold,
                              struct err *err)
{
    struct seat seat;
    enum status status = open_seat(draft, role, &seat, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_array_size(json_object_get(seat.authority, "keyids"));
    if (strcmp(role, "timestamp") == 0 && threshold != 1) {
        return err_set(err, ERR_TUF_ROLE,
                       "the server signs the timestamp alone: its threshold is 1");
    }
    if (threshold < 1 || threshold > (int64_t)count) {
        return err_set(err, ERR_TUF_ROLE,
                       "a threshold from 1 to the %zu keys of %.60s expected, %" PRId64
                       " found: 'muster repo signer add' adds keys",
                       count, role, threshold);
    }
    return json_object_set_new(seat.authority, "threshold", json_integer(threshold)) == 0
               ? OK
               : no_memory(err);
}

json_t *signers_roles(const struct draft *draft, const char *keyid)
{
    const struct tuf_root *root = draft_root(draft);
    const struct tuf_delegations *all = draft_targets(draft, TARGETS)->delegations;
    json_t *roles = json_array();
    for (int i = 0; i < TUF_ROLE_COUNT; i++) {
        const json_t *keyids = root->roles[i].keyids;
        for (size_t k = 0; k < json_array_size(keyids); k++) {
            if (strcmp(json_string_value(json_array_get(keyids, k)), keyid) == 0) {
                (void)json_array_append_new(roles,
                                            json_string(tuf_role_name((enum tuf_role)i)));
            }
        }
    }
    for (size_t i = 0; all && i < all->count; i++) {
        const json_t *keyids = all->roles[i].authority.keyids;
        for (size_t k = 0; k < json_array_size(keyids); k++) {
            if (strcmp(json_string_value(json_array_get(keyids, k)), keyid) == 0) {
                (void)json_array_append_new(roles, json_string(all->roles[i].name));
            }
        }
    }
    return roles;
}

static enum status replace_in(struct draft *draft, const char *role, const char *keyid,
                              json_t *key, struct err *err)
{
    struct seat seat;
    char fresh[KEY_ID_BYTES];
    size_t index = 0;
    enum status status = key_object_id(key, fresh, err);
    if (status == OK) {
        status = open_seat(draft, role, &seat, err);
    }
    if (status == OK) {
        status = check_new(&seat, role, key, err);
    }
    if (status == OK) {
        status = find_keyid(&seat, role, keyid, &index, err);
    }
    if (status != OK) {
        return status;
    }
    json_t *keyids = json_object_get(seat.authority, "keyids");
    if (json_object_set(seat.keys, fresh, key) != 0 ||
        json_array_set_new(keyids, index, json_string(fresh)) != 0) {
        return no_memory(err);
    }
    prune(&seat);
    return OK;
}

enum status signers_replace(struct draft *draft, const char *keyid, json_t *key,
                            json_t **ret_roles, struct err *err)
{
    JSON_AUTO *roles = signers_roles(draft, keyid);
    enum status status = OK;
    for (size_t i = 0; status == OK && i < json_array_size(roles); i++) {
        status = replace_in(draft, json_string_value(json_array_get(roles, i)), keyid,
                            key, err);
    }
    if (status == OK && json_array_size(roles) == 0) {
        status = err_set(err, ERR_NOT_FOUND, "the key %.16s signs for no role", keyid);
    }
    if (status == OK) {
        *ret_roles = roles;
        roles = NULL;
    }
    return status;
}
