/* SPDX-License-Identifier: Apache-2.0 */
/* Every JSON field of every role and of delegations replaced in turn by seven other
 * values, with and without a fresh signature. What is accepted then must stand in the
 * list of harmless changes. */
#include "tests/unit/tuf/delegated.h"

#include <stdlib.h>

/* A change that a client may accept when the right key signed it. */
struct harmless {
    const char *pointer; /* its end */
    const char *value;
};

static const struct harmless harmless[] = {
    {"/consistent_snapshot", "true"},
    /* roles that nobody can sign for any more, or keys that never verify */
    {"/timestamp/keyids", "[]"},
    {"/snapshot/keyids", "[]"},
    {"/targets/keyids", "[]"},
    {"/keytype", "\"\""},
    {"/scheme", "\"\""},
    {"/public", "\"\""},
    /* no target at all; a custom part that is not ours */
    {"/signed/targets", "{}"},
    {"/custom", "{}"},
    {"/custom/note", NULL},
    /* a text that replaces one of the ids */
    {"/timestamp/keyids/0", "\"\""},
    {"/snapshot/keyids/0", "\"\""},
    {"/targets/keyids/0", "\"\""},
};

static const char *const VALUES[] = {"null", "[]", "{}", "\"\"", "-1", "1e3", "true"};

enum { VALUE_COUNT = sizeof VALUES / sizeof VALUES[0], POINTER_BYTES = 512 };

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool is_harmless(const char *pointer, const char *value)
{
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (ends_with(pointer, harmless[i].pointer) &&
            (!harmless[i].value || strcmp(harmless[i].value, value) == 0)) {
            return true;
        }
    }
    return false;
}

/* One run: which node (counted in walking order) of which file becomes what. */
struct mutation {
    int wanted;
    int seen;
    const char *value;
    char pointer[POINTER_BYTES]; /* of the node that was replaced, or "" */
};

static json_t *decode(const char *value)
{
    json_t *decoded = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(decoded);
    return decoded;
}

static bool mutate(struct mutation *mutation, json_t *node, const char *pointer);

static bool mutate_object(struct mutation *mutation, json_t *node, const char *pointer)
{
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(node, name, member)
    {
        char below[POINTER_BYTES];
        (void)snprintf(below, sizeof below, "%.250s/%.200s", pointer, name);
        if (mutation->seen++ == mutation->wanted) {
            (void)snprintf(mutation->pointer, sizeof mutation->pointer, "%s", below);
            return json_object_set_new(node, name, decode(mutation->value)) == 0;
        }
        if (mutate(mutation, member, below)) {
            return true;
        }
    }
    return false;
}

static bool mutate(struct mutation *mutation, json_t *node, const char *pointer)
{
    if (json_is_object(node)) {
        return mutate_object(mutation, node, pointer);
    }
    for (size_t i = 0; i < json_array_size(node); i++) {
        char below[POINTER_BYTES];
        (void)snprintf(below, sizeof below, "%.450s/%zu", pointer, i);
        if (mutation->seen++ == mutation->wanted) {
            (void)snprintf(mutation->pointer, sizeof mutation->pointer, "%s", below);
            return json_array_set_new(node, i, decode(mutation->value)) == 0;
        }
        if (mutate(mutation, json_array_get(node, i), below)) {
            return true;
        }
    }
    return false;
}

/* Real numbers cannot be signed: then the text itself is written with the old signature.
 */
