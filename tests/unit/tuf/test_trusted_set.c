/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

/* ---- the good way ---- */

static void a_whole_update_ends_at_the_target(void **state)
{
    (void)state;
    WORLD_AUTO world;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    const struct tuf_target *target = NULL;
    world_init(&world);
    world_client(&world, &set);
    world_must(world_refresh(&world, &set, &err), &err);
    world_must(trusted_set_find_target(&set, "fashion/1/fp32.mnet", &target, &err), &err);
    assert_int_equal(target->length, 9);
    assert_int_equal(trusted_set_find_target(&set, "fashion/2/fp32.mnet", &target, NULL),
                     ERR_TUF_MISSING);
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
    const struct tuf_target *target = NULL;
    world_init(&world);
    world_must(trusted_set_init(&set, world.bytes[TUF_ROLE_ROOT].data,
                                world.bytes[TUF_ROLE_ROOT].len, NOW_MS, NULL),
               NULL);
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        assert_int_equal(world_offer(&world, &set, (enum tuf_role)role, NULL),
                         ERR_TUF_NO_TRUST);
    }
    assert_int_equal(trusted_set_find_target(&set, "x", &target, NULL), ERR_TUF_NO_TRUST);
    world_must(trusted_set_root_done(&set, NULL), NULL);
    assert_int_equal(world_offer(&world, &set, TUF_ROLE_ROOT, NULL), ERR_TUF_NO_TRUST);
}

/* ---- root ---- */

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

/* ---- rollback, with a cache ---- */

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
        cmocka_unit_test(a_whole_update_ends_at_the_target),
        cmocka_unit_test(what_is_wanted_follows_what_is_trusted),
        cmocka_unit_test(without_consistent_snapshots_names_have_no_version),
        cmocka_unit_test(steps_out_of_order_are_refused),
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
        cmocka_unit_test(an_older_timestamp_is_a_rollback_after_a_restart),
        cmocka_unit_test(a_timestamp_that_names_an_older_snapshot_is_a_rollback),
        cmocka_unit_test(an_expired_cached_timestamp_still_guards),
        cmocka_unit_test(an_equal_timestamp_is_discarded),
        cmocka_unit_test(an_equal_timestamp_does_not_outlive_its_expiry),
        cmocka_unit_test(a_snapshot_neither_drops_nor_ages_what_it_listed),
        cmocka_unit_test(cached_files_that_are_current_need_no_fetch),
        cmocka_unit_test(tampered_cached_files_count_as_absent),
        cmocka_unit_test(a_rotated_key_recovers_from_a_fast_forward),
        cmocka_unit_test(at_time_zero_a_whole_cache_verifies),
        cmocka_unit_test(server_timestamps_only_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
