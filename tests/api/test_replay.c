/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that come twice, late, out of order or with a clock that is wrong, on either
 * side. The server's clock is libfaketime's (Debian's faketime), read from a file at each
 * call; it leaves the monotonic clock alone, as a jump of the wall clock does. */
#include "tests/api/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static const char FAKETIME[] = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
static const int64_t HOUR_MS = 3600000;

static struct site site;
static struct site_node node;

static int set_up(void **state)
{
    (void)state;
    site_start(&site, NULL);
    site_node(&site, "a", &node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

/* A report of one row whose time is the text `at`. */
static int send(int64_t stream, int64_t seq, int class_index, const char *at,
                struct reply *reply)
{
    char body[512];
    (void)snprintf(
        body, sizeof body,
        "{\"stream\":%" PRId64 ",\"seq\":%" PRId64
        ",\"sent_ms\":1,\"model\":\"m\",\"artifact\":\"%064d\",\"predictions\":"
        "{\"at_ms\":[%s],\"class\":[%d],\"confidence\":[0.5],"
        "\"latency_us\":[9]}}",
        stream, seq, 5, at, class_index);
    return site_call(&site, "POST", "/v1/reports", node.session, body, reply);
}

static int64_t number(const struct reply *reply, const char *name)
{
    char text[32];
    reply_member(reply, name, text, sizeof text);
    return strtoll(text, NULL, 10);
}

/* Sends; it must be stored, or known already. Returns its first id. */
static int64_t stored(int64_t stream, int64_t seq, int class_index, bool is_duplicate)
{
    REPLY_AUTO reply = {0};
    char duplicate[8];
    assert_int_equal(send(stream, seq, class_index, "1", &reply), 200);
    reply_member(&reply, "duplicate", duplicate, sizeof duplicate);
    assert_string_equal(duplicate, is_duplicate ? "true" : "false");
    return number(&reply, "first_id");
}

static void refused(int64_t stream, int64_t seq, int class_index, const char *code)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(send(stream, seq, class_index, "1", &reply), 409);
    assert_true(reply_has_code(&reply, code));
}

static void assert_rows(const char *statement, const char *expected)
{
    BUF_AUTO found = BUF_INIT(4096);
    site_sql(&site, statement, &found);
    assert_non_null(found.data);
    assert_string_equal(found.data, expected);
}

/* docs/TESTING.md, faults 36 and 41. */
static void a_report_counts_once_in_whatever_order(void **state)
{
    static const int64_t order[] = {5, 3, 1, 2, 16, 4};
    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        int64_t id = stored(1, order[i], 1, false);
        assert_int_equal(stored(1, order[i], 1, true), id);
        refused(1, order[i], 2, "report.stream_conflict");
    }
    (void)stored(1, 17, 1, false);
    refused(1, 1, 1, "report.seq_old");
    for (int64_t stream = 2; stream <= 5; stream++) {
        (void)stored(stream, 1, 1, false);
    }
    refused(1, 17, 1, "report.stream_old");
    assert_rows("SELECT count(*), count(DISTINCT stream || ' ' || seq) FROM report",
                "11|11\n");
    assert_rows("SELECT count(*), (SELECT sum(n) FROM class_quarter) FROM prediction",
                "11|11\n");
}

static void set_faketime(const char *offset)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/clock", site.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "%s\n", offset);
    assert_int_equal(fclose(file), 0);
}

/* Starts again with a clock that set_faketime moves. */
static void restart_with_faketime(const char *offset)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/clock", site.folder);
    set_faketime(offset);
    assert_int_equal(program_stop(&site.server), 0);
    assert_int_equal(setenv("LD_PRELOAD", FAKETIME, 1), 0);
    assert_int_equal(setenv("FAKETIME_TIMESTAMP_FILE", path, 1), 0);
    assert_int_equal(setenv("FAKETIME_NO_CACHE", "1", 1), 0);
    assert_int_equal(setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1), 0);
    site_restart(&site, NULL);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
}

static void need_faketime(void)
{
    if (SANITIZER_FACTOR > 1 || access(FAKETIME, R_OK) != 0) {
        print_message("without libfaketime, or with sanitizers: not tried\n");
        skip();
    }
}

