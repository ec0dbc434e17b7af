/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamp, snapshot and targets: signatures, versions, digests, expiry, the cache. */
#include "tests/conformance/sim.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define ALL "targets snapshot timestamp"

/* Whose clock is libfaketime's; ThreadSanitizer cannot be preloaded with it. */
static void need_faketime(void)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    if (access("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", R_OK) != 0) {
        skip();
    }
}

/* ---- every role in turn ---- */

struct role_case {
    const char *role;
    const char *publish; /* the role and what stands above it */
    const char *holds;   /* after a refusal of the role's second version */
};

static const struct role_case roles[] = {
    {"timestamp", "timestamp", "root 1 timestamp 1 snapshot 1 targets 1"},
    {"snapshot", "snapshot timestamp", "root 1 timestamp 2 snapshot 1 targets 1"},
    {"targets", ALL, "root 1 timestamp 2 snapshot 2 targets 1"},
};

enum { ROLES = sizeof roles / sizeof roles[0] };

/* A client that has version 1 of everything. */
static struct sim *begin(void **state)
{
    struct sim *sim = NULL;
    sim_set_up(state);
    sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    return sim;
}

static void recovers(struct sim *sim)
{
    sim_publish(sim, ALL);
    ACCEPTS(refresh(sim));
}

static void an_expired_file_is_refused_and_not_stored(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        sim_expire(sim, roles[i].role, -1);
        sim_publish(sim, roles[i].publish);
        REFUSES(refresh(sim), "tuf.expired");
        HOLDS(roles[i].holds);
        sim_expire(sim, roles[i].role, 3600);
        recovers(sim);
        sim_tear_down(state);
    }
}

static void a_foreign_signature_is_refused_and_not_stored(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        const struct sim_key *good = sim_role(sim, roles[i].role)->signers[0];
        sim_signers_clear(sim, roles[i].role);
        sim_signer_add(sim, roles[i].role, sim_key_new(sim));
        sim_publish(sim, roles[i].publish);
        REFUSES(refresh(sim), "tuf.signature");
        HOLDS(roles[i].holds);
        sim_signers_clear(sim, roles[i].role);
        sim_signer_add(sim, roles[i].role, good);
        recovers(sim);
        sim_tear_down(state);
    }
}

static void the_threshold_of_the_root_counts(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        const struct sim_key *second = sim_key_new(sim);
        sim_trust(sim, "root", roles[i].role, second);
        sim_threshold(sim, "root", roles[i].role, 2);
        sim_publish(sim, "root");
        sim_publish(sim, roles[i].publish);
        REFUSES(refresh(sim), "tuf.signature");
        sim_signer_add(sim, roles[i].role, second);
        recovers(sim);
        sim_tear_down(state);
    }
}

static void another_type_is_refused(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        sim_set(sim, roles[i].role, "_type", json_string("root"));
        sim_publish(sim, roles[i].publish);
        REFUSES(refresh(sim), "tuf.type");
        HOLDS(roles[i].holds);
        sim_set(sim, roles[i].role, "_type", json_string(roles[i].role));
        recovers(sim);
        sim_tear_down(state);
    }
}

static void what_is_not_served_is_an_error(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        char path[SIM_NAME_BYTES];
        sim_publish(sim, roles[i].publish);
        sim_url(sim, sim_role(sim, roles[i].role), path);
        sim_server_remove(&sim->server, path);
        REFUSES(refresh(sim), "net.status");
        HOLDS(roles[i].holds);
        recovers(sim);
        sim_tear_down(state);
    }
}

static void a_bad_signature_beside_a_good_one_does_not_count(void **state)
{
    static const char *const bad[] = {"\"\"", "\"00\"", "\"zz\"", "null", "5", "[]"};
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        sim_publish(sim, ALL);
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            json_t *envelope = sim_envelope(sim, roles[i].role);
            char keyid[80];
            (void)snprintf(keyid, sizeof keyid, "%064zu", k);
            json_array_insert_new(json_object_get(envelope, "signatures"), 0,
                                  json_pack("{s:s, s:o}", "keyid", keyid, "sig",
                                            json_loads(bad[k], JSON_DECODE_ANY, NULL)));
            sim_serve(sim, roles[i].role, envelope);
            json_decref(envelope);
        }
        ACCEPTS(refresh(sim));
        sim_tear_down(state);
    }
}

