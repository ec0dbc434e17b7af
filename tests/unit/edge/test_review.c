/* SPDX-License-Identifier: Apache-2.0 */
/* A version is withdrawn: what runs goes on or stops as its publisher signed, and nothing
 * but fresh verified metadata can bring that about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    node_init(&node, &server, &repository);
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

static void until_model(int model)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(model));
}

static void until_complaint(const char *code)
{
    node_until(&node, node_complained, (void *)(uintptr_t)code);
}

static bool has_no_model(struct node *one, void *user)
{
    (void)user;
    const struct muster_client_model *model = muster_client_model(one->client);
    muster_client_model_release(model);
    return !model;
}

static struct muster_client_status status_of(const struct node *one)
{
    struct muster_client_status status;
    muster_client_status(one->client, &status);
    return status;
}

static bool has_reported(struct node *one, void *user)
{
    (void)one;
    (void)user;
    return server_count(&server, &server.report_count) > 0;
}

/* The newest two reports say that the node has stopped. */
static bool beats_stopped(struct node *one, void *user)
{
    (void)one;
    (void)user;
    int count = server_count(&server, &server.report_count);
    for (int i = count - 2; i < count; i++) {
        if (i < 0 || strcmp(server_report_at(&server, i).state, "stopped") != 0) {
            return false;
        }
    }
    return true;
}

static bool is_not_withdrawn(struct node *one, void *user)
{
    (void)user;
    return !status_of(one).withdrawn;
}

static void run(int64_t seq, int model)
{
    repository_add(&repository, &server, seq, fixture_model(model));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(model));
    if (!node.client) {
        node_open(&node);
    }
    until_model(model);
}

/* Takes a version off the list; it stays assigned, so that nothing but its absence says
 * anything against it. */
static void withdraw(int64_t seq, int model)
{
    repository_remove(&repository, seq);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(model));
}

static bool on_disk(int model)
{
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_BYTES], path[FOLDER_BYTES + 128];
    const struct buf *bytes = fixture_model(model);
    assert_int_equal(sha256_of(bytes->data, bytes->len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, text);
    snprintf(path, sizeof path, "%s/models/%s", node.folder, text);
    return file_exists(path);
}

static void a_withdrawn_version_goes_on_where_its_publisher_said_keep(void **state)
{
    (void)state;
    run(1, 0);
    withdraw(1, 0);
    until_complaint("tuf.withdrawn");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    assert_true(status_of(&node).withdrawn);
    assert_string_equal(status_of(&node).state, "kept");
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
}

static void a_withdrawn_version_is_known_as_such_after_a_restart(void **state)
{
    (void)state;
    run(1, 0);
    withdraw(1, 0);
    until_complaint("tuf.withdrawn");
    node_close(&node);
    node.messages[0] = '\0';
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "/", .manner = ANSWER_NONE});
    node_open(&node);
    assert_true(node_complained(&node, "tuf.withdrawn"));
    assert_true(status_of(&node).withdrawn);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

static void a_version_that_is_listed_again_is_well(void **state)
{
    (void)state;
    run(1, 0);
    withdraw(1, 0);
    until_complaint("tuf.withdrawn");
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, is_not_withdrawn, NULL);
    until_complaint("ok");
}

static void the_same_weights_under_a_new_number_are_not_withdrawn(void **state)
{
    (void)state;
    repository.stop = true;
    run(1, 0);
    repository_remove(&repository, 1);
    repository_add(&repository, &server, 2, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(0));
    int polls = server_count(&server, &server.polls);
    while (server_count(&server, &server.polls) < polls + 3) {
        muster_client_step(node.client);
    }
    assert_string_equal(node.messages, "");
    assert_int_equal(node.models, 1);
}

