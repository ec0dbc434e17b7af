/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/edge/fixture_node.h"

/* A client that is told one detail after the other by a server. */

enum { MINUTE_MS = 60000, EACH = 100, FRAMES_OF_50_MINUTES = 3000 };

#define SAMPLED "{\"mode\":\"sampled\",\"every\":3,\"interval_s\":60}"
#define CHANGES "{\"mode\":\"changes\",\"interval_s\":60}"
#define SUMMARY "{\"mode\":\"summary\",\"interval_s\":60}"
#define FULL "{\"mode\":\"full\"}"

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
    node_open(&node);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
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

static struct muster_client_status status_now(void)
{
    struct muster_client_status status;
    muster_client_status(node.client, &status);
    return status;
}

static bool reports_as(struct node *one, void *user)
{
    (void)one;
    return strcmp(status_now().detail, user) == 0;
}

static void ask_for(const char *json)
{
    repository.detail = json;
    repository_assign(&repository, &server, 1, fixture_model(0));
}

static void until_told(const char *json, const char *text)
{
    ask_for(json);
    node_until(&node, reports_as, (void *)(uintptr_t)text);
}

static void flush_and_drain(void)
{
    muster_client_flush(node.client);
    node_until(&node, node_drained, NULL);
}

static uint64_t stored(void)
{
    pthread_mutex_lock(&server.lock);
    uint64_t predictions = server.predictions_stored;
    pthread_mutex_unlock(&server.lock);
    return predictions;
}

static int reports(void)
{
    return server_count(&server, &server.report_count);
}

/* Rows that the ack log names. */
static int logged_rows(void)
{
    int sum = 0, rows;
    BUF_AUTO text = BUF_INIT(100000);
    assert_int_equal(file_read(node.ack_log, &text, NULL), OK);
    for (const char *line = text.data; line && *line; line = strchr(line, '\n') + 1) {
        assert_int_equal(sscanf(line, "%*d %*d %*d %d", &rows), 1);
        sum += rows;
    }
    return sum;
}

static void server_is_away(bool away)
{
    if (away) {
        server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                     .times = FOR_EVER,
                                                     .status = 503,
                                                     .code = "unavailable"});
    } else {
        server_heal(&server);
    }
}

/* node_predict goes through the classes 0 … 9: each differs from the one before. */
static void every_detail_counts_each_prediction_once(void **state)
{
    (void)state;
    static const char *const details[][2] = {{SAMPLED, "sampled 1/3"},
                                             {CHANGES, "changes"},
                                             {SUMMARY, "summary"},
                                             {FULL, "full"}};
    static const int least_rows[] = {5, EACH, 0, EACH};
    static const int most_rows[] = {70, EACH, 0, EACH};
    assert_string_equal(status_now().detail, "full");
    node_predict(&node, EACH);
    flush_and_drain();
    int rows = server_count(&server, &server.rows_stored);
    assert_int_equal(rows, EACH);
    for (size_t i = 0; i < 4; i++) {
        int before = reports();
        until_told(details[i][0], details[i][1]);
        node_predict(&node, EACH);
        flush_and_drain();
        int more = server_count(&server, &server.rows_stored) - rows;
        assert_in_range(more, least_rows[i], most_rows[i]);
        assert_int_equal(stored(), EACH * (i + 2));
        struct server_report report = server_report_at(&server, before);
        assert_int_equal(report.has_summary, i < 3);
        rows += more;
    }
    assert_int_equal(status_now().inferred, 5 * EACH);
    assert_int_equal(status_now().acknowledged, 5 * EACH);
    assert_int_equal(logged_rows(), rows);
}

/* What is open ends when another detail is told, without waiting for its minute. */
static void an_open_interval_ends_when_it_is_told_otherwise(void **state)
{
    (void)state;
    until_told(SUMMARY, "summary");
    node_predict(&node, 7);
    ask_for(FULL);
    node_until(&node, node_drained, NULL);
    assert_int_equal(stored(), 7);
    assert_string_equal(status_now().detail, "full");
    assert_true(server_report_at(&server, reports() - 1).has_summary);
}

static void a_node_without_its_server_goes_on_as_it_was_told(void **state)
{
    (void)state;
    until_told(SUMMARY, "summary");
    node_close(&node);
    server_fault(&server, &(struct server_fault){
                              .path = "/", .times = FOR_EVER, .manner = ANSWER_NONE});
    node_open(&node);
    assert_string_equal(status_now().detail, "summary");
    node_predict(&node, 9);
    node_close(&node);
    server_heal(&server);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(stored(), 9);
    assert_int_equal(server_count(&server, &server.rows_stored), 0);
}

static bool has_batch(struct node *one, void *user)
{
    (void)one;
    return status_now().batches == *(const uint64_t *)user;
}

/* A kill loses what is open in memory, and nothing that is on disk. */
static void a_kill_loses_the_open_interval_only(void **state)
{
    (void)state;
    uint64_t one = 1;
    until_told(SUMMARY, "summary");
    server_is_away(true);
    node_predict(&node, 50);
    muster_client_flush(node.client);
    node_until(&node, has_batch, &one);
    node_predict(&node, 30);
    node_kill(&node);
    server_is_away(false);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(stored(), 50);
    node_predict(&node, 5);
    flush_and_drain();
    assert_int_equal(stored(), 55);
}

/* The server stored a summary and its answer was lost: the same bytes again count once.
 */
