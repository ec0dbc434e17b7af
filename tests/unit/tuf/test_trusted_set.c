/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tuf/client.h"

/* ---- the good way ---- */

static void a_whole_update_ends_at_the_target(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    world_client(&world, &set);
    world_must(world_refresh(&world, &set, &err), &err);
    const struct tuf_target *target =
        tuf_targets_find(set.targets, "fashion/1/fp32.mnet");
    assert_non_null(target);
    assert_int_equal(target->length, 9);
    assert_null(tuf_targets_find(set.targets, "fashion/2/fp32.mnet"));
}

static void what_is_wanted_follows_what_is_trusted(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct tuf_wanted wanted;
    struct err err = {0};
    world_init(&world);
    world_client(&world, &set);
    world_must(trusted_set_wanted(&set, TUF_ROLE_ROOT, &wanted, &err), &err);
    assert_string_equal(wanted.name, "2.root.json");
    world_must(trusted_set_wanted(&set, TUF_ROLE_TIMESTAMP, &wanted, &err), &err);
    assert_string_equal(wanted.name, "timestamp.json");
    assert_int_equal(trusted_set_wanted(&set, TUF_ROLE_SNAPSHOT, &wanted, NULL),
                     ERR_TUF_NO_TRUST);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    world_must(trusted_set_wanted(&set, TUF_ROLE_SNAPSHOT, &wanted, &err), &err);
    assert_string_equal(wanted.name, "1.snapshot.json");
    assert_int_equal(wanted.max_bytes, world.bytes[TUF_ROLE_SNAPSHOT].len);
    assert_int_equal(trusted_set_wanted(&set, TUF_ROLE_TARGETS, &wanted, NULL),
                     ERR_TUF_NO_TRUST);
    world_must(world_offer(&world, &set, TUF_ROLE_SNAPSHOT, &err), &err);
    world_must(trusted_set_wanted(&set, TUF_ROLE_TARGETS, &wanted, &err), &err);
    assert_string_equal(wanted.name, "1.targets.json");
}

static void without_consistent_snapshots_names_have_no_version(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct tuf_wanted wanted;
    struct err err = {0};
    world_init(&world);
    (void)json_object_del(world.body[TUF_ROLE_ROOT], "consistent_snapshot");
    world_sign(&world, TUF_ROLE_ROOT);
    world_client(&world, &set);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    world_must(trusted_set_wanted(&set, TUF_ROLE_SNAPSHOT, &wanted, &err), &err);
    assert_string_equal(wanted.name, "snapshot.json");
}

static void steps_out_of_order_are_refused(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_must(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                world.bytes[TUF_ROLE_ROOT].len, NOW_MS, NULL),
               NULL);
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        assert_int_equal(world_offer(&world, &set, (enum tuf_role)role, NULL),
                         ERR_TUF_NO_TRUST);
    }
    assert_null(set.targets);
    world_must(trusted_set_root_done(&set, NULL), NULL);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL), ERR_TUF_NO_TRUST);
}

/* ---- type, expiry, bytes ---- */

static void another_role_in_the_place_is_refused(void **state)
{
    (void)state;
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        world_init(&world);
        (void)json_object_set_new(world.body[role], "_type", json_string("mirrors"));
        world_publish(&world);
        world_client(&world, &set);
        assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_TYPE);
    }
}

static void spec_versions_of_major_one_are_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status expected;
    } rows[] = {{"1.0", OK},
                {"1.0.0", OK},
                {"1.99.3", OK},
                {"1", ERR_TUF_SPEC_VERSION},
                {"2.0.0", ERR_TUF_SPEC_VERSION},
                {"10.0", ERR_TUF_SPEC_VERSION},
                {"1.", ERR_TUF_SPEC_VERSION},
                {"1..0", ERR_TUF_SPEC_VERSION},
                {"1.0.", ERR_TUF_SPEC_VERSION},
                {"1.0.0.0", ERR_TUF_SPEC_VERSION},
                {"1.a", ERR_TUF_SPEC_VERSION},
                {"", ERR_TUF_SPEC_VERSION}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        world_init(&world);
        (void)json_object_set_new(world.body[TUF_ROLE_TIMESTAMP], "spec_version",
                                  json_string(rows[i].text));
        world_publish(&world);
        world_client(&world, &set);
        assert_int_equal(world_refresh(&world, &set, NULL), rows[i].expected);
    }
}

static void expired_metadata_are_refused(void **state)
{
    (void)state;
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        struct err err = {0};
        world_init(&world);
        world_set_expires(&world, (enum tuf_role)role, "2026-11-23T07:46:40Z"); /* NOW */
        world_publish(&world);
        world_client(&world, &set);
        assert_int_equal(world_refresh(&world, &set, &err), ERR_TUF_EXPIRED);
        assert_non_null(strstr(err.detail, "2026-11-23T07:46:40Z found"));
        world_set_expires(&world, (enum tuf_role)role, "2026-11-23T07:46:41Z");
        world_next(&world);
        err_clear(&err);
        world_must(world_refresh(&world, &set, &err), &err);
    }
}

