/* SPDX-License-Identifier: Apache-2.0 */
/* What other TUF clients got wrong, row by row of this table, at the root and at
 * delegations; rows 10, 11 and 13 to 15 are in test_vulnerabilities_input.c:
 *
 *    1  duplicate signatures count to the threshold     CVE-2020-6174, CVE-2020-15093,
 *                                                       CVE-2026-6966
 *    2  threshold 0 is accepted                         GHSA-fphv-w9fq-2525
 *    3  a new root is not held against its own threshold, or trusted after it failed
 *                                                       CVE-2020-15163
 *    4  a root's version is not exactly the next        CVE-2025-2885
 *    5  rollback of timestamp, snapshot, targets        CVE-2022-29173
 *    6  a refused timestamp stays in the cache          CVE-2025-2888
 *    7  rollback of delegated roles                     CVE-2025-2887
 *    8  terminating is ignored, or the order is wrong   CVE-2025-2886, CVE-2024-47534
 *    9  delegated roles without expiry, digest, length  CVE-2026-6967
 *   10  names that leave their folder, links            CVE-2026-6968, CVE-2026-24686
 *   11  a crash on JSON of another shape                CVE-2026-23991
 *   12  a role verified for one delegator serves all    TOB-SIGSTORE-14
 *   13  the cache is trusted without being verified     TOB-SIGSTORE-10
 *   14  a target with empty hashes                      go-tuf 721
 *   15  data without end                                CVE-2020-6173 */
#include "tests/conformance/sim.h"

#include <stdio.h>

#define ALL "targets snapshot timestamp"

/* root 1; targets delegates to team, which lists a.bin. */
static struct sim *begin(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "team", false);
    sim_target(sim, "team", "a.bin", "content");
    ACCEPTS(init(sim));
    return sim;
}

static void publish_all(struct sim *sim)
{
    sim_publish(sim, "team " ALL);
}

/* The same key again under another id. */
static const struct sim_key *alias(struct sim *sim, const struct sim_key *key)
{
    struct sim_key *copy = sim_key_slot(sim);
    *copy = *key;
    copy->object = json_deep_copy(key->object);
    json_object_set_new(copy->object, "note", json_string("another id"));
    assert_int_equal(key_object_id(copy->object, copy->keyid, NULL), OK);
    assert_string_not_equal(copy->keyid, key->keyid);
    return copy;
}

static void sign_twice(struct sim *sim, const char *role)
{
    json_t *envelope = sim_envelope(sim, role);
    json_t *signatures = json_object_get(envelope, "signatures");
    json_array_append_new(signatures, json_deep_copy(json_array_get(signatures, 0)));
    sim_serve(sim, role, envelope);
    json_decref(envelope);
}

/* ---- 1 ---- */

static void row_1_the_same_signature_twice_root(void **state)
{
    struct sim *sim = begin(state);
    sim_trust(sim, "root", "root", sim_key_new(sim));
    sim_threshold(sim, "root", "root", 2);
    sim_publish(sim, "root");
    sign_twice(sim, "root");
    REFUSES(refresh(sim), "tuf.duplicate_signature");
    HOLDS("root 1");
}

static void row_1_the_same_signature_twice_delegation(void **state)
{
    struct sim *sim = begin(state);
    sim_trust(sim, "targets", "team", sim_key_new(sim));
    sim_threshold(sim, "targets", "team", 2);
    publish_all(sim);
    sign_twice(sim, "team");
    REFUSES(download(sim, "a.bin"), "tuf.duplicate_signature");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
}

static void row_1_one_key_under_two_ids_root(void **state)
{
    struct sim *sim = begin(state);
    const struct sim_key *again = alias(sim, sim_role(sim, "root")->signers[0]);
    sim_trust(sim, "root", "root", again);
    sim_threshold(sim, "root", "root", 2);
    sim_signer_add(sim, "root", again);
    sim_publish(sim, "root");
    REFUSES(refresh(sim), "tuf.signature");
    HOLDS("root 1");
}

static void row_1_one_key_under_two_ids_delegation(void **state)
{
    struct sim *sim = begin(state);
    const struct sim_key *again = alias(sim, sim_role(sim, "team")->signers[0]);
    sim_trust(sim, "targets", "team", again);
    sim_threshold(sim, "targets", "team", 2);
    sim_signer_add(sim, "team", again);
    publish_all(sim);
    REFUSES(download(sim, "a.bin"), "tuf.signature");
    const struct sim_key *other = sim_key_new(sim);
    sim_trust(sim, "targets", "team", other);
    sim_signer_add(sim, "team", other);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
}