static void a_version_that_must_stop_gives_way_to_the_one_before(void **state)
{
    (void)state;
    run(1, 0);
    repository.stop = true;
    run(2, 1);
    withdraw(2, 1);
    until_model(0);
    assert_true(node_complained(&node, "tuf.withdrawn"));
    assert_true(node_complained(&node, "model.kept"));
    assert_false(on_disk(1));
    node_close(&node);
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

static void what_has_stopped_is_heard_of_all_the_same(void **state)
{
    (void)state;
    repository.stop = true;
    node.options.heartbeat_ms = 20;
    run(1, 0);
    withdraw(1, 0);
    node_until(&node, beats_stopped, NULL);
    assert_null(muster_client_model(node.client));
}

static void with_nothing_kept_it_stops_and_the_server_is_told(void **state)
{
    (void)state;
    repository.stop = true;
    run(1, 0);
    withdraw(1, 0);
    node_until(&node, has_no_model, NULL);
    assert_string_equal(status_of(&node).state, "stopped");
    node_until(&node, has_reported, NULL);
    assert_int_equal(server_report_at(&server, 0).rows, 0);
    assert_string_equal(server_report_at(&server, 0).state, "stopped");
    node_close(&node);
    node_open(&node);
    assert_null(muster_client_model(node.client));
    assert_false(on_disk(0));
}

static void one_below_the_floor_does_not_take_its_place(void **state)
{
    (void)state;
    run(1, 0);
    repository.stop = true;
    repository.floor = 2;
    run(2, 1);
    withdraw(2, 1);
    node_until(&node, has_no_model, NULL);
}

static void a_kept_version_that_must_stop_is_no_way_back(void **state)
{
    (void)state;
    repository.stop = true;
    run(1, 0);
    repository.stop = false;
    run(2, 1);
    assert_true(on_disk(0));
    repository_remove(&repository, 1);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    while (on_disk(0)) {
        muster_client_step(node.client);
    }
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

/* A while later the first model still runs. */
static void until_polled_again(void)
{
    int polls = server_count(&server, &server.polls);
    while (server_count(&server, &server.polls) < polls + 4) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 10 ? wait_ms : 10);
    }
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    assert_false(node_complained(&node, "tuf.withdrawn"));
}

/* Not fetched, or not verified: the version runs until the fault is over. */
static void withhold(const struct server_fault *fault)
{
    repository.stop = true;
    run(1, 0);
    server_fault(&server, fault);
    withdraw(1, 0);
    until_polled_again();
    server_heal(&server);
    node_until(&node, has_no_model, NULL);
}

#define WITHHELD(name, ...)                                                              \
    static void name(void **state)                                                       \
    {                                                                                    \
        (void)state;                                                                     \
        withhold(&(struct server_fault){.times = FOR_EVER, __VA_ARGS__});                \
    }

WITHHELD(without_a_timestamp_nothing_is_withdrawn, .path = "/timestamp.json",
         .status = 404)
WITHHELD(without_a_snapshot_nothing_is_withdrawn, .path = ".snapshot.json", .status = 404)
WITHHELD(without_targets_nothing_is_withdrawn, .path = ".targets.json", .status = 404)
WITHHELD(damaged_targets_withdraw_nothing, .path = ".targets.json", .flip = true)

/* Targets that somebody else signed. */
static void forged_targets_withdraw_nothing(void **state)
{
    (void)state;
    repository.stop = true;
    run(1, 0);
    struct signing_key mine = repository.targets_key;
    repository.targets_key = repository.snapshot_key;
    withdraw(1, 0);
    until_complaint("tuf.signature");
    until_polled_again();
    repository.targets_key = mine;
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, has_no_model, NULL);
}

static void an_expired_list_withdraws_nothing(void **state)
{
    (void)state;
    repository.stop = true;
    run(1, 0);
    repository_remove(&repository, 1);
    repository.life_ms = -60000;
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_complaint("tuf.expired");
    until_polled_again();
}

static void a_teams_version_is_withdrawn_by_the_team(void **state)
{
    (void)state;
    run(1, 0);
    repository.stop = true;
    repository_delegate(&repository, "fashion/*/*");
    run(2, 1);
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = ".team.json", .status = 404});
    withdraw(2, 1);
    until_complaint("net.status");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
    server_heal(&server);
    until_model(0);
    assert_true(node_complained(&node, "tuf.withdrawn"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_withdrawn_version_goes_on_where_its_publisher_said_keep),
        TEST(a_withdrawn_version_is_known_as_such_after_a_restart),
        TEST(a_version_that_is_listed_again_is_well),
        TEST(the_same_weights_under_a_new_number_are_not_withdrawn),
        TEST(a_version_that_must_stop_gives_way_to_the_one_before),
        TEST(with_nothing_kept_it_stops_and_the_server_is_told),
        TEST(what_has_stopped_is_heard_of_all_the_same),
        TEST(one_below_the_floor_does_not_take_its_place),
        TEST(a_kept_version_that_must_stop_is_no_way_back),
        TEST(without_a_timestamp_nothing_is_withdrawn),
        TEST(without_a_snapshot_nothing_is_withdrawn),
        TEST(without_targets_nothing_is_withdrawn),
        TEST(damaged_targets_withdraw_nothing),
        TEST(forged_targets_withdraw_nothing),
        TEST(an_expired_list_withdraws_nothing),
        TEST(a_teams_version_is_withdrawn_by_the_team),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
