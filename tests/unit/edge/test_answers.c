/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of "What a client does on each answer" in docs/PROTOCOL.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "edge/client_state.h"
#include "format/content.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

static int set_up(void **state)
{
    (void)state;
    const struct buf *model = fixture_model(0);
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, model);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, model);
    node_init(&node, &server, &repository);
    node_open(&node);
    node_until(&node, node_has_model, (void *)(uintptr_t)model);
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

/* Lines of the ack log. */
static int acks(void)
{
    BUF_AUTO text = BUF_INIT(100000);
    if (file_read(node.ack_log, &text, NULL) != OK) {
        return 0;
    }
    int lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }
    return lines;
}

static bool has_rejected(struct node *one, void *user)
{
    (void)one;
    return status_now().rejected == *(const uint64_t *)user;
}

static void an_acknowledged_batch_leaves_and_is_logged(void **state)
{
    (void)state;
    node_predict(&node, 25);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.rows_stored), 25);
    assert_int_equal(status_now().acknowledged, 25);
    assert_int_equal(acks(), server_count(&server, &server.report_count));
    assert_int_equal(server_report_at(&server, 0).seq, 1);
    assert_int_equal(server_report_at(&server, 1).seq, 2);
}

/* A new session, with a server that tells this dictionary. */
static void meet_server(int dictionary)
{
    server.dictionary = dictionary;
    server_forget_sessions(&server);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
}

static struct server_report newest_report(void)
{
    return server_report_at(&server, server_count(&server, &server.report_count) - 1);
}

static void a_dictionary_that_the_server_knows_packs_reports(void **state)
{
    (void)state;
    meet_server(0);
    size_t before = newest_report().bytes;
    assert_false(newest_report().dictionary);
    meet_server(CONTENT_DICTIONARY_ID + 1);
    assert_false(newest_report().dictionary);
    meet_server(CONTENT_DICTIONARY_ID);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(newest_report().dictionary);
    assert_true(newest_report().bytes < before);
}

/* A server that was put back to an older version while its sessions lived on. */
static void a_body_that_the_server_cannot_unpack_comes_again_without_it(void **state)
{
    (void)state;
    meet_server(CONTENT_DICTIONARY_ID);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(newest_report().dictionary);
    server.unpacks_no_dictionary = true;
    node_predict(&node, 20);
    node_until(&node, node_drained, NULL);
    assert_false(newest_report().dictionary);
    assert_int_equal(status_now().rejected, 0);
    assert_int_equal(status_now().acknowledged, 40);
}

/* 401: one renewal, then the same report. */
static void an_unauthorized_report_goes_out_again_with_a_new_session(void **state)
{
    (void)state;
    int sessions = server_count(&server, &server.sessions);
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = 1,
                                                 .status = 401,
                                                 .code = "auth.required"});
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.sessions), sessions + 1);
    assert_int_equal(server_count(&server, &server.rows_stored), 10);
    assert_false(node_complained(&node, "net.status"));
}

/* Two requests under way with the same token cost one session, not two. */
static void only_the_token_that_was_refused_is_forgotten(void **state)
{
    (void)state;
    struct session session = {.token = "mns_2"};
    session_refused(&session, "mns_1");
    assert_string_equal(session_token(&session), "mns_2");
    session_refused(&session, "mns_2");
    assert_null(session_token(&session));
}

static void a_session_that_is_refused_twice_waits_and_recovers(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = 3,
                                                 .status = 401,
                                                 .code = "auth.required"});
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(node_complained(&node, "net.status"));
    assert_int_equal(server_count(&server, &server.rows_stored), 10);
}