/* ---- 2 ---- */

static const struct {
    const char *value, *code;
} thresholds[] = {
    {"0", "tuf.role"},       {"-1", "tuf.role"},
    {"\"1\"", "tuf.format"}, {"1.0", "tuf.format"},
    {"null", "tuf.format"},  {"9223372036854775808", "tuf.format"},
    {"true", "tuf.format"},  {"9223372036854775807", "tuf.signature"},
};

enum { THRESHOLDS = sizeof thresholds / sizeof thresholds[0] };

/* The text itself is changed: numbers that no JSON tree can hold are among the values.
 * The keys that could sign it are right; the old signature does not matter any more. */
static void serve_threshold(struct sim *sim, const char *role, const char *value)
{
    char *text = strdup(sim_past(sim, role, sim_version(sim, role))->data);
    size_t size = strlen(text) + 100;
    char *bent = malloc(size);
    char *at = strstr(text, "\"threshold\": 77");
    assert_non_null(bent);
    assert_non_null(at);
    *at = '\0';
    (void)snprintf(bent, size, "%s\"threshold\": %s%s", text, value, at + 15);
    sim_serve_text(sim, role, bent);
    free(bent);
    free(text);
}

static void row_2_threshold_root(void **state)
{
    struct sim *sim = begin(state);
    sim_threshold(sim, "root", "timestamp", 77);
    sim_publish(sim, "root");
    for (int i = 0; i < THRESHOLDS; i++) {
        serve_threshold(sim, "root", thresholds[i].value);
        REFUSES(refresh(sim), thresholds[i].code);
        HOLDS("root 1");
    }
}

static void row_2_signed_threshold_root(void **state)
{
    static const int values[] = {0, -1};
    struct sim *sim = begin(state);
    static const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};
    for (int i = 0; i < 8; i++) {
        sim_threshold(sim, "root", roles[i / 2], values[i % 2]);
        sim_sign(sim, "root");
        const char *text = sim->versions[sim->version_count - 1].data.data;
        REFUSES(init_with(sim, text, strlen(text)), "tuf.no_trust");
        sim_set(sim, "root", "version", json_integer(2));
        sim_sign(sim, "root");
        REFUSES(refresh(sim), "tuf.role");
        HOLDS("root 1");
        sim_threshold(sim, "root", roles[i / 2], 1);
        sim_set(sim, "root", "version", json_integer(1));
    }
}

static void row_2_threshold_delegation(void **state)
{
    struct sim *sim = begin(state);
    sim_threshold(sim, "targets", "team", 77);
    sim_publish(sim, "team " ALL);
    for (int i = 0; i < THRESHOLDS; i++) {
        serve_threshold(sim, "targets", thresholds[i].value);
        REFUSES(download(sim, "a.bin"), thresholds[i].code);
        HOLDS("root 1 timestamp 2 snapshot 2");
    }
    static const int values[] = {0, -1};
    for (int i = 0; i < 2; i++) {
        sim_threshold(sim, "targets", "team", values[i]);
        sim_publish(sim, ALL);
        REFUSES(download(sim, "a.bin"), "tuf.role");
    }
    STORED(0);
}

/* ---- 3 ---- */

static void row_3_own_threshold_root(void **state)
{
    struct sim *sim = begin(state);
    sim_trust(sim, "root", "root", sim_key_new(sim));
    sim_threshold(sim, "root", "root", 2);
    sim_publish(sim, "root " ALL);
    for (int i = 0; i < 2; i++) { /* and not trusted after it failed once */
        REFUSES(refresh(sim), "tuf.signature");
        HOLDS("root 1");
    }
    sim_server_remove(&sim->server, "metadata/2.root.json");
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
}

static void row_3_a_failed_role_is_not_trusted_later_delegation(void **state)
{
    struct sim *sim = begin(state);
    sim_threshold(sim, "targets", "team", 2);
    publish_all(sim);
    for (int i = 0; i < 2; i++) {
        REFUSES(download(sim, "a.bin"), "tuf.signature");
        HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    }
    STORED(0);
}

/* ---- 4 ---- */

