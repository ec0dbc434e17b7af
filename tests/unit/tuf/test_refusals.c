/* SPDX-License-Identifier: Apache-2.0 */
/* A table of refusals: each has its code, names the role, and says what was expected and
 * what was found. */
#include "tests/unit/tuf/client.h"
#include "tuf/target.h"

/* A file that a client at version 1 (`refreshed`: after a whole update) is offered. */
struct refusal {
    void (*bend)(struct world *world);
    enum tuf_role role;
    bool refreshed;
    enum status status;
    const char *named, *expected, *found;
};

static void set_member(struct world *world, enum tuf_role role, const char *member,
                       json_t *value)
{
    assert_int_equal(json_object_set_new(world->body[role], member, value), 0);
}

static void skip_a_root(struct world *world)
{
    world_set_version(world, TUF_ROLE_ROOT, 3);
    world_sign(world, TUF_ROLE_ROOT);
}

static void sign_root_with_another(struct world *world)
{
    const struct signing_key *key = &world->keys[TUF_ROLE_ROOT][1];
    world_set_version(world, TUF_ROLE_ROOT, 2);
    world_sign_with(world, TUF_ROLE_ROOT, &key, 1);
}

static void threshold_of_none(struct world *world)
{
    world_set_version(world, TUF_ROLE_ROOT, 2);
    (void)json_object_set_new(world_authority(world, TUF_ROLE_TARGETS), "threshold",
                              json_integer(0));
    world_sign(world, TUF_ROLE_ROOT);
}

static void snapshot_for_timestamp(struct world *world)
{
    struct buf *timestamp = &world->bytes[TUF_ROLE_TIMESTAMP];
    const struct buf *snapshot = &world->bytes[TUF_ROLE_SNAPSHOT];
    buf_reset(timestamp);
    buf_add(timestamp, snapshot->data, snapshot->len);
}

