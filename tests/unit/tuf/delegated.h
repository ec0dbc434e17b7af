/* SPDX-License-Identifier: Apache-2.0 */
/* delegated: roles below a world's top-level targets, each with a key of its own. */
#ifndef MUSTER_TESTS_UNIT_TUF_DELEGATED_H
#define MUSTER_TESTS_UNIT_TUF_DELEGATED_H

#include "tests/unit/tuf/client.h"
#include "tuf/target_search.h"

enum { DELEGATED_MAX = 40 };

struct delegated_role {
    char name[TUF_ROLE_NAME_MAX];
    json_t *body;
    struct signing_key key;
    struct buf bytes;
};

struct delegated {
    struct world world;
    struct delegated_role roles[DELEGATED_MAX];
    size_t count;
    char asked[1024]; /* names of the roles that a search asked for, each with a comma */
};

#define DELEGATED_AUTO __attribute__((cleanup(delegated_release))) struct delegated

static inline void delegated_release(struct delegated *all)
{
    for (size_t i = 0; i < all->count; i++) {
        json_decref(all->roles[i].body);
        buf_release(&all->roles[i].bytes);
    }
    world_release(&all->world);
}

static inline struct delegated_role *delegated_get(struct delegated *all,
                                                   const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->roles[i].name, name) == 0) {
            return &all->roles[i];
        }
    }
    assert_true(all->count < DELEGATED_MAX);
    struct err err = {0};
    struct delegated_role *role = &all->roles[all->count];
    (void)snprintf(role->name, sizeof role->name, "%s", name);
    role->key = world_key((uint8_t)(100 + all->count++));
    world_must(
        signing_body_new(TUF_ROLE_TARGETS, 1, NOW_MS + 30 * DAY_MS, &role->body, &err),
        &err);
    return role;
}

/* "targets" or a delegated role's "signed". Borrowed. */
static inline json_t *delegated_body(struct delegated *all, const char *name)
{
    return strcmp(name, "targets") == 0 ? all->world.body[TUF_ROLE_TARGETS]
                                        : delegated_get(all, name)->body;
}

static inline json_t *delegated_key_object(const struct signing_key *key)
{
    return key_object_new(key->public_key);
}

/* `from` delegates to `to` with a key: `scope` is {"paths":[…]} and the like, stolen. */
static inline void delegated_add_with(struct delegated *all, const char *from,
                                      const char *to, const struct signing_key *key,
                                      json_t *scope)
{
    json_t *body = delegated_body(all, from);
    json_t *delegations = json_object_get(body, "delegations");
    if (!delegations) {
        delegations = json_pack("{s:{}, s:[]}", "keys", "roles");
        (void)json_object_set_new(body, "delegations", delegations);
    }
    (void)json_object_set_new(json_object_get(delegations, "keys"), key->keyid,
                              delegated_key_object(key));
    JSON_AUTO *role = json_pack("{s:s, s:[s], s:i, s:b}", "name", to, "keyids",
                                key->keyid, "threshold", 1, "terminating", 0);
    (void)json_object_update(role, scope);
    json_decref(scope);
    (void)json_array_append(json_object_get(delegations, "roles"), role);
}

/* `from` delegates everything below its first part to `to`. */
static inline void delegated_add(struct delegated *all, const char *from, const char *to,
                                 bool terminating)
{
    struct delegated_role *role = delegated_get(all, to);
    delegated_add_with(
        all, from, to, &role->key,
        json_pack("{s:[s, s], s:b}", "paths", "*", "*/*", "terminating", terminating));
}

static inline void delegated_list(struct delegated *all, const char *role,
                                  const char *path)
{
    struct err err = {0};
    uint8_t digest[SHA256_BYTES] = {1};
    world_must(signing_add_target(delegated_body(all, role), path, 5, digest, NULL, &err),
               &err);
}

/* Signs a role's file with its key and lists it in the snapshot. */
static inline void delegated_sign(struct delegated *all, struct delegated_role *role)
{
    struct err err = {0};
    const struct signing_key *key = &role->key;
    char name[TUF_ROLE_NAME_MAX + 8];
    buf_release(&role->bytes);
    role->bytes = BUF_INIT(1 << 20);
    world_must(signing_envelope(role->body, &key, 1, &role->bytes, &err), &err);
    struct signing_file file = {
        .data = role->bytes.data,
        .len = role->bytes.len,
        .version = json_integer_value(json_object_get(role->body, "version"))};
    (void)snprintf(name, sizeof name, "%s.json", role->name);
    world_must(signing_set_meta(all->world.body[TUF_ROLE_SNAPSHOT], name, &file, &err),
               &err);
}

/* Signs everything and has a client accept all but the delegated roles. */
static inline void delegated_publish(struct delegated *all, struct trusted_set *ret_set)
{
    struct err err = {0};
    for (size_t i = 0; i < all->count; i++) {
        delegated_sign(all, &all->roles[i]);
    }
    world_publish(&all->world);
    world_client(&all->world, ret_set);
    world_must(world_refresh(&all->world, ret_set, &err), &err);
}

/* Searches a path, offering each role that is asked for. OK with a NULL target when it is
 * not listed; the search's error otherwise. */
static inline enum status delegated_search(struct delegated *all, struct trusted_set *set,
                                           const char *path,
                                           struct target_search *ret_search,
                                           struct err *err)
{
    enum search_state state = SEARCH_ABSENT;
    all->asked[0] = '\0';
    enum status status = target_search_init(ret_search, set, path, err);
    while (status == OK) {
        status = target_search_step(ret_search, &state, err);
        if (status != OK || state != SEARCH_WANTS_ROLE) {
            break;
        }
        const struct delegated_role *role = delegated_get(all, ret_search->role);
        size_t len = strlen(all->asked);
        (void)snprintf(all->asked + len, sizeof all->asked - len, "%s,", role->name);
        status = trusted_set_update_role(set, ret_search->delegator, ret_search->role,
                                         role->bytes.data, role->bytes.len, err);
    }
    return status;
}

#endif