static void row_4_version_root(void **state)
{
    struct sim *sim = begin(state);
    static const int64_t versions[] = {1, 3, 100, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        sim_set(sim, "root", "version", json_integer(versions[i]));
        sim_sign(sim, "root");
        const char *text = sim->versions[sim->version_count - 1].data.data;
        sim_server_put(&sim->server, "metadata/2.root.json", text, strlen(text));
        REFUSES(refresh(sim), "tuf.version");
        HOLDS("root 1");
    }
}

static void row_4_version_delegation(void **state)
{
    struct sim *sim = begin(state);
    static const int64_t versions[] = {2, 100, INT64_MAX};
    publish_all(sim);
    for (int i = 0; i < 3; i++) {
        sim_set(sim, "team", "version", json_integer(versions[i]));
        sim_sign(sim, "team");
        const char *text = sim->versions[sim->version_count - 1].data.data;
        sim_server_put(&sim->server, "metadata/1.team.json", text, strlen(text));
        REFUSES(download(sim, "a.bin"), "tuf.version");
        HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    }
}

/* ---- 5 and 7 ---- */

static void fall_back(struct sim *sim, const char *role, const char *above)
{
    publish_all(sim);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
    sim_set(sim, role, "version", json_integer(1));
    sim_sign(sim, role);
    sim_publish(sim, above);
    REFUSES(download(sim, "a.bin"), "tuf.rollback");
    REFUSES(download(sim, "a.bin"), "tuf.rollback"); /* each run starts from the cache */
}

static void row_5_rollback_timestamp(void **state)
{
    struct sim *sim = begin(state);
    fall_back(sim, "timestamp", "");
    HOLDS("root 1 timestamp 3 snapshot 3 targets 3 team 2");
}

static void row_5_rollback_snapshot(void **state)
{
    struct sim *sim = begin(state);
    fall_back(sim, "snapshot", "timestamp");
    HOLDS("root 1 timestamp 3 snapshot 3 targets 3 team 2");
}

static void row_5_rollback_targets(void **state)
{
    struct sim *sim = begin(state);
    fall_back(sim, "targets", "snapshot timestamp");
    HOLDS("root 1 timestamp 4 snapshot 3 targets 3 team 2");
}

static void row_7_rollback_delegation(void **state)
{
    struct sim *sim = begin(state);
    fall_back(sim, "team", "snapshot timestamp");
    HOLDS("root 1 timestamp 4 snapshot 3 targets 3 team 2");
}

static void row_7_role_dropped_delegation(void **state)
{
    struct sim *sim = begin(state);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
    json_object_del(json_object_get(sim_body(sim, "snapshot"), "meta"), "team.json");
    sim_publish(sim, "snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.rollback");
}

/* ---- 6 ---- */

static void row_6_refused_timestamp_is_not_kept_root(void **state)
{
    struct sim *sim = begin(state);
    sim_publish(sim, "timestamp timestamp");
    ACCEPTS(refresh(sim));
    sim_set(sim, "timestamp", "version", json_integer(2));
    sim_sign(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    sim_expire(sim, "timestamp", -1);
    sim_set(sim, "timestamp", "version", json_integer(900));
    sim_sign(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.expired");
    HOLDS("root 1 timestamp 3 snapshot 1 targets 1");
    sim_expire(sim, "timestamp", 3600);
    sim_set(sim, "timestamp", "version", json_integer(4));
    sim_sign(sim, "timestamp");
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 4 snapshot 1 targets 1");
}

static void row_6_refused_role_is_not_kept_delegation(void **state)
{
    struct sim *sim = begin(state);
    sim_expire(sim, "team", -1);
    publish_all(sim);
    REFUSES(download(sim, "a.bin"), "tuf.expired");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    sim_expire(sim, "team", 3600);
    publish_all(sim);
    ACCEPTS(download(sim, "a.bin"));
    HOLDS("root 1 timestamp 3 snapshot 3 targets 3 team 2");
}

/* ---- 8 ---- */

static void row_8_terminating(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "first", true);
    sim_delegate(sim, "targets", "second", false);
    sim_target(sim, "second", "a.bin", "content");
    sim_publish(sim, "first second " ALL);
    ACCEPTS(init(sim));
    REFUSES(download(sim, "a.bin"), "tuf.missing");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2 first 1");
}

/* The first role in preorder answers, though another lists the path nearer to the top. */
static void row_8_order(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "first", false);
    sim_delegate(sim, "first", "below", false);
    sim_delegate(sim, "targets", "second", false);
    sim_target(sim, "second", "a.bin", "wrong");
    sim_target(sim, "below", "a.bin", "right");
    sim_publish(sim, "below first second " ALL);
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "a.bin"));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2 first 1 below 1");
}

