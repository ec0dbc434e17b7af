/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tuf/client.h"

/* A client that restarted: a new set with the cached timestamp and snapshot of `before`.
 */
static void restart(struct world *world, const struct buf *timestamp,
                    const struct buf *snapshot, struct trusted_set *ret_set)
{
    world_client(world, ret_set);
    enum status status =
        trusted_set_load_timestamp(ret_set, timestamp->data, timestamp->len, NULL);
    bool usable = false;
    if (snapshot && status == OK) {
        status = trusted_set_load_snapshot(ret_set, snapshot->data, snapshot->len,
                                           &usable, NULL);
    }
    assert_true(status == OK || status == ERR_TUF_SIGNATURE);
}

static struct buf copy_of(const struct buf *from)
{
    struct buf copy = BUF_INIT(1 << 20);
    buf_add(&copy, from->data, from->len);
    return copy;
}

static void an_older_timestamp_is_a_rollback_after_a_restart(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO old = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    world_next(&world);
    restart(&world, &world.bytes[TUF_ROLE_TIMESTAMP], NULL, &set);
    bool changed = false;
    assert_int_equal(
        trusted_set_update_timestamp(&set, old.data, old.len, &changed, &err),
        ERR_TUF_ROLLBACK);
    assert_string_equal(err.detail, "timestamp: version 2 or newer expected, 1 found");
    world_next(&world);
    err_clear(&err);
    world_must(world_refresh(&world, &set, &err), &err); /* not stuck */
}

static void a_timestamp_that_names_an_older_snapshot_is_a_rollback(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_next(&world);
    BUF_AUTO cached = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    world_set_version(&world, TUF_ROLE_TIMESTAMP, 3);
    world_set_version(&world, TUF_ROLE_SNAPSHOT, 1);
    world_sign(&world, TUF_ROLE_SNAPSHOT);
    world_link(&world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
    world_sign(&world, TUF_ROLE_TIMESTAMP);
    restart(&world, &cached, NULL, &set);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, NULL),
                     ERR_TUF_ROLLBACK);
}

static void an_expired_cached_timestamp_still_guards(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    BUF_AUTO old = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    world_set_expires(&world, TUF_ROLE_TIMESTAMP, "2020-01-01T00:00:00Z");
    world_next(&world);
    restart(&world, &world.bytes[TUF_ROLE_TIMESTAMP], NULL, &set);
    assert_non_null(set.timestamp);
    bool changed = false;
    assert_int_equal(
        trusted_set_update_timestamp(&set, old.data, old.len, &changed, NULL),
        ERR_TUF_ROLLBACK);
}

static void an_equal_timestamp_is_discarded(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO cached = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    world_set_version(&world, TUF_ROLE_SNAPSHOT, 9);
    world_publish(&world); /* other content, timestamp version still 1 */
    restart(&world, &cached, NULL, &set);
    bool changed = true;
    world_must(trusted_set_update_timestamp(&set, world.bytes[TUF_ROLE_TIMESTAMP].data,
                                            world.bytes[TUF_ROLE_TIMESTAMP].len, &changed,
                                            &err),
               &err);
    assert_false(changed);
    assert_int_equal(set.timestamp->snapshot.version, 1);
}

static void an_equal_timestamp_does_not_outlive_its_expiry(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_set_expires(&world, TUF_ROLE_TIMESTAMP, "2020-01-01T00:00:00Z");
    world_publish(&world);
    BUF_AUTO cached = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    world_set_expires(&world, TUF_ROLE_TIMESTAMP, "2040-01-01T00:00:00Z");
    world_publish(&world);
    restart(&world, &cached, NULL, &set);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, NULL),
                     ERR_TUF_EXPIRED);
}

/* Cache of targets version 2, then one where it is listed as `version` (0: not at all).
 */
static enum status offer_snapshot_with(int64_t version, struct err *err)
{
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    world_init(&world);
    world_next(&world);
    world_set_expires(&world, TUF_ROLE_SNAPSHOT, "2020-01-01T00:00:00Z");
    world_publish(&world);
    BUF_AUTO timestamp = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    BUF_AUTO snapshot = copy_of(&world.bytes[TUF_ROLE_SNAPSHOT]);
    world_set_expires(&world, TUF_ROLE_SNAPSHOT, "2040-01-01T00:00:00Z");
    world_set_version(&world, TUF_ROLE_TARGETS, version > 0 ? version : 1);
    world_set_version(&world, TUF_ROLE_SNAPSHOT, 3);
    world_set_version(&world, TUF_ROLE_TIMESTAMP, 3);
    world_publish(&world);
    if (version == 0) {
        (void)json_object_clear(json_object_get(world.body[TUF_ROLE_SNAPSHOT], "meta"));
        world_sign(&world, TUF_ROLE_SNAPSHOT);
        world_link(&world, TUF_ROLE_TIMESTAMP, "snapshot.json", TUF_ROLE_SNAPSHOT);
        world_sign(&world, TUF_ROLE_TIMESTAMP);
    }
    restart(&world, &timestamp, &snapshot, &set);
    assert_non_null(set.snapshot);
    assert_false(set.snapshot_current);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, err), err);
    return world_offer(&world, &set, TUF_ROLE_SNAPSHOT, err);
}

