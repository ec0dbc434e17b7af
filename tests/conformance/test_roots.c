/* SPDX-License-Identifier: Apache-2.0 */
/* Where trust begins, and how it moves from one root to the next. */
#include "tests/conformance/sim.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

enum { STEPS = 4 };

/* ---- the first root ---- */

static void refuse_initial(struct sim *sim, json_t *envelope)
{
    char *text = json_dumps(envelope, JSON_COMPACT);
    REFUSES(init_with(sim, text, strlen(text)), "tuf.no_trust");
    free(text);
    json_decref(envelope);
    HOLDS("");
    assert_int_equal(sim->server.requests, 0);
}

static void an_unsigned_initial_root_is_refused(void **state)
{
    struct sim *sim = *state;
    json_t *envelope = sim_envelope(sim, "root");
    json_object_set_new(envelope, "signatures", json_array());
    refuse_initial(sim, envelope);
}

static void an_initial_root_with_a_wrong_signature_is_refused(void **state)
{
    struct sim *sim = *state;
    json_t *envelope = sim_envelope(sim, "root");
    json_object_set_new(json_object_get(envelope, "signed"), "version", json_integer(2));
    refuse_initial(sim, envelope);
}

static void another_role_is_no_initial_root(void **state)
{
    struct sim *sim = *state;
    refuse_initial(sim, sim_envelope(sim, "targets"));
}

static void an_initial_root_below_its_threshold_is_refused(void **state)
{
    struct sim *sim = *state;
    sim_trust(sim, "root", "root", sim_key_new(sim));
    sim_threshold(sim, "root", "root", 2);
    sim_sign(sim, "root");
    refuse_initial(sim, sim_envelope(sim, "root"));
}

static void an_initial_root_that_is_no_json_is_refused(void **state)
{
    struct sim *sim = *state;
    const char *const texts[] = {"", "{", "[]", "null",
                                 "{\"signed\":{},\"signatures\":[]}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        REFUSES(init_with(sim, texts[i], strlen(texts[i])), "tuf.no_trust");
    }
    HOLDS("");
}

static void a_damaged_trusted_root_asks_nobody(void **state)
{
    struct sim *sim = *state;
    char path[2 * SIM_PATH_BYTES];
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_cached(sim, "root.json", path);
    int before = sim->server.requests;
    const char *const texts[] = {"", "{}", "not json"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(file_write_atomic(path, texts[i], strlen(texts[i]), 0600, NULL),
                         OK);
        REFUSES(refresh(sim), "tuf.no_trust");
    }
    assert_int_equal(sim->server.requests, before);
}

static void an_expired_initial_root_may_still_be_replaced(void **state)
{
    struct sim *sim = *state;
    sim_expire(sim, "root", -86400);
    sim_sign(sim, "root");
    const char *text = sim->versions[sim->version_count - 1].data.data;
    ACCEPTS(init_with(sim, text, strlen(text)));
    REFUSES(refresh(sim), "tuf.expired");
    ASKED("metadata/2.root.json");
    sim_expire(sim, "root", 86400);
    sim_publish(sim, "root");
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 1 snapshot 1 targets 1");
}

/* ---- the chain ---- */

static void every_root_between_is_fetched(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_publish(sim, "root root root");
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/3.root.json metadata/4.root.json "
          "metadata/5.root.json metadata/timestamp.json metadata/1.snapshot.json "
          "metadata/1.targets.json");
    HOLDS("root 4 timestamp 1 snapshot 1 targets 1");
    ACCEPTS(refresh(sim));
    ASKED("metadata/5.root.json metadata/timestamp.json");
}

static void a_root_between_may_have_expired(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_expire(sim, "root", -1);
    sim_publish(sim, "root");
    sim_expire(sim, "root", 86400);
    sim_publish(sim, "root");
    ACCEPTS(refresh(sim));
    HOLDS("root 3 timestamp 1 snapshot 1 targets 1");
}

static void an_expired_last_root_is_kept_but_ends_the_update(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_expire(sim, "root", -1);
    sim_publish(sim, "root");
    REFUSES(refresh(sim), "tuf.expired");
    ASKED("metadata/2.root.json metadata/3.root.json");
    HOLDS("root 2");
}

static void good_roots_before_a_bad_one_are_kept(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_publish(sim, "root root");
    sim_signers_clear(sim, "root");
    sim_signer_add(sim, "root", sim_key_new(sim));
    sim_publish(sim, "root");
    REFUSES(refresh(sim), "tuf.signature");
    HOLDS("root 3");
}

