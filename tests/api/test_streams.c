/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that go on, of server/http alone: the fixture sends "sss…" at once and "ppp…"
 * to all when /publish is asked. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/api/harness.h"

enum { WAIT_MS = 120000 };

static struct program server;

static void start(const char *first, const char *second)
{
    const char *argv[] = {program_path("http_fixture"), first, second, NULL};
    program_start(&server, argv, NULL);
}

static void stop(void)
{
    assert_int_equal(program_stop(&server), 0);
}

static int get(const char *target)
{
    REPLY_AUTO reply = {0};
    return http_get(server.port, target, NULL, &reply);
}

static int open_stream(const char *token, const char *target)
{
    char text[256];
    int fd = net_connect(server.port, NULL);
    (void)snprintf(text, sizeof text,
                   "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                   target, token);
    assert_true(net_send(fd, text, strlen(text)));
    return fd;
}

/* Reads until `wanted` was seen. */
static void expect(int fd, const char *wanted)
{
    BUF_AUTO data = BUF_INIT(REPLY_BYTES_MAX);
    char part[4096];
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (!data.len || !memmem(data.data, data.len, wanted, strlen(wanted))) {
        ssize_t got = recv(fd, part, sizeof part, 0);
        if (got <= 0 || clock_mono_ms() > until_ms) {
            fail_msg("'%s' did not come, but %.*s", wanted, (int)data.len, data.data);
        }
        buf_add(&data, part, (size_t)got);
    }
}

static void expect_count(int wanted)
{
    char body[32];
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    (void)snprintf(body, sizeof body, "{\"streams\":%d}", wanted);
    for (bool is_so = false; !is_so;) {
        REPLY_AUTO reply = {0};
        assert_int_equal(http_get(server.port, "/count", NULL, &reply), 200);
        is_so = strcmp(reply.answer.body, body) == 0;
        if (!is_so && clock_mono_ms() > until_ms) {
            fail_msg("%s instead of %s", reply.answer.body, body);
        }
        (void)usleep(10000);
    }
}

static void a_stream_brings_its_first_text_and_what_is_published(void **state)
{
    (void)state;
    start(NULL, NULL);
    int one = open_stream("viewer", "/stream?bytes=3");
    int other = open_stream("admin", "/stream?bytes=70000");
    expect(one, "\r\n\r\n3\r\nsss\r\n");
    expect_count(2);
    assert_int_equal(get("/publish?bytes=5"), 200);
    expect(one, "ppppp\r\n");
    expect(other, "ppppp\r\n");
    assert_int_equal(get("/publish?bytes=2"), 200);
    expect(one, "pp\r\n");
    (void)close(one);
    (void)close(other);
    stop();
}

static void a_reader_that_left_is_forgotten(void **state)
{
    (void)state;
    start(NULL, NULL);
    int fd = open_stream("viewer", "/stream");
    expect(fd, "s\r\n");
    (void)close(fd);
    for (int i = 0; i < 2; i++) { /* the first one is answered with a reset */
        assert_int_equal(get("/publish"), 200);
        (void)usleep(50000);
    }
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    for (bool gone = false; !gone && clock_mono_ms() < until_ms;) {
        REPLY_AUTO reply = {0};
        assert_int_equal(get("/publish"), 200);
        assert_int_equal(http_get(server.port, "/count", NULL, &reply), 200);
        gone = strcmp(reply.answer.body, "{\"streams\":0}") == 0;
    }
    expect_count(0);
    stop();
}

static void a_reader_that_does_not_read_is_cut(void **state)
{
    (void)state;
    start("send_timeout_ms=500", "min_bytes_per_s=1000000000");
    int fd = open_stream("viewer", "/stream?bytes=16000000");
    int quick = open_stream("viewer", "/stream");
    expect(quick, "s\r\n");
    expect_count(1);
    assert_int_equal(get("/publish?bytes=4"), 200);
    expect(quick, "pppp\r\n"); /* an idle one has no deadline */
    (void)close(fd);
    (void)close(quick);
    stop();
}

static void no_more_than_the_limit_are_open(void **state)
{
    (void)state;
    char seconds[16];
    REPLY_AUTO reply = {0};
    start("max_streams=1", NULL);
    int fd = open_stream("viewer", "/stream");
    expect(fd, "s\r\n");
    assert_int_equal(http_get(server.port, "/stream", "viewer", &reply), 503);
    assert_true(answer_header(&reply.answer, "Retry-After", seconds, sizeof seconds));
    assert_int_equal(get("/publish"), 200);
    expect(fd, "p\r\n");
    (void)close(fd);
    stop();
}

static void a_stream_without_its_right_ends(void **state)
{
    (void)state;
    start(NULL, NULL);
    int lost = open_stream("viewer", "/stream");
    int kept = open_stream("admin", "/stream");
    expect(lost, "s\r\n");
    expect(kept, "s\r\n");
    assert_int_equal(get("/check"), 200);
    expect(lost, "0\r\n\r\n");
    expect_count(1);
    assert_int_equal(get("/publish"), 200);
    expect(kept, "p\r\n");
    (void)close(lost);
    (void)close(kept);
    stop();
}

static void nobody_without_a_right_gets_a_stream(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    start(NULL, NULL);
    assert_int_equal(http_get(server.port, "/stream", NULL, &reply), 401);
    reply_release(&reply);
    assert_int_equal(http_get(server.port, "/stream", "none", &reply), 401);
    expect_count(0);
    stop();
}

/* One sleeps, one sends to somebody who does not read. */
static void the_server_stops_under_open_streams(void **state)
{
    (void)state;
    start("send_timeout_ms=1000", "min_bytes_per_s=1000000000");
    int idle = open_stream("viewer", "/stream");
    int stuck = open_stream("viewer", "/stream?bytes=16000000");
    expect(idle, "s\r\n");
    expect_count(2);
    stop();
    expect(idle, "0\r\n\r\n");
    (void)close(idle);
    (void)close(stuck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_brings_its_first_text_and_what_is_published),
        cmocka_unit_test(a_reader_that_left_is_forgotten),
        cmocka_unit_test(a_reader_that_does_not_read_is_cut),
        cmocka_unit_test(no_more_than_the_limit_are_open),
        cmocka_unit_test(a_stream_without_its_right_ends),
        cmocka_unit_test(nobody_without_a_right_gets_a_stream),
        cmocka_unit_test(the_server_stops_under_open_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