static void a_snapshot_neither_drops_nor_ages_what_it_listed(void **state)
{
    (void)state;
    assert_int_equal(offer_snapshot_with(0, NULL), ERR_TUF_ROLLBACK);
    assert_int_equal(offer_snapshot_with(1, NULL), ERR_TUF_ROLLBACK);
    assert_int_equal(offer_snapshot_with(2, NULL), OK);
    assert_int_equal(offer_snapshot_with(3, NULL), OK);
}

static void cached_files_that_are_current_need_no_fetch(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    world_client(&world, &set);
    bool usable = false;
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    world_must(trusted_set_load_snapshot(&set, world.bytes[TUF_ROLE_SNAPSHOT].data,
                                         world.bytes[TUF_ROLE_SNAPSHOT].len, &usable,
                                         &err),
               &err);
    assert_true(usable);
    world_must(world_offer(&world, &set, TUF_ROLE_TARGETS, &err), &err);
}

/* Without digests only the version tells that the cached snapshot is not the named one.
 */
static void an_outdated_cached_snapshot_leads_to_no_targets(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO snapshot = copy_of(&world.bytes[TUF_ROLE_SNAPSHOT]);
    BUF_AUTO targets = copy_of(&world.bytes[TUF_ROLE_TARGETS]);
    world_next(&world);
    json_t *meta = json_object_get(
        json_object_get(world.body[TUF_ROLE_TIMESTAMP], "meta"), "snapshot.json");
    (void)json_object_del(meta, "hashes");
    (void)json_object_del(meta, "length");
    world_sign(&world, TUF_ROLE_TIMESTAMP);
    world_client(&world, &set);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    bool usable = true;
    world_must(
        trusted_set_load_snapshot(&set, snapshot.data, snapshot.len, &usable, &err),
        &err);
    assert_false(usable);
    assert_int_equal(trusted_set_update_targets(&set, targets.data, targets.len, NULL),
                     ERR_TUF_NO_TRUST);
    world_must(world_offer(&world, &set, TUF_ROLE_SNAPSHOT, &err), &err);
    world_must(world_offer(&world, &set, TUF_ROLE_TARGETS, &err), &err);
}

/* Signed by the right key, of the right version, but not the bytes that timestamp names.
 */
static void a_cached_snapshot_of_other_bytes_is_fetched_anew(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO snapshot = copy_of(&world.bytes[TUF_ROLE_SNAPSHOT]);
    world_set_expires(&world, TUF_ROLE_SNAPSHOT, "2040-01-01T00:00:00Z");
    world_publish(&world);
    world_client(&world, &set);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    bool usable = true;
    world_must(
        trusted_set_load_snapshot(&set, snapshot.data, snapshot.len, &usable, &err),
        &err);
    assert_false(usable);
}

static void tampered_cached_files_count_as_absent(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    BUF_AUTO timestamp = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    BUF_AUTO snapshot = copy_of(&world.bytes[TUF_ROLE_SNAPSHOT]);
    char *digit = strstr(timestamp.data, "\"version\":1");
    assert_non_null(digit);
    digit[10] = '9';
    digit = strstr(snapshot.data, "\"version\":1");
    assert_non_null(digit);
    digit[10] = '9';
    world_client(&world, &set);
    bool usable = false;
    assert_int_equal(
        trusted_set_load_timestamp(&set, timestamp.data, timestamp.len, NULL),
        ERR_TUF_SIGNATURE);
    assert_null(set.timestamp);
    world_must(world_offer(&world, &set, TUF_ROLE_TIMESTAMP, &err), &err);
    assert_int_equal(
        trusted_set_load_snapshot(&set, snapshot.data, snapshot.len, &usable, NULL),
        ERR_TUF_SIGNATURE);
    assert_null(set.snapshot);
    world_must(world_offer(&world, &set, TUF_ROLE_SNAPSHOT, &err), &err);
}

