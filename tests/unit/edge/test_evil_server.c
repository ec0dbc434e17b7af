/* SPDX-License-Identifier: Apache-2.0 */
/* A server that turns evil while a node runs: it replays, freezes, mixes, withholds,
 * swaps, and steers. The node says why with a stable code, goes on reporting with the
 * model that it has, and takes the next version once the server is right. Beside
 * test_update, which has the single damaged file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "edge/assignment.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

static void *model(int index)
{
    return (void *)(uintptr_t)fixture_model(index);
}

/* A node that runs 1.0.0. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    node.options.stall_ms = 300;
    node_open(&node);
    node_until(&node, node_has_model, model(0));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&node);
    repository_release(&repository);
    server_stop(&server);
    return 0;
}

static void publish_and_assign(int64_t seq)
{
    repository_add(&repository, &server, seq, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(1));
}

static void keep(struct buf *ret_copy, const struct buf *file)
{
    *ret_copy = BUF_INIT(1 << 20);
    buf_add(ret_copy, file->data, file->len);
}

/* Refused with this code; still the old model, and it reports. */
static void until_refused(const char *code)
{
    node_until(&node, node_complained, (void *)(uintptr_t)code);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(node_has_model(&node, model(0)));
}

static void until_recovered(void)
{
    server_heal(&server);
    node_until(&node, node_has_model, model(1));
    assert_true(node_complained(&node, "ok"));
}

static void set_fault(const char *path, struct server_fault fault)
{
    fault.times = FOR_EVER;
    (void)snprintf(fault.path, sizeof fault.path, "%s", path);
    server_fault(&server, &fault);
}

static void lie(const char *path, const struct buf *instead)
{
    set_fault(path, (struct server_fault){.instead = instead});
}

/* ---- replay, freeze, mix ---- */

/* Timestamp, snapshot and targets of the past, which fit each other. */
static void a_whole_state_of_the_past(void **state)
{
    (void)state;
    BUF_AUTO timestamp;
    BUF_AUTO snapshot;
    BUF_AUTO targets;
    keep(&timestamp, &repository.timestamp_file);
    keep(&snapshot, &repository.snapshot_file);
    keep(&targets, &repository.targets_file);
    repository_publish(&repository, &server); /* and the node has seen a newer one */
    repository_assign(&repository, &server, 1, fixture_model(0));
    int requests = server_count(&server, &server.requests);
    while (server_count(&server, &server.requests) < requests + 6) {
        muster_client_step(node.client);
    }
    lie("/timestamp.json", &timestamp);
    lie(".snapshot.json", &snapshot);
    lie(".targets.json", &targets);
    publish_and_assign(2);
    until_refused("tuf.rollback");
    until_recovered();
}

/* A new timestamp and snapshot, the targets of before. */
static void targets_of_the_past_under_a_new_snapshot(void **state)
{
    (void)state;
    BUF_AUTO targets;
    keep(&targets, &repository.targets_file);
    lie(".targets.json", &targets);
    publish_and_assign(2);
    until_refused("tuf.length");
    until_recovered();
}

/* Files of different roles under each other's names. */
static void a_snapshot_in_place_of_targets(void **state)
{
    (void)state;
    publish_and_assign(2);
    lie(".targets.json", &repository.snapshot_file);
    until_refused("tuf.length");
    until_recovered();
}

static void a_timestamp_in_place_of_a_snapshot(void **state)
{
    (void)state;
    publish_and_assign(2);
    lie(".snapshot.json", &repository.timestamp_file);
    until_refused("tuf.too_large");
    until_recovered();
}

/* Signed in time, and never again: then not even the old state may be used for news. */
static void a_server_that_stops_the_clock(void **state)
{
    (void)state;
    BUF_AUTO timestamp;
    keep(&timestamp, &repository.timestamp_file);
    lie("/timestamp.json", &timestamp);
    publish_and_assign(2);
    node.wall_shift_ms = INT64_C(8) * 86400000;
    until_refused("tuf.expired");
    node.wall_shift_ms = 0;
    server_heal(&server);
}

/* ---- withhold ---- */

static void withhold(const char *path)
{
    set_fault(path, (struct server_fault){.status = 404});
    publish_and_assign(2);
    until_refused("net.status");
    until_recovered();
}

static void a_withheld_timestamp(void **state)
{
    (void)state;
    withhold("/timestamp.json");
}

static void a_withheld_snapshot(void **state)
{
    (void)state;
    withhold(".snapshot.json");
}

static void withheld_targets(void **state)
{
    (void)state;
    withhold(".targets.json");
}

static void a_withheld_artifact(void **state)
{
    (void)state;
    withhold("/fashion/2/");
}

static void a_trickling_timestamp(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){.times = FOR_EVER,
                                                 .path = "/timestamp.json",
                                                 .manner = ANSWER_STALL,
                                                 .part = 10});
    publish_and_assign(2);
    until_refused("net");
    until_recovered();
}

static bool asked_for_the_artifact(struct node *waiting, void *user)
{
    (void)waiting;
    (void)user;
    int fetches = server_count(&server, &server.fetch_count);
    return fetches > 0 &&
           strstr(server_fetch_at(&server, fetches - 1).path, "/fashion/2/") != NULL;
}