static void write_file(struct world *world, enum tuf_role role, json_t *envelope)
{
    struct buf *bytes = &world->bytes[role];
    char *text = json_dumps(envelope, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    buf_release(bytes);
    *bytes = BUF_INIT(1 << 20);
    buf_addstr(bytes, text);
    free(text);
}

/* Makes the files above name this one, as a publisher with all keys would. */
static void relink(struct world *world, enum tuf_role role)
{
    if (role == TUF_ROLE_TARGETS) {
        world_link(world, TUF_ROLE_SNAPSHOT, "targets.json", TUF_ROLE_TARGETS);
        world_sign(world, TUF_ROLE_SNAPSHOT);
    }
    if (role != TUF_ROLE_TIMESTAMP) {
        world_link(world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
        world_sign(world, TUF_ROLE_TIMESTAMP);
    }
}

static void make_world(struct world *world, enum tuf_role role)
{
    world_init(world);
    world_add_target(world, "other/2/int8.mnet", "other",
                     json_pack("{s:s}", "note", "x"));
    world_publish(world);
    if (role == TUF_ROLE_ROOT) {
        world_set_version(world, TUF_ROLE_ROOT, 2);
        world_sign(world, TUF_ROLE_ROOT);
    }
}

/* Offers the bent world to a client that trusts root 1. */
static enum status offer(struct world *world, const struct buf *first_root,
                         enum tuf_role role, struct err *err)
{
    TRUSTED_SET_AUTO set;
    world_must(trusted_set_init(&set, first_root->data, first_root->len, NOW_MS, err),
               err);
    if (role == TUF_ROLE_ROOT) {
        return world_offer(world, &set, TUF_ROLE_ROOT, err);
    }
    world_must(trusted_set_root_done(&set, err), err);
    return world_refresh(world, &set, err);
}

/* False when there is no node of that number. */
static bool try_one(enum tuf_role role, int wanted, const char *value, bool sign)
{
    WORLD_AUTO world;
    WORLD_AUTO first;
    struct err err = {0};
    make_world(&world, role);
    world_init(&first);
    JSON_AUTO *envelope =
        json_loadb(world.bytes[role].data, world.bytes[role].len, 0, NULL);
    assert_non_null(envelope);
    JSON_AUTO *before = json_deep_copy(envelope);
    struct mutation mutation = {.wanted = wanted, .value = value};
    if (!mutate(&mutation, envelope, "")) {
        return false;
    }
    json_t *body = json_object_get(envelope, "signed");
    bool in_body = strncmp(mutation.pointer, "/signed/", 8) == 0;
    if (sign && in_body && strcmp(value, "1e3") != 0) {
        json_decref(world.body[role]);
        world.body[role] = json_incref(body);
        world_sign(&world, role);
    } else {
        write_file(&world, role, envelope);
    }
    if (role != TUF_ROLE_ROOT) {
        json_t *keep = world.body[role];
        world.body[role] = json_pack("{s:i}", "version", 1);
        relink(&world, role);
        json_decref(world.body[role]);
        world.body[role] = keep;
    }
    enum status status = offer(&world, &first.bytes[TUF_ROLE_ROOT], role, &err);
    bool same = json_equal(before, envelope);
    if (status == OK && !same && !(sign && is_harmless(mutation.pointer, value))) {
        fail_msg("%s%s = %s was accepted", tuf_role_name(role), mutation.pointer, value);
    }
    if (status != OK) {
        assert_int_equal(err.status, status);
        assert_string_not_equal(err.detail, "");
    }
    return true;
}

static void no_field_can_change_its_meaning(void **state)
{
    (void)state;
    int tried = 0;
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        for (int node = 0; try_one((enum tuf_role)role, node, "null", true); node++) {
            for (int i = 0; i < VALUE_COUNT; i++) {
                (void)try_one((enum tuf_role)role, node, VALUES[i], true);
                (void)try_one((enum tuf_role)role, node, VALUES[i], false);
                tried++;
            }
        }
    }
    assert_in_range(tried, 500, 5000);
}

/* ---- delegations ---- */

/* Which file is bent: targets that delegates by patterns, by prefixes or to succinct
 * roles, or the delegated role's own. */
enum place { BY_PATHS, BY_PREFIXES, SUCCINCT, IN_ROLE, PLACES };

static const char BIN[] = "bin-0"; /* of "b": its digest begins with 3e23 */

static void make_delegated(struct delegated *all, enum place place)
{
    world_init(&all->world);
    struct delegated_role *role = delegated_get(all, BIN);
    if (place == SUCCINCT) {
        (void)json_object_set_new(
            all->world.body[TUF_ROLE_TARGETS], "delegations",
            json_pack("{s:{s:o}, s:{s:[s], s:i, s:i, s:s}}", "keys", role->key.keyid,
                      delegated_key_object(&role->key), "succinct_roles", "keyids",
                      role->key.keyid, "threshold", 1, "bit_length", 1, "name_prefix",
                      "bin"));
    } else {
        delegated_add_with(
            all, "targets", BIN, &role->key,
            place == BY_PREFIXES
                ? json_pack("{s:[s], s:b}", "path_hash_prefixes", "3e", "terminating", 1)
                : json_pack("{s:[s], s:b}", "paths", "?", "terminating", 1));
    }
    delegated_list(all, BIN, "b");
    delegated_sign(all, role);
    world_sign(&all->world, TUF_ROLE_TARGETS);
}

/* The bent file in place of the good one: signed anew, or as it was signed before. */
static void put_bent(struct delegated *all, enum place place, json_t *envelope, bool sign)
{
    bool in_role = place == IN_ROLE;
    struct delegated_role *role = delegated_get(all, BIN);
    struct buf *bytes = in_role ? &role->bytes : &all->world.bytes[TUF_ROLE_TARGETS];
    char *text = json_dumps(envelope, JSON_COMPACT | JSON_SORT_KEYS);
    struct err err = {0};
    buf_release(bytes);
    *bytes = BUF_INIT(1 << 20);
    if (sign) {
        const struct signing_key *key =
            in_role ? &role->key : &all->world.keys[TUF_ROLE_TARGETS][0];
        world_must(
            signing_envelope(json_object_get(envelope, "signed"), &key, 1, bytes, &err),
            &err);
    } else {
        buf_addstr(bytes, text);
    }
    free(text);
}

/* Snapshot and timestamp name the files as they are now, as version 1. */
static void link_files(struct delegated *all)
{
    struct err err = {0};
    const struct delegated_role *role = delegated_get(all, BIN);
    struct signing_file file = {
        .data = role->bytes.data, .len = role->bytes.len, .version = 1};
    world_must(
        signing_set_meta(all->world.body[TUF_ROLE_SNAPSHOT], "bin-0.json", &file, &err),
        &err);
    relink(&all->world, TUF_ROLE_TARGETS);
}

/* Whether a client finds the target; false with an error or without. */
static bool finds(struct delegated *all, struct err *err)
{
    TRUSTED_SET_AUTO set = {0};
    struct target_search search;
    world_client(&all->world, &set);
    enum status status = world_refresh(&all->world, &set, err);
    if (status == OK) {
        status = delegated_search(all, &set, "b", &search, err);
    }
    if (status != OK) {
        assert_int_equal(err->status, status);
        assert_string_not_equal(err->detail, "");
    }
    return status == OK && search.target;
}

/* What does not matter for finding the target; the empty prefix is that of every digest.
 */
static bool is_harmless_delegated(enum place place, const char *pointer,
                                  const char *value)
{
    if (place == BY_PREFIXES && ends_with(pointer, "/path_hash_prefixes/0")) {
        return strcmp(value, "\"\"") == 0;
    }
    return place != IN_ROLE && ends_with(pointer, "/signed/targets") &&
           strcmp(value, "{}") == 0;
}

static bool try_delegated(enum place place, int wanted, const char *value, bool sign)
{
    DELEGATED_AUTO all = {0};
    struct err err = {0};
    make_delegated(&all, place);
    const struct buf *bytes = place == IN_ROLE ? &delegated_get(&all, BIN)->bytes
                                               : &all.world.bytes[TUF_ROLE_TARGETS];
    JSON_AUTO *envelope = json_loadb(bytes->data, bytes->len, 0, NULL);
    JSON_AUTO *before = json_deep_copy(envelope);
    struct mutation mutation = {.wanted = wanted, .value = value};
    if (!mutate(&mutation, envelope, "")) {
        link_files(&all);
        assert_true(finds(&all, &err)); /* without a change it is found */
        return false;
    }
    bool in_body = strncmp(mutation.pointer, "/signed/", 8) == 0;
    bool signed_anew = sign && in_body && strcmp(value, "1e3") != 0;
    put_bent(&all, place, envelope, signed_anew);
    link_files(&all);
    bool found = finds(&all, &err);
    if (found && !json_equal(before, envelope) &&
        !(signed_anew && is_harmless_delegated(place, mutation.pointer, value))) {
        fail_msg("%d: %s = %s was accepted", (int)place, mutation.pointer, value);
    }
    return true;
}

static void no_field_of_a_delegation_can_change_its_meaning(void **state)
{
    (void)state;
    int tried = 0;
    for (int place = 0; place < PLACES; place++) {
        for (int node = 0; try_delegated((enum place)place, node, "null", false);
             node++) {
            for (int i = 0; i < VALUE_COUNT; i++) {
                (void)try_delegated((enum place)place, node, VALUES[i], true);
                tried++;
            }
        }
    }
    assert_in_range(tried, 500, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_field_can_change_its_meaning),
        cmocka_unit_test(no_field_of_a_delegation_can_change_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
