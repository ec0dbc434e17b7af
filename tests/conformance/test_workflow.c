/* SPDX-License-Identifier: Apache-2.0 */
/* What every update does when nobody lies: requests, files, and nothing else. */
#include "tests/conformance/sim.h"

#include <stdio.h>
#include <sys/stat.h>

#define FIRST_REFRESH                                                                    \
    "metadata/2.root.json metadata/timestamp.json metadata/1.snapshot.json "             \
    "metadata/1.targets.json"

static void init_stores_the_root_and_asks_nobody(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    HOLDS("root 1");
    assert_int_equal(sim->server.requests, 0);
}

static void a_first_refresh_fetches_each_role_once(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    ASKED(FIRST_REFRESH);
    HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
    assert_int_equal(sim->server.outside, 0);
}

static void a_refresh_without_news_asks_for_root_and_timestamp_only(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    ASKED(FIRST_REFRESH);
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/timestamp.json");
    HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
}

static void a_new_timestamp_alone_needs_no_other_file(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_publish(sim, "timestamp");
    ASKED(FIRST_REFRESH);
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/timestamp.json");
    HOLDS("root 1 timestamp 2 snapshot 1 targets 1");
}

static void a_new_snapshot_alone_leaves_the_targets(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_publish(sim, "snapshot timestamp");
    ASKED(FIRST_REFRESH);
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/timestamp.json metadata/2.snapshot.json");
    HOLDS("root 1 timestamp 2 snapshot 2 targets 1");
}

static void a_new_state_is_taken_whole(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_publish(sim, "root targets snapshot timestamp");
    ASKED(FIRST_REFRESH);
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/3.root.json metadata/timestamp.json "
          "metadata/2.snapshot.json metadata/2.targets.json");
    HOLDS("root 2 timestamp 2 snapshot 2 targets 2");
}

static void versions_may_jump_below_the_root(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_set(sim, "targets", "version", json_integer(1000));
    sim_set(sim, "snapshot", "version", json_integer(70));
    sim_set(sim, "timestamp", "version", json_integer(1795420000));
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 1795420001 snapshot 71 targets 1001");
}

/* The suite's custom and unrecognized fields: they are part of what is signed. */
static void unknown_members_are_signed_and_ignored(void **state)
{
    struct sim *sim = *state;
    const char *const roles[] = {"root", "targets", "snapshot", "timestamp"};
    sim_target(sim, "targets", "a.bin", "x");
    sim_delegate(sim, "targets", "role", false);
    json_object_set_new(sim_target_entry(sim, "targets", "a.bin"), "custom",
                        json_pack("{s:[n, b], s:s}", "list", 1, "text", "\n\t\"\\\x7f"));
    json_object_set_new(sim_authority(sim, "targets", "role"), "note", json_string("é"));
    json_object_set_new(sim_authority(sim, "root", "root"), "note", json_null());
    json_object_set_new(sim_role(sim, "timestamp")->signers[0]->object,
                        "keyid_hash_algorithms", json_pack("[s, s]", "sha256", "sha512"));
    for (int i = 0; i < 4; i++) {
        sim_set(sim, roles[i], "x-unknown", json_pack("{s:{s:i}}", "b", "a", -5));
    }
    ACCEPTS(init(sim));
    sim_publish(sim, "root role targets snapshot timestamp");
    json_t *envelope = sim_envelope(sim, "timestamp");
    json_object_set_new(envelope, "more", json_array());
    json_object_set_new(json_array_get(json_object_get(envelope, "signatures"), 0),
                        "more", json_integer(1));
    sim_serve(sim, "timestamp", envelope);
    ACCEPTS(refresh(sim));
    /* and changing one of them breaks the signature */
    json_object_set_new(json_object_get(envelope, "signed"), "x-unknown", json_true());
    json_object_set_new(json_object_get(envelope, "signed"), "version", json_integer(9));
    sim_serve(sim, "timestamp", envelope);
    json_decref(envelope);
    REFUSES(refresh(sim), "tuf.signature");
}

static void any_minor_version_of_the_specification_is_read(void **state)
{
    struct sim *sim = *state;
    const char *const good[] = {"1.0", "1.0.0", "1.0.34", "1.99.1"};
    ACCEPTS(init(sim));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sim_set(sim, "timestamp", "spec_version", json_string(good[i]));
        sim_publish(sim, "timestamp");
        ACCEPTS(refresh(sim));
    }
    const char *const bad[] = {"2.0.0", "0.9", "1", "", "1.x", "10.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sim_set(sim, "timestamp", "spec_version", json_string(bad[i]));
        sim_publish(sim, "timestamp");
        REFUSES(refresh(sim), "tuf.spec_version");
    }
    HOLDS("root 1 timestamp 5 snapshot 1 targets 1");
}