/* ---- 9 ---- */

static void row_9_expiry(void **state)
{
    struct sim *sim = begin(state);
    sim_expire(sim, "team", -1);
    publish_all(sim);
    REFUSES(download(sim, "a.bin"), "tuf.expired");
    STORED(0);
}

static void row_9_digest_and_length(void **state)
{
    struct sim *sim = begin(state);
    sim->meta_hashes = true;
    publish_all(sim);
    json_t *good = sim_envelope(sim, "team");
    json_t *signature = json_array_get(json_object_get(good, "signatures"), 0);
    json_object_set_new(signature, "pad", json_string("xx"));
    sim_serve(sim, "team", good); /* validly signed, but longer */
    REFUSES(download(sim, "a.bin"), "tuf.too_large");
    char *text = json_dumps(good, JSON_COMPACT);
    sim_serve_text(sim, "team", text);
    REFUSES(download(sim, "a.bin"), "tuf.length");
    free(text);
    json_decref(good);
    char *same = strdup(sim_past(sim, "team", 1)->data);
    *strstr(same, "\n ") = ' '; /* the same length and meaning */
    sim_serve_text(sim, "team", same);
    free(same);
    REFUSES(download(sim, "a.bin"), "tuf.hash");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
}

/* ---- 12 ---- */

/* targets -> left, right -> both; right demands a key that did not sign. */
static struct sim *diamond(void **state)
{
    struct sim *sim = *state;
    sim_delegate_scope(sim, "targets", "left", json_pack("{s:[s]}", "paths", "left/*"));
    sim_delegate(sim, "targets", "right", false);
    sim_delegate(sim, "left", "both", false);
    sim_delegate(sim, "right", "both", false);
    sim_target(sim, "both", "left/a.bin", "content of a");
    sim_target(sim, "both", "right/b.bin", "content of b");
    sim_distrust(sim, "right", "both", sim_role(sim, "both")->signers[0]);
    sim_trust(sim, "right", "both", sim_key_new(sim));
    sim_publish(sim, "both left right " ALL);
    ACCEPTS(init(sim));
    return sim;
}

static void row_12_one_run(void **state)
{
    struct sim *sim = diamond(state);
    REFUSES(download(sim, "left/a.bin right/b.bin"), "tuf.signature");
    STORED(1);
}

static void row_12_from_the_cache(void **state)
{
    struct sim *sim = diamond(state);
    ACCEPTS(download(sim, "left/a.bin"));
    REFUSES(download(sim, "right/b.bin"), "tuf.signature");
    STORED(1);
    /* signed as both demand, it serves both */
    sim_signer_add(sim, "both", &sim->keys[sim->key_count - 1]);
    sim_publish(sim, "both snapshot timestamp");
    ACCEPTS(download(sim, "left/a.bin right/b.bin"));
    STORED(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_CASE(row_1_the_same_signature_twice_root),
        SIM_CASE(row_1_the_same_signature_twice_delegation),
        SIM_CASE(row_1_one_key_under_two_ids_root),
        SIM_CASE(row_1_one_key_under_two_ids_delegation),
        SIM_CASE(row_2_threshold_root),
        SIM_CASE(row_2_signed_threshold_root),
        SIM_CASE(row_2_threshold_delegation),
        SIM_CASE(row_3_own_threshold_root),
        SIM_CASE(row_3_a_failed_role_is_not_trusted_later_delegation),
        SIM_CASE(row_4_version_root),
        SIM_CASE(row_4_version_delegation),
        SIM_CASE(row_5_rollback_timestamp),
        SIM_CASE(row_5_rollback_snapshot),
        SIM_CASE(row_5_rollback_targets),
        SIM_CASE(row_6_refused_timestamp_is_not_kept_root),
        SIM_CASE(row_6_refused_role_is_not_kept_delegation),
        SIM_CASE(row_7_rollback_delegation),
        SIM_CASE(row_7_role_dropped_delegation),
        SIM_CASE(row_8_terminating),
        SIM_CASE(row_8_order),
        SIM_CASE(row_9_expiry),
        SIM_CASE(row_9_digest_and_length),
        SIM_CASE(row_12_one_run),
        SIM_CASE(row_12_from_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