/* 408, 429, 5xx and redirects: the same number and bytes again. */
static void a_passing_error_repeats_the_same_report(void **state)
{
    (void)state;
    static const int statuses[] = {408, 429, 500, 502, 503, 507, 301, 302};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                     .times = 2,
                                                     .store = true,
                                                     .status = statuses[i],
                                                     .code = "unavailable"});
        node_predict(&node, 10);
        node_until(&node, node_drained, NULL);
        server_heal(&server);
        struct server_report report = server_report_at(&server, (int)i);
        assert_int_equal(report.copies, 3);
        assert_int_equal(report.seq, i + 1);
        assert_int_equal(server_count(&server, &server.report_count), i + 1);
    }
    assert_int_equal(status_now().duplicates, 8);
    assert_int_equal(status_now().rejected, 0);
    assert_int_equal(server_count(&server, &server.rows_stored), 80);
}

static void a_broken_connection_repeats_the_same_report(void **state)
{
    (void)state;
    static const enum fixture_manner manners[] = {ANSWER_NONE, ANSWER_CUT};
    for (int i = 0; i < 2; i++) {
        server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                     .times = 2,
                                                     .manner = manners[i]});
        node_predict(&node, 10);
        node_until(&node, node_drained, NULL);
        assert_int_equal(server_report_at(&server, i).copies, 3);
    }
    assert_int_equal(server_count(&server, &server.report_count), 2);
    assert_true(node_complained(&node, "net"));
    assert_true(node_complained(&node, "ok"));
}

static bool has_asked(struct node *one, void *user)
{
    (void)one;
    return server_count(&server, &server.faults[0].times) == *(const int *)user;
}

static void steps(int count)
{
    for (int i = 0; i < count; i++) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 2 ? wait_ms : 2);
    }
}

/* Whether one of the client's parts holds back for most of a Retry-After. */
static bool is_held(struct node *one, void *user)
{
    const struct backoff *const parts[] = {&one->client->submit.backoff,
                                           &one->client->poll.backoff,
                                           &one->client->session.backoff};
    int64_t now_ms = env_mono_ms(&one->client->env);
    return backoff_wait_ms(parts[*(const int *)user], now_ms) > 50000;
}

/* Whatever was asked, nothing of the kind is asked again before the server said so. */
static void retry_after_is_waited_for(void **state)
{
    (void)state;
    enum { TIMES = 1000, RETRY_AFTER_MS = 100000 };
    static const char *const paths[] = {"/v1/reports", "/v1/assignment", "/v1/session"};
    static const int statuses[] = {429, 503};
    for (int i = 0; i < 6; i++) {
        int once = TIMES - 1, twice = TIMES - 2, part = i % 3;
        struct server_fault fault = {.times = TIMES,
                                     .status = statuses[i / 3],
                                     .retry_after_s = RETRY_AFTER_MS / 1000,
                                     .code = "http.rate_limited"};
        snprintf(fault.path, sizeof fault.path, "%s", paths[i % 3]);
        server_fault(&server, &fault);
        if (i % 3 == 2) {
            server_forget_sessions(&server);
        }
        node_predict(&node, 10);
        node_until(&node, is_held, &part);
        node.mono_shift_ms += RETRY_AFTER_MS - 10000;
        steps(20);
        assert_true(has_asked(&node, &once));
        node.mono_shift_ms += 10000;
        node_until(&node, has_asked, &twice);
        node_until(&node, is_held, &part);
        server_heal(&server);
        node.mono_shift_ms += RETRY_AFTER_MS;
        node_until(&node, node_drained, NULL);
    }
    assert_int_equal(server_count(&server, &server.rows_stored), 60);
}

/* While the server answers 200 the client never asks to be left alone with a queue: it
 * waits for answers and for nothing else. */
static void a_backlog_drains_without_a_pause(void **state)
{
    (void)state;
    enum { BACKLOG = 60 };
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = FOR_EVER,
                                                 .manner = ANSWER_NONE});
    node_predict(&node, BACKLOG * 10);
    steps(4 * BACKLOG);
    assert_int_equal(status_now().batches, BACKLOG);
    server_heal(&server);
    node.mono_shift_ms += 1000; /* the backoff's end */
    while (!node_drained(&node, NULL)) {
        int64_t wait_ms = muster_client_step(node.client);
        const struct submit *submit = &node.client->submit;
        bool begun = status_now().acknowledged > 0;
        if (begun && submit->phase != SUBMIT_WAIT && node.client->queue.count > 0) {
            assert_int_equal(wait_ms, 0);
        }
        muster_client_wait(node.client, wait_ms);
    }
    assert_int_equal(server_count(&server, &server.rows_stored), BACKLOG * 10);
}