/* ---- sequences of keys ---- */

/* One root: which keys it lists, its threshold, who signs. Digits name keys. */
struct step {
    const char *keys;
    int threshold;
    const char *signers;
};

struct sequence {
    const char *name;
    struct step steps[STEPS];
    long trusted; /* the version that a client ends with */
};

/* The sequences that TUF clients are commonly tried with. */
static const struct sequence sequences[] = {
    {"1 of 1 rotated", {{"1", 1, "1"}, {"2", 1, "21"}, {"2", 1, "2"}}, 3},
    {"unused signatures", {{"1", 1, "314"}, {"2", 1, "3214"}, {"2", 1, "324"}}, 3},
    {"not signed with the old key", {{"1", 1, "1"}, {"2", 1, "234"}}, 1},
    {"not signed with the new key", {{"1", 1, "1"}, {"2", 1, "134"}}, 1},
    {"3 of 5 in combinations",
     {{"01234", 3, "024"}, {"01234", 3, "041"}, {"01234", 3, "013"}, {"01234", 3, "013"}},
     4},
    {"3 of 5, one rotated", {{"01234", 3, "024"}, {"01345", 3, "041"}}, 2},
    {"3 of 5, too few new keys", {{"01234", 3, "024"}, {"01345", 3, "024"}}, 1},
    {"3 of 5, too few old keys", {{"01234", 3, "024"}, {"01345", 3, "045"}}, 1},
    {"3 of 5, one rotated in between",
     {{"01234", 3, "024"}, {"01345", 3, "0245"}, {"01345", 3, "045"}},
     3},
    {"3 of 5, all rotated in between",
     {{"01234", 3, "024"}, {"56789", 3, "024567"}, {"56789", 3, "567"}},
     3},
    {"1 of 3 becomes 2 of 3", {{"123", 1, "1"}, {"123", 2, "12"}}, 2},
    {"1 of 3 becomes 2 of 3, one signs", {{"123", 1, "1"}, {"123", 2, "2"}}, 1},
    {"2 of 3 becomes 1 of 3", {{"123", 2, "12"}, {"123", 1, "12"}, {"123", 1, "1"}}, 3},
    {"2 of 3 becomes 1 of 3, one signs", {{"123", 2, "12"}, {"123", 1, "1"}}, 1},
    {"1 of 1 becomes 2 of 2", {{"1", 1, "1"}, {"12", 2, "12"}}, 2},
    {"2 of 2 loses a key", {{"12", 2, "12"}, {"1", 1, "1"}}, 1},
};

static void use_keys(struct sim *sim, const struct sim_key *keys, const struct step *step)
{
    json_array_clear(json_object_get(sim_authority(sim, "root", "root"), "keyids"));
    for (const char *key = step->keys; *key; key++) {
        sim_trust(sim, "root", "root", &keys[*key - '0']);
    }
    sim_threshold(sim, "root", "root", step->threshold);
    sim_signers_clear(sim, "root");
    for (const char *key = step->signers; *key; key++) {
        sim_signer_add(sim, "root", &keys[*key - '0']);
    }
}

static void run_sequence(const struct sequence *sequence)
{
    void *state = NULL;
    struct sim_key keys[10];
    sim_set_up(&state);
    struct sim *sim = state;
    char holds[100];
    for (int i = 0; i < 10; i++) {
        sim_key_ed25519(&keys[i], (uint8_t)(200 + i));
    }
    json_object_set_new(sim_body(sim, "root"), "version", json_integer(1));
    use_keys(sim, keys, &sequence->steps[0]);
    sim_forget_versions(sim); /* this is the first root */
    sim_publish(sim, "root");
    json_object_set_new(sim_body(sim, "root"), "version", json_integer(1));
    sim_forget_versions(sim);
    sim_sign(sim, "root");
    sim_sign(sim, "targets");
    sim_sign(sim, "snapshot");
    sim_sign(sim, "timestamp");
    sim_server_remove(&sim->server, "metadata/2.root.json");
    ACCEPTS(init(sim));
    int steps = 1;
    for (; steps < STEPS && sequence->steps[steps].keys; steps++) {
        use_keys(sim, keys, &sequence->steps[steps]);
        sim_publish(sim, "root");
    }
    print_message("  %s\n", sequence->name);
    if (sequence->trusted == steps) {
        ACCEPTS(refresh(sim));
        (void)snprintf(holds, sizeof holds, "root %ld timestamp 1 snapshot 1 targets 1",
                       sequence->trusted);
    } else {
        REFUSES(refresh(sim), "tuf.signature");
        (void)snprintf(holds, sizeof holds, "root %ld", sequence->trusted);
    }
    HOLDS(holds);
    for (int i = 0; i < 10; i++) {
        sim_key_release(&keys[i]);
    }
    sim_tear_down(&state);
}

