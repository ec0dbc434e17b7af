/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tests/unit/edge/fixture_node.h"

enum { HOUR_MS = 3600000 };

static struct server server;
static struct repository repository;
static struct node node;

static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
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

static void until_model(void)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
}

static struct muster_client_status status_now(void)
{
    struct muster_client_status status;
    muster_client_status(node.client, &status);
    return status;
}

static bool is_in_state(struct node *one, void *user)
{
    (void)one;
    return strcmp(status_now().state, user) == 0;
}

static void expect_open_fails(const char *code)
{
    struct muster_client_error error = {0};
    struct muster_client *client = NULL;
    assert_int_not_equal(muster_client_open(&node.options, &client, &error),
                         MUSTER_CLIENT_OK);
    assert_string_equal(error.code, code);
    assert_null(client);
}

/* A device whose clock is wrong by years: the server teaches it once, and what it reports
 * has true times. */
static void a_wrong_clock_is_taught_and_reports_have_true_times(void **state)
{
    (void)state;
    node.wall_shift_ms = -INT64_C(26) * 365 * 24 * HOUR_MS;
    node_open(&node);
    until_model();
    assert_true(server_count(&server, &server.signed_wrong_clock) <= 1);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    struct server_report report = server_report_at(&server, 0);
    int64_t off_ms = report.first_at_ms - clock_wall_ms();
    assert_in_range(off_ms + 10000, 0, 12000);
    assert_true(status_now().clock_offset_ms > INT64_C(25) * 365 * 24 * HOUR_MS);
}

static void a_session_is_signed_again_with_the_servers_time(void **state)
{
    (void)state;
    node_open(&node);
    until_model();
    node_power_cut(&node);
    node.wall_shift_ms = 2 * HOUR_MS;
    server_forget_sessions(&server);
    node_open(&node);
    node_until(&node, is_in_state, (void *)(uintptr_t) "ok");
    assert_int_equal(server_count(&server, &server.signed_wrong_clock), 1);
    assert_int_equal(server_count(&server, &server.enrolments), 1);
    assert_string_equal(node.messages, "");
}

/* Predictions queued before the time was known are corrected when it is. */
static void predictions_from_before_the_first_contact_are_corrected(void **state)
{
    (void)state;
    node_open(&node);
    until_model();
    node_power_cut(&node);
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "/", .manner = ANSWER_NONE});
    node.wall_shift_ms = -INT64_C(20) * 365 * 24 * HOUR_MS;
    node_open(&node);
    node_predict(&node, 10);
    node_until(&node, is_in_state, (void *)(uintptr_t) "offline");
    server_heal(&server);
    node_until(&node, node_drained, NULL);
    int64_t off_ms = server_report_at(&server, 0).first_at_ms - clock_wall_ms();
    assert_in_range(off_ms + 20000, 0, 22000);
}

static void a_node_enrols_once_with_a_key_that_stays(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 32];
    struct stat info;
    node_open(&node);
    until_model();
    node_close(&node);
    node.options.enrolment = NULL;
    node_open(&node);
    node_until(&node, is_in_state, (void *)(uintptr_t) "ok");
    assert_int_equal(server_count(&server, &server.enrolments), 1);
    assert_int_equal(status_now().node_id, 17);
    snprintf(path, sizeof path, "%s/identity/key", node.folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static bool has_asked_again(struct node *one, void *user)
{
    (void)one;
    return server_count(&server, &server.requests) > *(const int *)user;
}

/* It stays alive, says what people can do, once, and does not hammer the server. */
static void a_bad_token_is_told_and_tried_again(void **state)
{
    (void)state;
    node.options.enrolment = "met_bad";
    node.options.backoff_max_ms = 0;
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "enroll.token");
    muster_client_step(node.client);
    assert_string_equal(status_now().state, "refused");
    assert_non_null(strstr(status_now().last_error, "a new enrolment string"));
    assert_in_range(muster_client_step(node.client), 59000, 60000);
    int before = server_count(&server, &server.requests);
    for (int i = 0; i < 60; i++) { /* ten minutes: one try a minute at most */
        node.mono_shift_ms += 10000;
        for (int step = 0; step < 3; step++) {
            muster_client_wait(node.client, muster_client_step(node.client) ? 2 : 0);
        }
    }
    assert_in_range(server_count(&server, &server.requests), before, before + 10);
    node_until(&node, has_asked_again, &before);
    assert_string_equal(node.messages, "enroll.token\n");
}

static void a_pending_node_says_so_and_goes_on_when_activated(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){.path = "/v1/session",
                                                 .times = FOR_EVER,
                                                 .status = 403,
                                                 .code = "node.pending"});
    node_open(&node);
    node_until(&node, is_in_state, (void *)(uintptr_t) "pending");
    server_heal(&server);
    until_model();
}

static void a_revoked_node_says_so_and_keeps_its_model(void **state)
{
    (void)state;
    node_open(&node);
    until_model();
    server_forget_sessions(&server);
    server_fault(&server, &(struct server_fault){.path = "/v1/session",
                                                 .times = FOR_EVER,
                                                 .status = 401,
                                                 .code = "node.revoked"});
    node_until(&node, is_in_state, (void *)(uintptr_t) "revoked");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    node_predict(&node, 5);
}