/* FAULTS.md 41, the client's side: whatever goes wrong, numbers go up by one, and every
 * row is stored once. */
static void numbers_go_up_by_one_whatever_happens(void **state)
{
    (void)state;
    static const struct server_fault faults[] = {
        {.status = 429, .code = "http.rate_limited"},
        {.status = 500, .code = "internal", .store = true},
        {.manner = ANSWER_NONE},
        {.manner = ANSWER_CUT},
        {.status = 503, .code = "unavailable", .store = true},
        {.status = 401, .code = "auth.required"},
        {.status = 507, .code = "disk_full"}};
    enum { FAULTS = sizeof faults / sizeof faults[0] };
    for (int i = 0; i < FAULTS; i++) {
        struct server_fault fault = faults[i];
        snprintf(fault.path, sizeof fault.path, "/v1/reports");
        fault.skip = i % 3;
        fault.times = 1 + i % 2;
        server_fault(&server, &fault);
    }
    node_predict(&node, 400);
    node_until(&node, node_drained, NULL);
    int64_t stream = server_report_at(&server, 0).stream;
    for (int i = 0; i < server_count(&server, &server.report_count); i++) {
        struct server_report report = server_report_at(&server, i);
        assert_int_equal(report.stream, stream);
        assert_int_equal(report.seq, i + 1);
    }
    assert_int_equal(server_count(&server, &server.rows_stored), 400);
    assert_int_equal(server.faults[FAULTS - 1].times, 0);
    assert_int_equal(status_now().rejected, 0);
}

static void a_stream_conflict_begins_a_new_stream(void **state)
{
    (void)state;
    static const char *const codes[] = {"report.stream_conflict", "report.stream_old"};
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    for (int i = 0; i < 2; i++) {
        struct server_fault fault = {.path = "/v1/reports", .times = 1, .status = 409};
        memcpy(fault.code, codes[i], strlen(codes[i]) + 1);
        server_fault(&server, &fault);
        node_predict(&node, 20);
        node_until(&node, node_drained, NULL);
        server_heal(&server);
        struct server_report before = server_report_at(&server, 2 * i);
        struct server_report after = server_report_at(&server, 2 * i + 1);
        assert_true(after.stream > before.stream);
        assert_int_equal(after.seq, 1);
        assert_int_equal(server_report_at(&server, 2 * i + 2).seq, 2);
    }
    assert_int_equal(status_now().rejected, 0);
    assert_int_equal(server_count(&server, &server.rows_stored), 50);
}

static void a_refused_report_is_set_aside_and_the_next_goes_out(void **state)
{
    (void)state;
    static const int statuses[] = {400, 403, 404, 409, 413, 415, 422};
    char rejected[FOLDER_BYTES + 16];
    snprintf(rejected, sizeof rejected, "%s/rejected", node.folder);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        uint64_t expected = 10 * (i + 1);
        server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                     .times = 1,
                                                     .status = statuses[i],
                                                     .code = "json.range"});
        node_predict(&node, 20);
        node_until(&node, has_rejected, &expected);
        node_until(&node, node_drained, NULL);
        server_heal(&server);
        assert_int_equal(folder_count(rejected), i + 1);
        assert_int_equal(server_count(&server, &server.rows_stored), expected);
    }
    assert_int_equal(acks(), 7);
}

static void an_old_number_begins_a_new_stream_for_the_next(void **state)
{
    (void)state;
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = 1,
                                                 .status = 409,
                                                 .code = "report.seq_old"});
    node_predict(&node, 20);
    node_until(&node, node_drained, NULL);
    assert_int_equal(status_now().rejected, 10);
    assert_true(server_report_at(&server, 1).stream >
                server_report_at(&server, 0).stream);
}