static void a_summary_that_is_sent_twice_counts_once(void **state)
{
    (void)state;
    until_told(SAMPLED, "sampled 1/3");
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = 2,
                                                 .store = true,
                                                 .status = 500,
                                                 .code = "internal"});
    node_predict(&node, 20);
    flush_and_drain();
    assert_int_equal(stored(), 20);
    assert_true(status_now().duplicates > 0);
    assert_int_equal(status_now().acknowledged, 20);
}

static void dropped_counts_the_predictions_in_summaries(void **state)
{
    (void)state;
    node_close(&node);
    node.options.queue_bytes = 4 * 4096;
    node_open(&node);
    until_told(SUMMARY, "summary");
    server_is_away(true);
    for (int i = 0; i < 20; i++) {
        node_predict(&node, 11);
        muster_client_flush(node.client);
        for (int step = 0; step < 6; step++) {
            muster_client_step(node.client);
        }
    }
    uint64_t dropped = status_now().dropped;
    assert_true(dropped > 0 && dropped % 11 == 0);
    server_is_away(false);
    flush_and_drain();
    int64_t reported = 0;
    for (int i = 0; i < reports(); i++) {
        reported += server_report_at(&server, i).dropped;
    }
    assert_int_equal(reported, dropped);
    assert_int_equal(stored() + dropped, 20 * 11);
}

static void advance(int64_t ms)
{
    node.mono_shift_ms += ms;
    node.wall_shift_ms += ms;
    pthread_mutex_lock(&server.lock);
    server.clock_ms += ms;
    pthread_mutex_unlock(&server.lock);
}

/* Frames every second for 50 minutes: a summary a minute, each within its minute. The
 * server is away meanwhile, or its answers would seem to take as long as the clocks jump.
 */
static void fifty_minutes_are_fifty_summaries(void **state)
{
    (void)state;
    until_told(SUMMARY, "summary");
    server_is_away(true);
    for (int i = 0; i < FRAMES_OF_50_MINUTES; i++) {
        node_predict(&node, 1);
        advance(1000);
        muster_client_step(node.client);
    }
    server_is_away(false);
    flush_and_drain();
    assert_int_equal(stored(), FRAMES_OF_50_MINUTES);
    for (int i = 0; i < reports(); i++) {
        struct summary summary = server_report_at(&server, i).summary;
        assert_true(summary.to_ms > summary.from_ms);
        assert_int_equal(summary.from_ms / MINUTE_MS, (summary.to_ms - 1) / MINUTE_MS);
    }
    assert_in_range(reports(), 50, 51);
}

/* The end of a minute is the same for the whole fleet: what it closes is sent later, some
 * time within half an interval. */
static void summaries_are_not_all_sent_at_the_turn_of_the_minute(void **state)
{
    (void)state;
    int at_once = 0;
    until_told(SUMMARY, "summary");
    for (int i = 0; i < 5; i++) {
        node_predict(&node, 1);
        advance(2 * MINUTE_MS);
        for (int step = 0; step < 100; step++) { /* time enough to send it */
            int64_t wait_ms = muster_client_step(node.client);
            muster_client_wait(node.client, wait_ms < 2 ? wait_ms : 2);
        }
        at_once += status_now().batches != 1;
        advance(MINUTE_MS / 2);
        node_until(&node, node_drained, NULL);
    }
    assert_true(at_once < 5);
}

/* The inferring thread races with every change of detail. */
enum { FRAMES = 5000 };

static void *infer(void *user)
{
    atomic_bool *done = user;
    const struct muster_client_model *model = muster_client_model(node.client);
    static const float probabilities[] = {0.5F, 0.25F, 0.25F};
    for (int i = 0; i < FRAMES;) {
        struct muster_prediction prediction = {.class_index = (uint16_t)(i / 7 % 10),
                                               .confidence = 0.5,
                                               .probabilities = probabilities,
                                               .probability_count = 3};
        i += muster_client_record(node.client, model, &prediction, NULL) ==
             MUSTER_CLIENT_OK;
    }
    muster_client_model_release(model);
    muster_client_flush(node.client);
    atomic_store(done, true);
    return NULL;
}

static void details_change_while_another_thread_infers(void **state)
{
    (void)state;
    static const char *const details[] = {SAMPLED, CHANGES, SUMMARY, FULL};
    pthread_t thread;
    atomic_bool done = false;
    node_close(&node);
    node.options.batch_rows = 500;
    node_open(&node);
    assert_int_equal(pthread_create(&thread, NULL, infer, &done), 0);
    for (int i = 0; !atomic_load(&done); i++) {
        ask_for(details[i / 20 % 4]);
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 2 ? wait_ms : 2);
    }
    pthread_join(thread, NULL);
    flush_and_drain();
    assert_int_equal(stored(), FRAMES);
    assert_int_equal(status_now().acknowledged, FRAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_detail_counts_each_prediction_once),
        TEST(an_open_interval_ends_when_it_is_told_otherwise),
        TEST(a_node_without_its_server_goes_on_as_it_was_told),
        TEST(a_kill_loses_the_open_interval_only),
        TEST(a_summary_that_is_sent_twice_counts_once),
        TEST(dropped_counts_the_predictions_in_summaries),
        TEST(fifty_minutes_are_fifty_summaries),
        TEST(summaries_are_not_all_sent_at_the_turn_of_the_minute),
        TEST(details_change_while_another_thread_infers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