static void a_keyid_that_signs_twice_refuses_the_file(void **state)
{
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = begin(state);
        sim_publish(sim, ALL);
        json_t *envelope = sim_envelope(sim, roles[i].role);
        json_t *signatures = json_object_get(envelope, "signatures");
        json_array_append_new(signatures, json_deep_copy(json_array_get(signatures, 0)));
        sim_serve(sim, roles[i].role, envelope);
        json_decref(envelope);
        REFUSES(refresh(sim), "tuf.duplicate_signature");
        HOLDS(roles[i].holds);
        sim_tear_down(state);
    }
}

static void each_role_may_have_a_key_of_any_kind(void **state)
{
    struct sim *sim = *state;
    struct sim_key *keys[3] = {sim_key_slot(sim), sim_key_slot(sim), sim_key_slot(sim)};
    sim_key_ecdsa(keys[0], "ecdsa");
    sim_key_ecdsa(keys[1], "ecdsa-sha2-nistp256");
    sim_key_rsa(keys[2]);
    ACCEPTS(init(sim));
    for (int i = 0; i < ROLES; i++) {
        sim_trust(sim, "root", roles[i].role, keys[i]);
        sim_signers_clear(sim, roles[i].role);
        sim_signer_add(sim, roles[i].role, keys[i]);
    }
    sim_publish(sim, "root " ALL);
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 2");
    /* and their signatures are looked at */
    for (int i = 0; i < ROLES; i++) {
        json_t *envelope = sim_envelope(sim, roles[i].role);
        json_object_set_new(json_object_get(envelope, "signed"), "x", json_true());
        sim_publish(sim, ALL);
        sim_serve(sim, roles[i].role, envelope);
        json_decref(envelope);
        REFUSES(refresh(sim), "tuf.signature");
        recovers(sim);
    }
}

static void keys_of_unknown_kinds_count_for_nothing_and_harm_nothing(void **state)
{
    struct sim *sim = *state;
    static const char *const objects[] = {
        "{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{\"public\":\"z\"}}",
        "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"00\"}}",
        "{\"keytype\":\"rsa\",\"scheme\":\"rsassa-pss-sha256\",\"keyval\":{\"public\":"
        "\"\"}}",
        "{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-sha2-nistp384\",\"keyval\":{"
        "\"public\":"
        "\"\"}}",
    };
    ACCEPTS(init(sim));
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        char keyid[80];
        (void)snprintf(keyid, sizeof keyid, "%064zu", i);
        json_object_set_new(sim_keys(sim, "root"), keyid,
                            json_loads(objects[i], 0, NULL));
        json_array_append_new(
            json_object_get(sim_authority(sim, "root", "timestamp"), "keyids"),
            json_string(keyid));
    }
    sim_publish(sim, "root timestamp");
    ACCEPTS(refresh(sim));
    sim_threshold(sim, "root", "timestamp", 2);
    sim_publish(sim, "root timestamp");
    REFUSES(refresh(sim), "tuf.signature");
}

/* ---- versions ---- */

static void an_older_timestamp_is_refused(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "timestamp");
    ACCEPTS(refresh(sim));
    const struct buf *old = sim_past(sim, "timestamp", 1);
    sim_server_put(&sim->server, "metadata/timestamp.json", old->data, old->len);
    REFUSES(refresh(sim), "tuf.rollback");
    HOLDS("root 1 timestamp 2 snapshot 1 targets 1");
    sim_publish(sim, "timestamp");
    ACCEPTS(refresh(sim));
    sim_tear_down(state);
}

static void a_timestamp_that_names_an_older_snapshot_is_refused(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "snapshot timestamp");
    ACCEPTS(refresh(sim));
    sim_set(sim, "snapshot", "version", json_integer(1));
    sim_sign(sim, "snapshot");
    sim_publish(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 1");
    sim_tear_down(state);
}

static void a_snapshot_that_names_older_targets_is_refused(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, ALL);
    ACCEPTS(refresh(sim));
    sim_set(sim, "targets", "version", json_integer(1));
    sim_sign(sim, "targets");
    sim_publish(sim, "snapshot timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    HOLDS("root 1 timestamp 3 snapshot 2 targets 2");
    sim_tear_down(state);
}

