/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tuf/client.h"

static void an_initial_root_must_be_signed_by_itself(void **state)
{
    (void)state;
    WORLD_AUTO world;
    struct trusted_set set;
    struct err err = {0};
    world_init(&world);
    const struct signing_key *foreign = &world.keys[TUF_ROLE_ROOT][1];
    world_sign_with(&world, TUF_ROLE_ROOT, &foreign, 1);
    assert_int_equal(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                      world.bytes[TUF_ROLE_ROOT].len, NOW_MS, &err),
                     ERR_TUF_NO_TRUST);
    assert_int_equal(err.status, ERR_TUF_NO_TRUST);
    assert_int_equal(trusted_set_init(&set, "{}", 2, NOW_MS, NULL), ERR_TUF_NO_TRUST);
}

static void an_expired_initial_root_is_only_a_start(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    world_set_expires(&world, TUF_ROLE_ROOT, "2020-01-01T00:00:00Z");
    world_sign(&world, TUF_ROLE_ROOT);
    world_must(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                world.bytes[TUF_ROLE_ROOT].len, NOW_MS, &err),
               &err);
    assert_int_equal(trusted_set_root_done(&set, NULL), ERR_TUF_EXPIRED);
    world_set_version(&world, TUF_ROLE_ROOT, 2);
    world_set_expires(&world, TUF_ROLE_ROOT, "2040-01-01T00:00:00Z");
    world_sign(&world, TUF_ROLE_ROOT);
    world_must(world_offer(&world, &set, TUF_ROLE_ROOT, &err), &err);
    world_must(trusted_set_root_done(&set, &err), &err);
}

/* A client with root 1, before the end of the root loop. */
static void start(struct world *world, struct trusted_set *ret_set)
{
    struct err err = {0};
    world_must(trusted_set_init(ret_set, world->bytes[TUF_ROLE_ROOT].data,
                                world->bytes[TUF_ROLE_ROOT].len, NOW_MS, &err),
               &err);
}

static void a_root_version_must_be_the_next_one(void **state)
{
    (void)state;
    static const int64_t versions[] = {1, 3, 4, INT64_MAX};
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    start(&world, &set);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        world_set_version(&world, TUF_ROLE_ROOT, versions[i]);
        world_sign(&world, TUF_ROLE_ROOT);
        assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL), ERR_TUF_VERSION);
    }
    world_set_version(&world, TUF_ROLE_ROOT, 2);
    world_sign(&world, TUF_ROLE_ROOT);
    world_must(world_offer(&world, &set, TUF_ROLE_ROOT, &err), &err);
    assert_int_equal(set.root->envelope.version, 2);
}

static void rotate_root_key(struct world *world)
{
    json_t *keyids = json_object_get(world_authority(world, TUF_ROLE_ROOT), "keyids");
    (void)json_array_clear(keyids);
    world_must(signing_root_add_key(world->body[TUF_ROLE_ROOT], TUF_ROLE_ROOT,
                                    world->keys[TUF_ROLE_ROOT][1].public_key, NULL),
               NULL);
    world_set_version(world, TUF_ROLE_ROOT, world_version(world, TUF_ROLE_ROOT) + 1);
}

static void a_new_root_needs_old_and_new_keys(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    start(&world, &set);
    const struct signing_key *old = &world.keys[TUF_ROLE_ROOT][0];
    const struct signing_key *new = &world.keys[TUF_ROLE_ROOT][1];
    const struct signing_key *const both[] = {old, new};
    rotate_root_key(&world);
    world_sign_with(&world, TUF_ROLE_ROOT, &old, 1);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL), ERR_TUF_SIGNATURE);
    world_sign_with(&world, TUF_ROLE_ROOT, &new, 1);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL), ERR_TUF_SIGNATURE);
    assert_int_equal(set.root->envelope.version, 1);
    world_sign_with(&world, TUF_ROLE_ROOT, both, 2);
    world_must(world_offer(&world, &set, TUF_ROLE_ROOT, &err), &err);
    assert_int_equal(set.root->envelope.version, 2);
}

static void root_rotations_are_bounded(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    start(&world, &set);
    set.limits.root_rotations = 2;
    for (int64_t version = 2; version <= 4; version++) {
        world_set_version(&world, TUF_ROLE_ROOT, version);
        world_sign(&world, TUF_ROLE_ROOT);
        assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL),
                         version <= 3 ? OK : ERR_TUF_TOO_LARGE);
    }
    const struct buf *fourth = &world.bytes[TUF_ROLE_ROOT];
    assert_int_equal(trusted_set_load_root(&set, fourth->data, fourth->len, NULL), OK);
}

/* ---- thresholds ---- */

/* Root with the two keys of timestamp and threshold 2, signed. */
static void demand_two(struct world *world)
{
    world_must(signing_root_add_key(world->body[TUF_ROLE_ROOT], TUF_ROLE_TIMESTAMP,
                                    world->keys[TUF_ROLE_TIMESTAMP][1].public_key, NULL),
               NULL);
    (void)json_object_set_new(world_authority(world, TUF_ROLE_TIMESTAMP), "threshold",
                              json_integer(2));
    world_sign(world, TUF_ROLE_ROOT);
}