static void the_roots_digest_in_the_enrolment_string_is_checked(void **state)
{
    (void)state;
    uint8_t digest[32];
    char text[65], good[128], bad[128];
    const struct buf *root = &repository.root_file;
    assert_int_equal(sha256_of(root->data, root->len, digest, NULL), OK);
    hex_encode(digest, 32, text);
    snprintf(good, sizeof good, "met_good.%s", text);
    text[0] = text[0] == '0' ? '1' : '0';
    snprintf(bad, sizeof bad, "met_good.%s", text);
    node.options.enrolment = bad;
    expect_open_fails("tuf.no_trust");
    node.options.enrolment = good;
    node_open(&node);
    until_model();
}

static void a_root_that_is_not_signed_by_itself_is_refused_without_a_request(void **state)
{
    (void)state;
    FILE *file = fopen(node.root_path, "r+b");
    assert_non_null(file);
    fseek(file, -30, SEEK_END);
    fputc('0', file);
    fputc('1', file);
    fputc('2', file);
    fclose(file);
    expect_open_fails("tuf.no_trust");
    assert_int_equal(server_count(&server, &server.requests), 0);
}

/* A node with another publisher's root: refuses everything, runs nothing. */
static void a_foreign_root_refuses_every_model(void **state)
{
    (void)state;
    struct repository other;
    repository_init(&other);
    node_close(&node);
    folder_remove(node.folder);
    node_init(&node, &server, &other);
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.signature");
    assert_null(muster_client_model(node.client));
    repository_release(&other);
}

static void a_state_folder_has_one_client_at_a_time(void **state)
{
    (void)state;
    node_open(&node);
    expect_open_fails("busy");
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct muster_client_options good = node.options;
    node.options.server_url = "ftp://127.0.0.1/";
    expect_open_fails("invalid_argument");
    node.options = good;
    node.options.batch_rows = 2001;
    expect_open_fails("invalid_argument");
    node.options = good;
    node.options.state_folder = NULL;
    expect_open_fails("invalid_argument");
    node.options = good;
    node.options.enrolment = NULL;
    expect_open_fails("enroll.token");
    node.options = good;
    node.options.root_path = "/nowhere/root.json";
    expect_open_fails("not_found");
}

static void a_prediction_out_of_range_is_refused(void **state)
{
    (void)state;
    node_open(&node);
    until_model();
    const struct muster_client_model *model = muster_client_model(node.client);
    struct muster_prediction prediction = {.confidence = 1.01};
    assert_int_equal(muster_client_record(node.client, model, &prediction, NULL),
                     MUSTER_CLIENT_ARGUMENT);
    prediction.confidence = 1;
    prediction.has_value = true;
    prediction.value = 1e308 * 10;
    assert_int_equal(muster_client_record(node.client, model, &prediction, NULL),
                     MUSTER_CLIENT_ARGUMENT);
    muster_client_model_release(model);
    assert_int_equal(status_now().inferred, 0);
}

static void a_held_model_outlives_the_client(void **state)
{
    (void)state;
    node_open(&node);
    until_model();
    const struct muster_client_model *model = muster_client_model(node.client);
    const struct muster_client_model *again = muster_client_model_retain(model);
    muster_client_model_release(model);
    node_close(&node);
    assert_string_equal(again->name, "fashion");
    assert_int_equal(again->bytes[1], 'M');
    muster_client_model_release(again);
}

/* One thread infers while the other steps; versions change under it. */

enum { FRAMES = 2000 };

static void *infer(void *user)
{
    atomic_bool *done = user;
    for (int i = 0; i < FRAMES;) {
        const struct muster_client_model *model = muster_client_model(node.client);
        struct muster_prediction prediction = {.confidence = 0.25, .latency_us = 1};
        i += muster_client_record(node.client, model, &prediction, NULL) ==
             MUSTER_CLIENT_OK;
        muster_client_model_release(model);
        (void)status_now();
        muster_client_health(node.client, 40, 2000);
    }
    muster_client_flush(node.client);
    atomic_store(done, true);
    return NULL;
}

static bool is_true(struct node *one, void *user)
{
    (void)one;
    return atomic_load((atomic_bool *)user);
}

static void inference_runs_on_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    atomic_bool done = false;
    node_open(&node);
    until_model();
    assert_int_equal(pthread_create(&thread, NULL, infer, &done), 0);
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    node_until(&node, is_true, &done);
    pthread_join(thread, NULL);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.rows_stored), FRAMES);
    assert_int_equal(status_now().acknowledged, FRAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_clock_is_taught_and_reports_have_true_times),
        TEST(a_session_is_signed_again_with_the_servers_time),
        TEST(predictions_from_before_the_first_contact_are_corrected),
        TEST(a_node_enrols_once_with_a_key_that_stays),
        TEST(a_bad_token_is_told_and_tried_again),
        TEST(a_pending_node_says_so_and_goes_on_when_activated),
        TEST(a_revoked_node_says_so_and_keeps_its_model),
        TEST(the_roots_digest_in_the_enrolment_string_is_checked),
        TEST(a_root_that_is_not_signed_by_itself_is_refused_without_a_request),
        TEST(a_foreign_root_refuses_every_model),
        TEST(a_state_folder_has_one_client_at_a_time),
        TEST(options_out_of_range_are_refused),
        TEST(a_prediction_out_of_range_is_refused),
        TEST(a_held_model_outlives_the_client),
        TEST(inference_runs_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