/* Bytes keep coming, so nothing stalls; but too few of them in the minute that is
 * watched. */
static void a_trickling_artifact(void **state)
{
    (void)state;
    struct muster_client_status status;
    node_close(&node);
    node.options.stall_ms = 600000;
    node_open(&node);
    set_fault("/fashion/2/", (struct server_fault){.manner = ANSWER_TRICKLE});
    publish_and_assign(2);
    node_until(&node, asked_for_the_artifact, NULL);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(node_has_model(&node, model(0)));
    assert_string_equal(node.messages, "");
    node.mono_shift_ms += 61000;
    until_refused("net");
    muster_client_status(node.client, &status);
    assert_non_null(strstr(status.last_error, "below the least rate of 100 bytes"));
    server_heal(&server);
    node.mono_shift_ms += 61000; /* the next attempt may have met the trickle as well */
    until_recovered();
}

/* ---- swapped artifacts ---- */

/* A good model, and signed, but as another version. */
static void the_artifact_of_another_version(void **state)
{
    (void)state;
    lie("/fashion/2/", fixture_model(0));
    publish_and_assign(2);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.hash");
    assert_true(node_has_model(&node, model(0)));
    until_recovered();
}

static void the_plain_artifact_in_place_of_its_transport(void **state)
{
    (void)state;
    lie("fp32.mnet.zst", fixture_model(1));
    publish_and_assign(2);
    node_until(&node, node_has_model, model(1)); /* by the plain file */
    assert_string_not_equal(node.messages, "");
}

/* ---- steering ---- */

static void set_custom(int64_t seq, const char *member, json_t *value)
{
    char path[64];
    (void)snprintf(path, sizeof path, "fashion/%d/fp32.mnet", (int)seq);
    json_t *entry = json_object_get(json_object_get(repository.targets, "targets"), path);
    json_t *custom = json_object_get(json_object_get(entry, "custom"), "muster");
    assert_int_equal(json_object_set_new(custom, member, value), 0);
}

/* Signed for others; the server assigns it to this node all the same. */
static void steer(const char *member, json_t *value, const char *code)
{
    repository_add(&repository, &server, 2, fixture_model(1));
    set_custom(2, member, value);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_refused(code);
    publish_and_assign(3);
    until_recovered();
}

static void an_artifact_for_other_hardware(void **state)
{
    (void)state;
    steer("hardware", json_pack("[s]", "no-such-machine"), "fit.other_hardware");
}

static void an_artifact_for_more_memory(void **state)
{
    (void)state;
    steer("ram_bytes", json_integer(INT64_C(1) << 60), "fit.too_big_or_new");
}

static void an_artifact_for_a_later_runtime(void **state)
{
    (void)state;
    steer("runtime_min", json_string("999.0.0"), "fit.too_big_or_new");
}

/* The path of one version with the digest of another. */
static void an_assignment_that_mixes_two_versions(void **state)
{
    (void)state;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(1));
    until_refused("tuf.hash");
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_recovered();
}

static void a_path_that_leaves_its_folder(void **state)
{
    (void)state;
    static const char *const paths[] = {"../../etc/passwd", "/etc/passwd", "fashion/1/..",
                                        "", "fashion/1/fp32.mnet/../fp32.mnet"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char json[1024];
        (void)snprintf(json, sizeof json,
                       "{\"models\":[{\"model\":\"fashion\",\"path\":\"%s\",\"artifact\":"
                       "\"%064d\",\"seq\":2}],\"poll_s\":5}",
                       paths[i], 0);
        node.messages[0] = '\0';
        server_assign(&server, json);
        while (node.messages[0] == '\0') {
            muster_client_step(node.client);
        }
        assert_true(node_has_model(&node, model(0)));
    }
    publish_and_assign(2);
    until_recovered();
}

/* Never faster than 5 s, never slower than a day. */
static void absurd_poll_times_are_bounded(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-1",
        "1",
        "-9223372036854775808",
        "9223372036854775807",
        "86401",
        "1e300",
        "null",
        "\"5\"",
        "true",
        "{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char json[200];
        struct assignment assignment;
        (void)snprintf(json, sizeof json, "{\"models\":[],\"poll_s\":%s}", texts[i]);
        assert_int_equal(assignment_decode(json, strlen(json), "", &assignment, NULL),
                         OK);
        assert_in_range(assignment.poll_ms, 5000, 86400000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_state_of_the_past),
        TEST(targets_of_the_past_under_a_new_snapshot),
        TEST(a_snapshot_in_place_of_targets),
        TEST(a_timestamp_in_place_of_a_snapshot),
        TEST(a_server_that_stops_the_clock),
        TEST(a_withheld_timestamp),
        TEST(a_withheld_snapshot),
        TEST(withheld_targets),
        TEST(a_withheld_artifact),
        TEST(a_trickling_timestamp),
        TEST(a_trickling_artifact),
        TEST(the_artifact_of_another_version),
        TEST(the_plain_artifact_in_place_of_its_transport),
        TEST(an_artifact_for_other_hardware),
        TEST(an_artifact_for_more_memory),
        TEST(an_artifact_for_a_later_runtime),
        TEST(an_assignment_that_mixes_two_versions),
        TEST(a_path_that_leaves_its_folder),
        cmocka_unit_test(absurd_poll_times_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