static void roots_need_the_old_and_the_new_threshold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        run_sequence(&sequences[i]);
    }
}

/* ---- recovery ---- */

/* Stolen online keys signed versions beyond reach; new keys begin again. */
static void fast_forward(struct sim *sim, const char *roles)
{
    sim_set(sim, "timestamp", "version", json_integer(INT64_C(1) << 40));
    sim_set(sim, "snapshot", "version", json_integer(INT64_C(1) << 40));
    ACCEPTS(init(sim));
    sim_publish(sim, "snapshot timestamp");
    ACCEPTS(refresh(sim));
    char words[100];
    (void)snprintf(words, sizeof words, "%s", roles);
    char *rest = NULL;
    for (char *role = strtok_r(words, " ", &rest); role;
         role = strtok_r(NULL, " ", &rest)) {
        const struct sim_key *key = sim_key_new(sim);
        sim_distrust(sim, "root", role, sim_role(sim, role)->signers[0]);
        sim_trust(sim, "root", role, key);
        sim_signers_clear(sim, role);
        sim_signer_add(sim, role, key);
    }
    sim_set(sim, "timestamp", "version", json_integer(1));
    sim_set(sim, "snapshot", "version", json_integer(1));
}

static void new_online_keys_recover_from_a_fast_forward(void **state)
{
    struct sim *sim = *state;
    fast_forward(sim, "timestamp snapshot");
    sim_publish(sim, "root snapshot timestamp");
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 1");
}

static void a_new_timestamp_key_recovers_from_a_fast_forward(void **state)
{
    struct sim *sim = *state;
    fast_forward(sim, "timestamp");
    sim_publish(sim, "root snapshot timestamp");
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 1");
}

/* Specification 5.3.11: the trusted timestamp goes too, or the version of the snapshot
 * that it names would stand for ever. */
static void a_new_snapshot_key_recovers_from_a_fast_forward(void **state)
{
    struct sim *sim = *state;
    fast_forward(sim, "snapshot");
    sim_publish(sim, "root snapshot timestamp");
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 2 snapshot 2 targets 1");
}

static void a_root_that_changes_no_online_key_forgets_nothing(void **state)
{
    struct sim *sim = *state;
    fast_forward(sim, "targets");
    sim_publish(sim, "root targets snapshot timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    ACCEPTS(init(sim));
    REFUSES(refresh(sim), "tuf.rollback");
}

/* A fetched root removes what old keys signed; a cached one must not do so again. */
static void a_rotation_of_the_past_forgets_nothing_later(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    fast_forward(sim, "timestamp snapshot");
    sim_publish(sim, "root snapshot timestamp");
    ACCEPTS(refresh(sim));
    sim_publish(sim, "timestamp");
    ACCEPTS(init(sim)); /* root 1 again; root 2 is in the cache */
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 3 snapshot 2 targets 1");
    sim_set(sim, "timestamp", "version", json_integer(1));
    sim_publish(sim, "timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_CASE(an_unsigned_initial_root_is_refused),
        SIM_CASE(an_initial_root_with_a_wrong_signature_is_refused),
        SIM_CASE(another_role_is_no_initial_root),
        SIM_CASE(an_initial_root_below_its_threshold_is_refused),
        SIM_CASE(an_initial_root_that_is_no_json_is_refused),
        SIM_CASE(a_damaged_trusted_root_asks_nobody),
        SIM_CASE(an_expired_initial_root_may_still_be_replaced),
        SIM_CASE(every_root_between_is_fetched),
        SIM_CASE(a_root_between_may_have_expired),
        SIM_CASE(an_expired_last_root_is_kept_but_ends_the_update),
        SIM_CASE(good_roots_before_a_bad_one_are_kept),
        cmocka_unit_test(roots_need_the_old_and_the_new_threshold),
        SIM_CASE(new_online_keys_recover_from_a_fast_forward),
        SIM_CASE(a_new_timestamp_key_recovers_from_a_fast_forward),
        SIM_CASE(a_new_snapshot_key_recovers_from_a_fast_forward),
        SIM_CASE(a_root_that_changes_no_online_key_forgets_nothing),
        SIM_CASE(a_rotation_of_the_past_forgets_nothing_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