/* Replayed together, each signed once: the whole state of the past. */
static void an_old_state_replayed_whole_is_refused(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, ALL);
    ACCEPTS(refresh(sim));
    const char *const names[] = {"timestamp", "snapshot", "targets"};
    for (int i = 0; i < 3; i++) {
        const struct buf *old = sim_past(sim, names[i], 1);
        char path[SIM_NAME_BYTES];
        sim_url(sim, sim_role(sim, names[i]), path);
        sim_server_put(&sim->server, path, old->data, old->len);
    }
    REFUSES(refresh(sim), "tuf.rollback");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    sim_tear_down(state);
}

/* A timestamp of the same version with other content is nothing new. */
static void changed_content_under_the_same_version_is_not_taken(void **state)
{
    struct sim *sim = begin(state);
    ASKED("metadata/2.root.json metadata/timestamp.json metadata/1.snapshot.json "
          "metadata/1.targets.json");
    sim_publish(sim, "snapshot");
    sim_sign(sim, "timestamp"); /* version 1, names snapshot 2 */
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/timestamp.json");
    HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
    sim_tear_down(state);
}

static void versions_are_those_that_the_file_above_names(void **state)
{
    static const struct {
        const char *role, *above, *holds;
        int version;
    } cases[] = {
        {"snapshot", "timestamp", "root 1 timestamp 2 snapshot 1 targets 1", 3},
        {"snapshot", "timestamp", "root 1 timestamp 2 snapshot 1 targets 1", 1},
        {"targets", "snapshot timestamp", "root 1 timestamp 2 snapshot 2 targets 1", 3},
        {"targets", "snapshot timestamp", "root 1 timestamp 2 snapshot 2 targets 1", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim *sim = begin(state);
        sim_publish(sim, cases[i].role);
        sim_publish(sim, cases[i].above);
        sim_set(sim, cases[i].role, "version", json_integer(cases[i].version));
        sim_sign(sim, cases[i].role);
        char path[SIM_NAME_BYTES];
        sim_url(sim, sim_role(sim, cases[i].role), path);
        const struct buf *other = sim_server_get(&sim->server, path);
        sim_set(sim, cases[i].role, "version", json_integer(2));
        sim_serve_text(sim, cases[i].role, other->data);
        REFUSES(refresh(sim), "tuf.version");
        HOLDS(cases[i].holds);
        sim_tear_down(state);
    }
}

/* ---- digests and lengths ---- */

static void digests_and_lengths_are_those_that_the_file_above_names(void **state)
{
    static const struct {
        const char *role, *above;
        int length;
        const char *digest, *code;
    } cases[] = {
        {"snapshot", "timestamp", 0, "0", "tuf.hash"},
        {"snapshot", "timestamp", 10, NULL, "tuf.too_large"},
        {"snapshot", "timestamp", 100000, NULL, "tuf.length"},
        {"targets", "snapshot timestamp", 0, "0", "tuf.hash"},
        {"targets", "snapshot timestamp", 10, NULL, "tuf.too_large"},
        {"targets", "snapshot timestamp", 100000, NULL, "tuf.length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim *sim = begin(state);
        char file[40], digest[80];
        const char *first =
            strcmp(cases[i].role, "targets") == 0 ? "snapshot" : "timestamp";
        sim->meta_hashes = true;
        sim_publish(sim, cases[i].role);
        (void)snprintf(file, sizeof file, "%s.json", cases[i].role);
        json_t *meta =
            json_object_get(json_object_get(sim_body(sim, first), "meta"), file);
        if (cases[i].length) {
            json_object_set_new(meta, "length", json_integer(cases[i].length));
        } else {
            (void)snprintf(digest, sizeof digest, "%064d", 0);
            json_object_set_new(json_object_get(meta, "hashes"), "sha256",
                                json_string(digest));
        }
        sim_publish(sim, cases[i].above);
        REFUSES(refresh(sim), cases[i].code);
        sim_publish(sim, ALL);
        ACCEPTS(refresh(sim));
        sim_tear_down(state);
    }
}

static void right_digests_and_lengths_are_accepted(void **state)
{
    struct sim *sim = begin(state);
    sim->meta_hashes = true;
    sim_publish(sim, ALL);
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    ACCEPTS(refresh(sim));
    sim_tear_down(state);
}

/* ---- the cache ---- */

static void what_was_verified_once_expires_all_the_same(void **state)
{
    need_faketime();
    for (int i = 0; i < ROLES; i++) {
        struct sim *sim = NULL;
        sim_set_up(state);
        sim = *state;
        ACCEPTS(init(sim));
        sim_expire(sim, "root", 400 * 86400);
        for (int k = 0; k < ROLES; k++) {
            sim_expire(sim, roles[k].role, k == i ? 7 * 86400 : 300 * 86400);
        }
        sim_publish(sim, "root " ALL);
        ACCEPTS(refresh(sim));
        sim->clock = "+6d";
        ACCEPTS(refresh(sim));
        sim->clock = "+8d";
        REFUSES(refresh(sim), "tuf.expired");
        HOLDS("root 2 timestamp 2 snapshot 2 targets 2");
        sim_expire(sim, roles[i].role, 300 * 86400);
        sim_publish(sim, ALL);
        ACCEPTS(refresh(sim));
        HOLDS("root 2 timestamp 3 snapshot 3 targets 3");
        sim_tear_down(state);
    }
}

/* Expired, it still says which versions were trusted. */
static void an_expired_cache_still_guards_against_rollback(void **state)
{
    need_faketime();
    struct sim *sim = NULL;
    sim_set_up(state);
    sim = *state;
    ACCEPTS(init(sim));
    sim_expire(sim, "root", 400 * 86400);
    sim_publish(sim, "root " ALL);
    ACCEPTS(refresh(sim));
    sim->clock = "+60d";
    for (int i = 0; i < ROLES; i++) {
        sim_expire(sim, roles[i].role, 300 * 86400);
        sim_set(sim, roles[i].role, "version", json_integer(1));
    }
    for (int i = ROLES - 1; i >= 0; i--) {
        sim_sign(sim, roles[i].role);
    }
    REFUSES(refresh(sim), "tuf.rollback");
    sim_set(sim, "timestamp", "version", json_integer(3));
    sim_sign(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    sim_set(sim, "snapshot", "version", json_integer(3));
    sim_sign(sim, "snapshot");
    sim_publish(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    HOLDS("root 2 timestamp 4 snapshot 2 targets 2");
    sim_tear_down(state);
}

static void damage_to_a_cached_file_is_found_and_mended(void **state)
{
    static const char *const names[] = {"timestamp.json", "snapshot.json",
                                        "targets.json"};
    static const char *const texts[] = {"", "{}", "not json"};
    struct sim *sim = begin(state);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            char path[2 * SIM_PATH_BYTES];
            sim_cached(sim, names[i], path);
            assert_int_equal(
                file_write_atomic(path, texts[k], strlen(texts[k]), 0600, NULL), OK);
            ACCEPTS(refresh(sim));
            HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
        }
    }
    sim_tear_down(state);
}

static void a_lost_cached_file_is_fetched_again(void **state)
{
    static const char *const names[] = {"timestamp.json", "snapshot.json",
                                        "targets.json"};
    struct sim *sim = begin(state);
    for (int i = 0; i < 3; i++) {
        char path[2 * SIM_PATH_BYTES];
        sim_cached(sim, names[i], path);
        assert_int_equal(unlink(path), 0);
        ACCEPTS(refresh(sim));
        HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
    }
    sim_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expired_file_is_refused_and_not_stored),
        cmocka_unit_test(a_foreign_signature_is_refused_and_not_stored),
        cmocka_unit_test(the_threshold_of_the_root_counts),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(what_is_not_served_is_an_error),
        cmocka_unit_test(a_bad_signature_beside_a_good_one_does_not_count),
        cmocka_unit_test(a_keyid_that_signs_twice_refuses_the_file),
        SIM_CASE(each_role_may_have_a_key_of_any_kind),
        SIM_CASE(keys_of_unknown_kinds_count_for_nothing_and_harm_nothing),
        cmocka_unit_test(an_older_timestamp_is_refused),
        cmocka_unit_test(a_timestamp_that_names_an_older_snapshot_is_refused),
        cmocka_unit_test(a_snapshot_that_names_older_targets_is_refused),
        cmocka_unit_test(an_old_state_replayed_whole_is_refused),
        cmocka_unit_test(changed_content_under_the_same_version_is_not_taken),
        cmocka_unit_test(versions_are_those_that_the_file_above_names),
        cmocka_unit_test(digests_and_lengths_are_those_that_the_file_above_names),
        cmocka_unit_test(right_digests_and_lengths_are_accepted),
        cmocka_unit_test(what_was_verified_once_expires_all_the_same),
        cmocka_unit_test(an_expired_cache_still_guards_against_rollback),
        cmocka_unit_test(damage_to_a_cached_file_is_found_and_mended),
        cmocka_unit_test(a_lost_cached_file_is_fetched_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