static void a_changed_byte_is_refused(void **state)
{
    (void)state;
    for (int role = TUF_ROLE_SNAPSHOT; role < TUF_ROLE_COUNT; role++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        struct err err = {0};
        world_init(&world);
        world_client(&world, &set);
        struct buf *bytes = &world.bytes[role];
        bytes->data[bytes->len - 1] = ' '; /* still the same JSON */
        assert_int_equal(world_refresh(&world, &set, &err), ERR_TUF_HASH);
        assert_non_null(strstr(err.detail, "expected"));
        bytes->len--;
        assert_int_equal(world_offer(&world, &set, (enum tuf_role)role, NULL),
                         ERR_TUF_LENGTH);
    }
}

/* Replaces the hashes by which timestamp names snapshot. */
static void list_hashes(struct world *world, json_t *hashes)
{
    json_t *meta = json_object_get(
        json_object_get(world->body[TUF_ROLE_TIMESTAMP], "meta"), "snapshot.json");
    (void)json_object_set_new(meta, "hashes", hashes);
    world_sign(world, TUF_ROLE_TIMESTAMP);
}

static void digests_must_be_of_a_known_kind(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_client(&world, &set);
    list_hashes(&world, json_object());
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_FORMAT);
    list_hashes(&world, json_pack("{s:s}", "sha256", "abc"));
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_FORMAT);
    list_hashes(&world, json_pack("{s:s}", "md5", "abc"));
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_HASH);
}

static void every_listed_digest_must_match(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_client(&world, &set);
    char wrong[2 * SHA512_BYTES + 1];
    memset(wrong, '0', sizeof wrong - 1);
    wrong[sizeof wrong - 1] = '\0';
    json_t *meta = json_object_get(
        json_object_get(world.body[TUF_ROLE_TIMESTAMP], "meta"), "snapshot.json");
    (void)json_object_set_new(json_object_get(meta, "hashes"), "sha512",
                              json_string(wrong));
    world_sign(&world, TUF_ROLE_TIMESTAMP);
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_HASH);
}

static void length_and_digests_of_metadata_are_optional(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    world_client(&world, &set);
    json_t *meta = json_object_get(
        json_object_get(world.body[TUF_ROLE_TIMESTAMP], "meta"), "snapshot.json");
    (void)json_object_del(meta, "hashes");
    (void)json_object_del(meta, "length");
    world_sign(&world, TUF_ROLE_TIMESTAMP);
    world_must(world_refresh(&world, &set, &err), &err);
}

static void a_target_without_digest_is_refused(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    json_t *entry = json_object_get(
        json_object_get(world.body[TUF_ROLE_TARGETS], "targets"), "fashion/1/fp32.mnet");
    (void)json_object_set_new(entry, "hashes", json_object());
    world_publish(&world);
    world_client(&world, &set);
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_FORMAT);
}

static void files_over_their_limit_are_refused(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct tuf_wanted wanted;
    world_init(&world);
    world_client(&world, &set);
    set.limits.timestamp_bytes = 10;
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_TOO_LARGE);
    set.limits = TUF_LIMITS_DEFAULT;
    set.limits.snapshot_bytes = 10;
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_TOO_LARGE);
    assert_int_equal(trusted_set_wanted(&set, TUF_ROLE_SNAPSHOT, &wanted, NULL),
                     ERR_TUF_TOO_LARGE);
}

static void versions_must_be_the_named_ones(void **state)
{
    (void)state;
    for (int role = TUF_ROLE_SNAPSHOT; role < TUF_ROLE_COUNT; role++) {
        WORLD_AUTO world;
        TRUSTED_SET_AUTO set;
        world_init(&world);
        enum tuf_role from =
            role == TUF_ROLE_SNAPSHOT ? TUF_ROLE_TIMESTAMP : TUF_ROLE_SNAPSHOT;
        const char *name = role == TUF_ROLE_SNAPSHOT ? "snapshot.json" : "targets.json";
        json_t *meta = json_object_get(json_object_get(world.body[from], "meta"), name);
        (void)json_object_set_new(meta, "version", json_integer(7));
        world_sign(&world, from);
        if (from == TUF_ROLE_SNAPSHOT) {
            world_link(&world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
            world_sign(&world, TUF_ROLE_TIMESTAMP);
        }
        world_client(&world, &set);
        assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_VERSION);
    }
}

static void a_snapshot_without_targets_leads_nowhere(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    (void)json_object_clear(json_object_get(world.body[TUF_ROLE_SNAPSHOT], "meta"));
    world_sign(&world, TUF_ROLE_SNAPSHOT);
    world_link(&world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
    world_sign(&world, TUF_ROLE_TIMESTAMP);
    world_client(&world, &set);
    assert_int_equal(world_refresh(&world, &set, NULL), ERR_TUF_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_update_ends_at_the_target),
        cmocka_unit_test(what_is_wanted_follows_what_is_trusted),
        cmocka_unit_test(without_consistent_snapshots_names_have_no_version),
        cmocka_unit_test(steps_out_of_order_are_refused),
        cmocka_unit_test(another_role_in_the_place_is_refused),
        cmocka_unit_test(spec_versions_of_major_one_are_accepted),
        cmocka_unit_test(expired_metadata_are_refused),
        cmocka_unit_test(a_changed_byte_is_refused),
        cmocka_unit_test(digests_must_be_of_a_known_kind),
        cmocka_unit_test(every_listed_digest_must_match),
        cmocka_unit_test(length_and_digests_of_metadata_are_optional),
        cmocka_unit_test(a_target_without_digest_is_refused),
        cmocka_unit_test(files_over_their_limit_are_refused),
        cmocka_unit_test(versions_must_be_the_named_ones),
        cmocka_unit_test(a_snapshot_without_targets_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