/* A thief of the timestamp key let versions jump; a new root takes the key away. */
static void a_rotated_key_recovers_from_a_fast_forward(void **state)
{
    (void)state;
    WORLD_AUTO world;
    struct err err = {0};
    world_init(&world);
    for (int role = TUF_ROLE_TIMESTAMP; role <= TUF_ROLE_SNAPSHOT; role++) {
        world_set_version(&world, (enum tuf_role)role, INT64_MAX);
    }
    world_publish(&world);
    BUF_AUTO timestamp = copy_of(&world.bytes[TUF_ROLE_TIMESTAMP]);
    BUF_AUTO snapshot = copy_of(&world.bytes[TUF_ROLE_SNAPSHOT]);
    for (int role = TUF_ROLE_TIMESTAMP; role <= TUF_ROLE_SNAPSHOT; role++) {
        world_set_version(&world, (enum tuf_role)role, 2);
    }
    world_publish(&world);
    {
        TRUSTED_SET_AUTO stuck;
        restart(&world, &timestamp, &snapshot, &stuck);
        assert_int_equal(world_refresh(&world, &stuck, NULL), ERR_TUF_ROLLBACK);
    }
    for (int role = TUF_ROLE_TIMESTAMP; role <= TUF_ROLE_SNAPSHOT; role++) {
        world.keys[role][0] = world.keys[role][1];
        (void)json_array_clear(
            json_object_get(world_authority(&world, (enum tuf_role)role), "keyids"));
        world_must(signing_root_add_key(world.body[TUF_ROLE_ROOT], (enum tuf_role)role,
                                        world.keys[role][0].public_key, NULL),
                   NULL);
    }
    world_set_version(&world, TUF_ROLE_ROOT, 2);
    world_sign(&world, TUF_ROLE_ROOT);
    world_publish(&world);
    TRUSTED_SET_AUTO set;
    restart(&world, &timestamp, &snapshot, &set);
    assert_null(set.timestamp);
    world_must(world_refresh(&world, &set, &err), &err);
}

static void at_time_zero_a_whole_cache_verifies(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        world_set_expires(&world, (enum tuf_role)role, "2020-01-01T00:00:00Z");
    }
    world_sign(&world, TUF_ROLE_ROOT);
    world_publish(&world);
    world_must(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                world.bytes[TUF_ROLE_ROOT].len, 0, &err),
               &err);
    world_must(trusted_set_root_done(&set, &err), &err);
    world_must(world_refresh(&world, &set, &err), &err);
}

static void server_timestamps_only_grow(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    world_init(&world);
    world_client(&world, &set);
    const struct buf *snapshot = &world.bytes[TUF_ROLE_SNAPSHOT];
    struct timestamp_order order = {
        .snapshot = {.data = snapshot->data, .len = snapshot->len, .version = 1},
        .now_ms = NOW_MS,
        .life_ms = 7 * DAY_MS,
    };
    int64_t version = 0;
    bool changed = false;
    BUF_AUTO bytes = BUF_INIT(1 << 16);
    const struct signing_key *key = &world.keys[TUF_ROLE_TIMESTAMP][0];
    world_must(signing_timestamp(&order, key, &bytes, &version, &err), &err);
    assert_int_equal(version, NOW_MS / 1000);
    world_must(trusted_set_update_timestamp(&set, bytes.data, bytes.len, &changed, &err),
               &err);
    assert_int_equal(set.timestamp->envelope.expires_ms, NOW_MS + 7 * DAY_MS);
    order.last_version = version;
    buf_reset(&bytes);
    world_must(signing_timestamp(&order, key, &bytes, &version, &err), &err);
    assert_int_equal(version, NOW_MS / 1000 + 1);
    world_must(trusted_set_update_timestamp(&set, bytes.data, bytes.len, &changed, &err),
               &err);
    order.last_version = INT64_MAX;
    assert_int_equal(signing_timestamp(&order, key, &bytes, &version, NULL),
                     ERR_TUF_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_timestamp_is_a_rollback_after_a_restart),
        cmocka_unit_test(a_timestamp_that_names_an_older_snapshot_is_a_rollback),
        cmocka_unit_test(an_expired_cached_timestamp_still_guards),
        cmocka_unit_test(an_equal_timestamp_is_discarded),
        cmocka_unit_test(an_equal_timestamp_does_not_outlive_its_expiry),
        cmocka_unit_test(a_snapshot_neither_drops_nor_ages_what_it_listed),
        cmocka_unit_test(cached_files_that_are_current_need_no_fetch),
        cmocka_unit_test(an_outdated_cached_snapshot_leads_to_no_targets),
        cmocka_unit_test(a_cached_snapshot_of_other_bytes_is_fetched_anew),
        cmocka_unit_test(tampered_cached_files_count_as_absent),
        cmocka_unit_test(a_rotated_key_recovers_from_a_fast_forward),
        cmocka_unit_test(at_time_zero_a_whole_cache_verifies),
        cmocka_unit_test(server_timestamps_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