/* Fault 37. */
static void a_replay_a_day_and_a_restart_later_is_known(void **state)
{
    (void)state;
    need_faketime();
    int64_t id = stored(1, 1, 1, false);
    restart_with_faketime("+25h");
    REPLY_AUTO reply = {0};
    assert_int_equal(send(1, 1, 1, "1", &reply), 401); /* the session is over */
    assert_int_equal(node_session(&site, &node, 25 * HOUR_MS, NULL), 200);
    assert_int_equal(stored(1, 1, 1, true), id);
    (void)stored(1, 18, 1, false);
    refused(1, 1, 1, "report.seq_old");
    assert_rows("SELECT count(*), (SELECT sum(n) FROM class_quarter) FROM prediction",
                "2|2\n");
}

/* Faults 38 and 39. */
static void implausible_times_are_stored_and_counted_at_receipt(void **state)
{
    static const char *const times[] = {"0",
                                        "-1",
                                        "-62135596800000",      /* year 1 */
                                        "4102444800000",        /* 2100 */
                                        "253402300799999",      /* year 9999 */
                                        "9223372036854775807",  /* 2^63 - 1 */
                                        "-9223372036854775808", /* -2^63 */
                                        NULL};
    (void)state;
    REPLY_AUTO reply = {0};
    int64_t seq = 0;
    for (size_t i = 0; times[i]; i++) {
        assert_int_equal(send(1, ++seq, 1, times[i], &reply), 200);
    }
    assert_rows("SELECT sum(plausible), sum(counted_ms = received_ms), count(*)"
                " FROM v_predictions",
                "0|7|7\n");
    /* An hour ahead is implausible; seven days behind is a backlog and counted there. */
    char at[32];
    int64_t now_ms = clock_wall_ms();
    (void)snprintf(at, sizeof at, "%" PRId64, now_ms + HOUR_MS);
    assert_int_equal(send(1, ++seq, 1, at, &reply), 200);
    (void)snprintf(at, sizeof at, "%" PRId64, now_ms - 7 * 24 * HOUR_MS);
    assert_int_equal(send(1, ++seq, 1, at, &reply), 200);
    assert_rows("SELECT sum(plausible), sum(counted_ms = at_ms), count(*)"
                " FROM v_predictions",
                "1|1|9\n");
    assert_rows("SELECT (SELECT sum(implausible) FROM node_hour),"
                " (SELECT sum(n) FROM class_quarter)",
                "8|9\n");
    static const char *const broken[] = {"9223372036854775808", "1.5", "\"1\"", "null"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_int_equal(send(1, ++seq, 1, broken[i], &reply), 422);
    }
    assert_rows("SELECT count(*) FROM prediction", "9\n");
}

/* Fault 40. A connection that was open before is not taken for an idle one. */
static void the_servers_clock_may_jump(void **state)
{
    static const struct {
        const char *offset;
        int64_t ms;
    } jumps[] = {{"-1h", -3600000}, {"+24h", 86400000}, {"+0", 0}};
    (void)state;
    need_faketime();
    restart_with_faketime("+0");
    int fd = net_connect(site.server.port, NULL);
    int64_t id = stored(1, 1, 1, false);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        set_faketime(jumps[i].offset);
        /* A node gets in with the time that the server tells. */
        REPLY_AUTO reply = {0};
        if (node_session(&site, &node, 0, &reply) != 200) {
            assert_true(reply_has_code(&reply, "session.clock"));
            int64_t server_ms = number(&reply, "server_ms");
            assert_int_equal(
                node_session(&site, &node, server_ms - clock_wall_ms(), NULL), 200);
        }
        int64_t next = stored(1, 2 + (int64_t)i, 1, false);
        assert_true(next > id);
        /* Neither a day ahead nor an hour back: ids follow the wall clock slowly. */
        assert_true((next >> 12) - (id >> 12) < HOUR_MS);
        id = next;
    }
    static const char get[] =
        "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    BUF_AUTO answer = BUF_INIT(65536);
    assert_true(net_send(fd, get, sizeof get - 1));
    assert_true(net_read(fd, &answer, HARNESS_WAIT_MS));
    (void)close(fd);
    assert_non_null(answer.data);
    assert_memory_equal(answer.data, "HTTP/1.1 200", 12);
    assert_rows("SELECT count(*) FROM prediction", "4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_counts_once_in_whatever_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_replay_a_day_and_a_restart_later_is_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            implausible_times_are_stored_and_counted_at_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_servers_clock_may_jump, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