/* The ack log cannot be written: the batch stays, whatever the server said. */
static bool has_disk_trouble(struct node *one, void *user)
{
    (void)user;
    return node_complained(one, "io");
}

static void a_batch_never_leaves_before_the_ack_log_is_written(void **state)
{
    (void)state;
    assert_int_equal(mkdir(node.ack_log, 0700), 0);
    node_predict(&node, 10);
    node_until(&node, has_disk_trouble, NULL);
    assert_int_equal(status_now().queued, 10);
    assert_int_equal(status_now().acknowledged, 0);
    assert_int_equal(server_count(&server, &server.rows_stored), 10);
    assert_int_equal(rmdir(node.ack_log), 0);
    node_until(&node, node_drained, NULL);
    assert_int_equal(acks(), 1);
    assert_int_equal(server_report_at(&server, 0).copies, 1);
}

/* Killed after the server stored a report and before its answer came. */
static void a_killed_client_repeats_the_same_bytes(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = FOR_EVER,
                                                 .manner = ANSWER_NONE});
    node_predict(&node, 10);
    node_until(&node, (node_condition *)node_complained, (void *)(uintptr_t) "net");
    node_kill(&node);
    server_heal(&server);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.report_count), 1);
    assert_true(server_report_at(&server, 0).copies >= 2);
    assert_int_equal(status_now().rejected, 0);
    assert_int_equal(status_now().duplicates, 1);
}

static void what_waits_in_memory_survives_an_orderly_end(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = FOR_EVER,
                                                 .status = 503,
                                                 .code = "unavailable"});
    node_predict(&node, 37);
    node_close(&node);
    server_heal(&server);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.rows_stored), 37);
}

static void predictions_dropped_from_a_full_queue_are_reported(void **state)
{
    (void)state;
    node_close(&node);
    node.options.queue_bytes = 4 * 4096;
    node_open(&node);
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = FOR_EVER,
                                                 .status = 503,
                                                 .code = "unavailable"});
    node_predict(&node, 200);
    for (int i = 0; i < 200; i++) {
        muster_client_step(node.client);
    }
    uint64_t dropped = status_now().dropped;
    assert_true(dropped > 0);
    server_heal(&server);
    node_until(&node, node_drained, NULL);
    int64_t reported = 0;
    for (int i = 0; i < server_count(&server, &server.report_count); i++) {
        reported += server_report_at(&server, i).dropped;
    }
    assert_int_equal(reported, dropped);
    assert_int_equal(server_count(&server, &server.rows_stored), 200 - dropped);
}

static void an_idle_node_sends_a_heartbeat(void **state)
{
    (void)state;
    node_close(&node);
    node.options.heartbeat_ms = 20;
    node_open(&node);
    while (server_count(&server, &server.report_count) < 2) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 20 ? wait_ms : 20);
    }
    assert_int_equal(server_report_at(&server, 1).rows, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_acknowledged_batch_leaves_and_is_logged),
        TEST(a_dictionary_that_the_server_knows_packs_reports),
        TEST(a_body_that_the_server_cannot_unpack_comes_again_without_it),
        TEST(an_unauthorized_report_goes_out_again_with_a_new_session),
        TEST(only_the_token_that_was_refused_is_forgotten),
        TEST(a_session_that_is_refused_twice_waits_and_recovers),
        TEST(a_passing_error_repeats_the_same_report),
        TEST(a_broken_connection_repeats_the_same_report),
        TEST(retry_after_is_waited_for),
        TEST(a_backlog_drains_without_a_pause),
        TEST(numbers_go_up_by_one_whatever_happens),
        TEST(a_stream_conflict_begins_a_new_stream),
        TEST(a_refused_report_is_set_aside_and_the_next_goes_out),
        TEST(an_old_number_begins_a_new_stream_for_the_next),
        TEST(a_batch_never_leaves_before_the_ack_log_is_written),
        TEST(a_killed_client_repeats_the_same_bytes),
        TEST(what_waits_in_memory_survives_an_orderly_end),
        TEST(predictions_dropped_from_a_full_queue_are_reported),
        TEST(an_idle_node_sends_a_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