static void expired_timestamp(struct world *world)
{
    world_set_expires(world, TUF_ROLE_TIMESTAMP, "2026-11-20T00:00:00Z");
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void old_timestamp(struct world *world)
{
    world_set_version(world, TUF_ROLE_TIMESTAMP, 6);
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void timestamp_of_an_old_snapshot(struct world *world)
{
    world_set_version(world, TUF_ROLE_TIMESTAMP, 8);
    world_set_version(world, TUF_ROLE_SNAPSHOT, 5);
    world_link(world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void another_specification(struct world *world)
{
    set_member(world, TUF_ROLE_TIMESTAMP, "spec_version", json_string("2.0.0"));
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void signed_twice(struct world *world)
{
    struct buf *bytes = &world->bytes[TUF_ROLE_TIMESTAMP];
    json_t *file = json_loadb(bytes->data, bytes->len, 0, NULL);
    json_t *signatures = json_object_get(file, "signatures");
    (void)json_array_append(signatures, json_array_get(signatures, 0));
    char *text = json_dumps(file, JSON_COMPACT);
    buf_reset(bytes);
    buf_addstr(bytes, text);
    free(text);
    json_decref(file);
}

static void real_number(struct world *world)
{
    struct buf *bytes = &world->bytes[TUF_ROLE_TIMESTAMP];
    buf_reset(bytes);
    buf_addstr(bytes, "{\"signatures\":[],\"signed\":{\"version\":1e3}}");
}

static void other_snapshot_bytes(struct world *world)
{
    struct buf *bytes = &world->bytes[TUF_ROLE_SNAPSHOT];
    bytes->data[bytes->len - 3] ^= 1;
}

static void longer_snapshot(struct world *world)
{
    buf_addstr(&world->bytes[TUF_ROLE_SNAPSHOT], " ");
}

static void other_targets_version(struct world *world)
{
    world_set_version(world, TUF_ROLE_TARGETS, 9);
    world_sign(world, TUF_ROLE_TARGETS);
    struct signing_file file = {.data = world->bytes[TUF_ROLE_TARGETS].data,
                                .len = world->bytes[TUF_ROLE_TARGETS].len,
                                .version = 8};
    world_must(
        signing_set_meta(world->body[TUF_ROLE_SNAPSHOT], "targets.json", &file, NULL),
        NULL);
    world_set_version(world, TUF_ROLE_SNAPSHOT, 8);
    world_sign(world, TUF_ROLE_SNAPSHOT);
    world_link(world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
    world_set_version(world, TUF_ROLE_TIMESTAMP, 8);
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void expired_targets(struct world *world)
{
    world_set_expires(world, TUF_ROLE_TARGETS, "2026-11-20T00:00:00Z");
    world_publish(world);
}

/* A delegation whose scope is neither kind, or both. */
static void scope_of(struct world *world, json_t *scope)
{
    JSON_AUTO *role = json_pack("{s:s, s:[], s:i, s:b}", "name", "team", "keyids",
                                "threshold", 1, "terminating", 0);
    assert_int_equal(json_object_update_new(role, scope), 0);
    set_member(world, TUF_ROLE_TARGETS, "delegations",
               json_pack("{s:{}, s:[O]}", "keys", "roles", role));
    world_publish(world);
}

static void scope_of_neither(struct world *world)
{
    scope_of(world, json_object());
}

static void scope_of_both(struct world *world)
{
    scope_of(world, json_pack("{s:[s], s:[s]}", "paths", "*", "path_hash_prefixes", "0"));
}

static const struct refusal refusals[] = {
    {skip_a_root, TUF_ROLE_ROOT, false, ERR_TUF_VERSION, "root", "version 2 expected",
     "3 found"},
    {sign_root_with_another, TUF_ROLE_ROOT, false, ERR_TUF_SIGNATURE, "root",
     "1 valid signatures of different keys expected of ", "0 found, signed by "},
    {threshold_of_none, TUF_ROLE_ROOT, false, ERR_TUF_ROLE, "root",
     "'threshold': at least 1 expected", "0 found"},
    {snapshot_for_timestamp, TUF_ROLE_TIMESTAMP, false, ERR_TUF_TYPE, "timestamp",
     "'timestamp' expected", "'snapshot' found"},
    {expired_timestamp, TUF_ROLE_TIMESTAMP, false, ERR_TUF_EXPIRED, "timestamp version 1",
     "after 2026-11-23T", "2026-11-20T00:00:00Z found"},
    {old_timestamp, TUF_ROLE_TIMESTAMP, true, ERR_TUF_ROLLBACK, "timestamp",
     "version 7 or newer expected", "6 found"},
    {timestamp_of_an_old_snapshot, TUF_ROLE_TIMESTAMP, true, ERR_TUF_ROLLBACK,
     "timestamp", "snapshot version 7 or newer expected", "5 found"},
    {another_specification, TUF_ROLE_TIMESTAMP, false, ERR_TUF_SPEC_VERSION, "timestamp",
     "'1.…' expected", "'2.0.0' found"},
    {signed_twice, TUF_ROLE_TIMESTAMP, false, ERR_TUF_DUPLICATE_SIGNATURE, "timestamp",
     "one signature a key expected", "found"},
    {real_number, TUF_ROLE_TIMESTAMP, false, ERR_TUF_FORMAT, "metadata",
     "integers expected", "a real number found"},
    {other_snapshot_bytes, TUF_ROLE_SNAPSHOT, false, ERR_TUF_HASH, "snapshot",
     "… expected", "… found"},
    {longer_snapshot, TUF_ROLE_SNAPSHOT, false, ERR_TUF_LENGTH, "snapshot",
     "bytes expected", "found"},
    {other_targets_version, TUF_ROLE_TARGETS, false, ERR_TUF_VERSION, "targets",
     "version 8 expected", "9 found"},
    {scope_of_neither, TUF_ROLE_TARGETS, false, ERR_TUF_FORMAT, "targets",
     "either 'paths' or 'path_hash_prefixes' expected", "neither found"},
    {scope_of_both, TUF_ROLE_TARGETS, false, ERR_TUF_FORMAT, "targets",
     "either 'paths' or 'path_hash_prefixes' expected", "both found"},
    {expired_targets, TUF_ROLE_TARGETS, false, ERR_TUF_EXPIRED, "targets version 1",
     "after 2026-11-23T", "2026-11-20T00:00:00Z found"},
};

/* Everything at version 7, taken by the client. */
static void refresh(struct world *world, struct trusted_set *set)
{
    struct err err = {0};
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        world_set_version(world, (enum tuf_role)role, 7);
    }
    world_publish(world);
    world_must(world_refresh(world, set, &err), &err);
}

/* Offers what comes before the role, then the role's file. */
static enum status offer(struct world *world, struct trusted_set *set,
                         const struct refusal *refusal, struct err *err)
{
    for (int role = TUF_ROLE_TIMESTAMP; role < (int)refusal->role; role++) {
        world_must(world_offer(world, set, (enum tuf_role)role, err), err);
    }
    return world_offer(world, set, refusal->role, err);
}

static void expect_text(const char *detail, const char *part)
{
    if (!strstr(detail, part)) {
        fail_msg("'%s' expected in: %s", part, detail);
    }
}

static void a_refusal_has_its_code_and_says_expected_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        struct err err = {0};
        world_init(&world);
        world_must(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                    world.bytes[TUF_ROLE_ROOT].len, NOW_MS, &err),
                   &err);
        if (refusal->role != TUF_ROLE_ROOT) {
            world_must(trusted_set_root_done(&set, &err), &err);
        }
        if (refusal->refreshed) {
            refresh(&world, &set);
        }
        refusal->bend(&world);
        assert_int_equal(offer(&world, &set, refusal, &err), refusal->status);
        assert_int_equal(err.status, refusal->status);
        expect_text(err.detail, refusal->named);
        expect_text(err.detail, refusal->expected);
        expect_text(err.detail, refusal->found);
    }
}

/* The keys that may sign, and those that did. */
static void a_missing_signature_names_keys(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    char text[9];
    world_init(&world);
    world_client(&world, &set);
    const struct signing_key *key = &world.keys[TUF_ROLE_TIMESTAMP][1];
    world_sign_with(&world, TUF_ROLE_TIMESTAMP, &key, 1);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err),
                     ERR_TUF_SIGNATURE);
    snprintf(text, sizeof text, "%.8s", world.keys[TUF_ROLE_TIMESTAMP][0].keyid);
    expect_text(err.detail, text);
    snprintf(text, sizeof text, "%.8s", key->keyid);
    expect_text(err.detail, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_has_its_code_and_says_expected_and_found),
        cmocka_unit_test(a_missing_signature_names_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