static void a_threshold_wants_different_keys(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    demand_two(&world);
    world_client(&world, &set);
    const struct signing_key *const both[] = {&world.keys[TUF_ROLE_TIMESTAMP][0],
                                              &world.keys[TUF_ROLE_TIMESTAMP][1]};
    const struct signing_key *const twice[] = {both[0], both[0]};
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, NULL),
                     ERR_TUF_SIGNATURE);
    world_sign_with(&world, TUF_ROLE_TIMESTAMP, twice, 2);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, NULL),
                     ERR_TUF_DUPLICATE_SIGNATURE);
    world_sign_with(&world, TUF_ROLE_TIMESTAMP, both, 2);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
}

/* The id then differs because an unknown member does, the key does not. */
static void a_key_under_two_ids_counts_once(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    struct signing_key alias = world.keys[TUF_ROLE_TIMESTAMP][0];
    JSON_AUTO *object = key_object_new(alias.public_key);
    (void)json_object_set_new(object, "x-note", json_string("again"));
    world_must(key_object_id(object, alias.keyid, NULL), NULL);
    (void)json_object_set(json_object_get(world.body[TUF_ROLE_ROOT], "keys"), alias.keyid,
                          object);
    json_t *authority = world_authority(&world, TUF_ROLE_TIMESTAMP);
    (void)json_array_append_new(json_object_get(authority, "keyids"),
                                json_string(alias.keyid));
    (void)json_object_set_new(authority, "threshold", json_integer(2));
    world_sign(&world, TUF_ROLE_ROOT);
    const struct signing_key *const both[] = {&world.keys[TUF_ROLE_TIMESTAMP][0], &alias};
    world_sign_with(&world, TUF_ROLE_TIMESTAMP, both, 2);
    world_client(&world, &set);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err),
                     ERR_TUF_SIGNATURE);
    assert_non_null(strstr(err.detail, "2 valid signatures"));
    assert_non_null(strstr(err.detail, "1 found"));
}

static void thresholds_below_one_or_odd_are_refused(void **state)
{
    (void)state;
    static const char *const thresholds[] = {
        "0", "-1", "\"1\"", "1.0", "null", "true", "[]", "9223372036854775808"};
    WORLD_AUTO world;
    world_init(&world);
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        BUF_AUTO text = BUF_INIT(1 << 20);
        const char *signed_text = world.bytes[TUF_ROLE_ROOT].data;
        const char *found = strstr(signed_text, "\"threshold\":1");
        assert_non_null(found);
        found += strlen("\"threshold\":");
        buf_add(&text, signed_text, (size_t)(found - signed_text));
        buf_addstr(&text, thresholds[i]);
        buf_addstr(&text, found + 1);
        struct tuf_root *root = NULL;
        enum status status = tuf_root_parse(text.data, text.len, 1 << 20, &root, NULL);
        if (status != ERR_TUF_ROLE && status != ERR_TUF_FORMAT) {
            fail_msg("threshold %s: %s", thresholds[i], status_name(status));
        }
    }
}

static void malformed_and_foreign_signatures_neither_count_nor_reject(void **state)
{
    (void)state;
    static const char *const entries[] = {
        "{\"keyid\":\"k1\",\"sig\":\"\"}", "{\"keyid\":\"k2\",\"sig\":\"zz\"}",
        "{\"keyid\":\"k3\",\"sig\":null}", "{\"keyid\":\"k4\"}",
        "{\"keyid\":\"k5\",\"sig\":[1]}",
    };
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO text = BUF_INIT(1 << 20);
    const char *file = world.bytes[TUF_ROLE_TIMESTAMP].data;
    const char *list = strstr(file, "\"signatures\":[");
    assert_non_null(list);
    list += strlen("\"signatures\":[");
    buf_add(&text, file, (size_t)(list - file));
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        buf_addf(&text, "%s,", entries[i]);
    }
    buf_addstr(&text, list);
    world_client(&world, &set);
    bool changed = false;
    world_must(trusted_set_update_timestamp(&set, text.data, text.len, &changed, &err),
               &err);
    assert_true(changed);
}

static void a_keyid_listed_twice_is_refused(void **state)
{
    (void)state;
    WORLD_AUTO world;
    world_init(&world);
    json_t *keyids = json_object_get(world_authority(&world, TUF_ROLE_ROOT), "keyids");
    (void)json_array_append(keyids, json_array_get(keyids, 0));
    world_sign(&world, TUF_ROLE_ROOT);
    struct tuf_root *root = NULL;
    assert_int_equal(tuf_root_parse(world.bytes[TUF_ROLE_ROOT].data,
                                    world.bytes[TUF_ROLE_ROOT].len, 1 << 20, &root, NULL),
                     ERR_TUF_ROLE);
}

static void a_foreign_key_signs_nothing(void **state)
{
    (void)state;
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        world_init(&world);
        world.keys[role][0] = world_key(99);
        world_publish(&world);
        world_client(&world, &set);
        assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_SIGNATURE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_initial_root_must_be_signed_by_itself),
        cmocka_unit_test(an_expired_initial_root_is_only_a_start),
        cmocka_unit_test(a_root_version_must_be_the_next_one),
        cmocka_unit_test(a_new_root_needs_old_and_new_keys),
        cmocka_unit_test(root_rotations_are_bounded),
        cmocka_unit_test(a_threshold_wants_different_keys),
        cmocka_unit_test(a_key_under_two_ids_counts_once),
        cmocka_unit_test(thresholds_below_one_or_odd_are_refused),
        cmocka_unit_test(malformed_and_foreign_signatures_neither_count_nor_reject),
        cmocka_unit_test(a_keyid_listed_twice_is_refused),
        cmocka_unit_test(a_foreign_key_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