static void a_repository_without_consistent_snapshots_has_plain_names(void **state)
{
    struct sim *sim = *state;
    sim->consistent = false;
    sim_set(sim, "root", "consistent_snapshot", json_false());
    sim_delegate(sim, "targets", "role", false);
    sim_target(sim, "role", "dir/a.bin", "content");
    sim_publish(sim, "root role targets snapshot timestamp");
    sim_server_remove(&sim->server, "metadata/1.snapshot.json");
    sim_server_remove(&sim->server, "metadata/1.targets.json");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "dir/a.bin"));
    ASKED("metadata/2.root.json metadata/3.root.json metadata/timestamp.json "
          "metadata/snapshot.json metadata/targets.json metadata/role.json "
          "targets/dir/a.bin");
    HOLDS("root 2 timestamp 2 snapshot 2 targets 2 role 1");
    STORED(1);
}

static void without_the_member_snapshots_are_not_consistent(void **state)
{
    struct sim *sim = *state;
    sim->consistent = false;
    json_object_del(sim_body(sim, "root"), "consistent_snapshot");
    sim_publish(sim, "root snapshot targets snapshot timestamp");
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    ASKED("metadata/2.root.json metadata/3.root.json metadata/timestamp.json "
          "metadata/snapshot.json metadata/targets.json");
}

static void an_answer_without_a_length_is_whole_at_its_end(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_server_fault(&sim->server, "metadata/timestamp.json", SIM_UNSIZED, 0);
    sim_server_fault(&sim->server, "metadata/1.targets.json", SIM_UNSIZED, 0);
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 1 snapshot 1 targets 1");
}

static void a_server_that_answers_nothing_leaves_everything(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    ACCEPTS(refresh(sim));
    sim_publish(sim, "targets snapshot timestamp");
    static const struct {
        const char *path, *holds;
    } cases[] = {
        {"metadata/2.root.json", "root 1 timestamp 1 snapshot 1 targets 1"},
        {"metadata/timestamp.json", "root 1 timestamp 1 snapshot 1 targets 1"},
        {"metadata/2.snapshot.json", "root 1 timestamp 2 snapshot 1 targets 1"},
        {"metadata/2.targets.json", "root 1 timestamp 2 snapshot 2 targets 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_server_heal(&sim->server);
        sim_server_fault(&sim->server, cases[i].path, SIM_HANG_UP, 0);
        REFUSES(refresh(sim), "net");
        HOLDS(cases[i].holds);
    }
    sim_server_heal(&sim->server);
    ACCEPTS(refresh(sim));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
}

/* With the state of an earlier client in the folder: only the root is replaced. */
static void init_again_starts_from_the_new_root(void **state)
{
    struct sim *sim = *state;
    ACCEPTS(init(sim));
    sim_publish(sim, "root");
    ACCEPTS(refresh(sim));
    const struct buf *second = sim_past(sim, "root", 2);
    ACCEPTS(init_with(sim, second->data, second->len));
    ACCEPTS(refresh(sim));
    HOLDS("root 2 timestamp 1 snapshot 1 targets 1");
}

static void a_folder_without_a_root_is_refused(void **state)
{
    struct sim *sim = *state;
    REFUSES(refresh(sim), "not_found");
    assert_int_equal(sim->server.requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_CASE(init_stores_the_root_and_asks_nobody),
        SIM_CASE(a_first_refresh_fetches_each_role_once),
        SIM_CASE(a_refresh_without_news_asks_for_root_and_timestamp_only),
        SIM_CASE(a_new_timestamp_alone_needs_no_other_file),
        SIM_CASE(a_new_snapshot_alone_leaves_the_targets),
        SIM_CASE(a_new_state_is_taken_whole),
        SIM_CASE(versions_may_jump_below_the_root),
        SIM_CASE(unknown_members_are_signed_and_ignored),
        SIM_CASE(any_minor_version_of_the_specification_is_read),
        SIM_CASE(a_repository_without_consistent_snapshots_has_plain_names),
        SIM_CASE(without_the_member_snapshots_are_not_consistent),
        SIM_CASE(an_answer_without_a_length_is_whole_at_its_end),
        SIM_CASE(a_server_that_answers_nothing_leaves_everything),
        SIM_CASE(init_again_starts_from_the_new_root),
        SIM_CASE(a_folder_without_a_root_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
