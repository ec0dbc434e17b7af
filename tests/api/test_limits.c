/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are slow, many or rude. Deadlines are about a second here; each test shows
 * that the end comes although the client goes on, not how long it takes.
 *
 *   api_limits             against the fixture
 *   api_limits musterd     what needs no path of the fixture, against the real server */
#include "tests/api/site.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    TRICKLE_US = 50000,
    DATA_BYTES_MAX = 16 * 1024 * 1024,
    DEFAULT_SOCKETS = 1000,
    SOURCES = 8,
    CONNECTION_LIMIT = 20,
    ADDRESS_LIMIT = 5,
    PIPELINED = 100,
    FD_SOCKETS = 100,
};

static struct program server;
static struct site site;
static bool is_real; /* musterd, not the fixture */

/* "head_timeout_ms=1" as the option "--head-timeout-ms=1". */
static void write_option(const char *setting, char *ret_option, size_t size)
{
    (void)snprintf(ret_option, size, "--%s", setting);
    for (char *p = ret_option; *p; p++) {
        *p = *p == '_' ? '-' : *p;
    }
}

static void start(const char *first, const char *second)
{
    if (is_real) {
        char options[2][64];
        write_option(first, options[0], sizeof options[0]);
        write_option(second, options[1], sizeof options[1]);
        const char *given[] = {options[0], options[1], NULL};
        site_start(&site, given);
        server = site.server;
        return;
    }
    const char *argv[] = {program_path("http_fixture"), "min_bytes_per_s=10000000", first,
                          second, NULL};
    program_start(&server, argv, NULL);
}

static void stop(void)
{
    if (is_real) {
        site_stop(&site);
        return;
    }
    assert_int_equal(program_stop(&server), 0);
}

static void assert_serves(void)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(server.port, "/healthz", NULL, &reply), 200);
}

/* Whether the other side has closed or reset the connection. */
static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Sends `text` over and over, a byte at a time, until the other side closes. */
static void trickle_until_closed(int fd, const char *text)
{
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    for (size_t i = 0; clock_mono_ms() < until_ms; i = (i + 1) % strlen(text)) {
        if (!net_send(fd, text + i, 1) || is_closed(fd)) {
            (void)close(fd);
            return;
        }
        (void)usleep(TRICKLE_US);
    }
    fail_msg("a client that trickles was not cut off");
}

static void send_text(int fd, const char *text)
{
    assert_true(net_send(fd, text, strlen(text)));
}

/* The head of a request with a body, which anybody may send. */
static void send_post(int fd, const char *framing)
{
    char text[256];
    (void)snprintf(text, sizeof text,
                   "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   "%s\r\n\r\n",
                   is_real ? "/v1/enroll" : "/echo", framing);
    send_text(fd, text);
}

static void a_slow_head_is_cut_off_though_bytes_arrive(void **state)
{
    (void)state;
    start("head_timeout_ms=1000", "idle_timeout_ms=60000");
    trickle_until_closed(net_connect(server.port, NULL), "a");
    int fd = net_connect(server.port, NULL);
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    trickle_until_closed(fd, "A: b\r\n");
    fd = net_connect(server.port, NULL); /* a second head is held to it as well */
    send_text(fd, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\n");
    trickle_until_closed(fd, "A: b\r\n");
    assert_serves();
    stop();
}

static void a_tls_hello_is_cut_off(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";
    start("head_timeout_ms=1000", "idle_timeout_ms=60000");
    int fd = net_connect(server.port, NULL);
    assert_true(net_send(fd, hello, sizeof hello - 1));
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(fd, &data, HARNESS_WAIT_MS));
    (void)close(fd);
    assert_serves();
    stop();
}

static void a_slow_body_is_cut_off_though_bytes_arrive(void **state)
{
    (void)state;
    start("body_timeout_ms=1000", "idle_timeout_ms=60000");
    int fd = net_connect(server.port, NULL);
    send_post(fd, "Content-Length: 60000");
    trickle_until_closed(fd, "1");
    fd = net_connect(server.port, NULL);
    send_post(fd, "Transfer-Encoding: chunked");
    trickle_until_closed(fd, "1\r\n1\r\n");
    assert_serves();
    stop();
}

static void an_endless_chunked_body_takes_no_memory_and_ends(void **state)
{
    (void)state;
    start("body_timeout_ms=1500", "idle_timeout_ms=60000");
    int fd = net_connect(server.port, NULL);
    send_post(fd, "Transfer-Encoding: chunked");
    char chunk[8 + 4096 + 2];
    (void)snprintf(chunk, sizeof chunk, "1000\r\n%04096d\r", 1);
    chunk[4096 + 7] = '\n';
    size_t before = program_rss_bytes(&server);
    size_t sent = 0;
    size_t most = before;
    while (net_send(fd, chunk, 4096 + 8)) {
        sent += 4096;
        if (sent % (1024 * 1024) == 0) {
            size_t now = program_rss_bytes(&server);
            most = now > most ? now : most;
        }
    }
    (void)close(fd);
    assert_true(sent > 1024 * 1024); /* far over the limit of 64 KiB */
    print_message("  %zu bytes swallowed, %zu bytes more resident\n", sent,
                  most - before);
    assert_true(most - before < SANITIZER_FACTOR * (64 * 1024 + 1024 * 1024));
    assert_serves();
    stop();
}

static void a_slow_reader_is_reset(void **state)
{
    (void)state;
    start("send_timeout_ms=1000", "idle_timeout_ms=60000");
    size_t fds = program_fd_count(&server);
    int fd = net_connect(server.port, NULL);
    send_text(fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    while (program_fd_count(&server) <= fds && clock_mono_ms() < until_ms) {
        (void)usleep(TRICKLE_US);
    }
    while (program_fd_count(&server) > fds && clock_mono_ms() < until_ms) {
        (void)usleep(TRICKLE_US);
    }
    assert_true(program_fd_count(&server) <= fds); /* socket and file are given back */
    static char piece[65536];
    size_t received = 0;
    ssize_t got = recv(fd, piece, sizeof piece, 0);
    for (; got > 0; got = recv(fd, piece, sizeof piece, 0)) {
        received += (size_t)got;
    }
    assert_true(got < 0 && errno == ECONNRESET); /* the kernel does not go on sending */
    assert_true(received < 10U * 1024 * 1024);
    (void)close(fd);
    assert_serves();
    stop();
}

static void an_idle_connection_is_closed(void **state)
{
    (void)state;
    start("idle_timeout_ms=1000", "head_timeout_ms=60000");
    int fd = net_connect(server.port, NULL);
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(fd, &data, HARNESS_WAIT_MS));
    struct answer answer;
    assert_true(answer_parse(data.data, data.len, true, &answer));
    assert_int_equal(answer.status, 200);
    (void)close(fd);
    stop();
}

static void a_short_body_is_never_handled(void **state)
{
    (void)state;
    start("body_timeout_ms=1000", "idle_timeout_ms=60000");
    int fd = net_connect(server.port, NULL);
    send_post(fd, "Content-Length: 10");
    send_text(fd, "{}");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(fd, &data, HARNESS_WAIT_MS));
    assert_int_equal(data.len, 0);
    (void)close(fd);
    assert_serves();
    stop();
}

/* Sends PIPELINED requests at once and asserts as many answers, in their order. */
static void pipeline(const char *format)
{
    BUF_AUTO out = BUF_INIT(DATA_BYTES_MAX);
    for (int i = 0; i < PIPELINED; i++) {
        char body[16];
        int len = snprintf(body, sizeof body, "{\"id\":%d}", 1000 + i);
        buf_addf(&out,
                 "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 format, len, body);
    }
    buf_addstr(&out, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    int fd = net_connect(server.port, NULL);
    assert_true(net_send(fd, out.data, out.len));
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(fd, &data, HARNESS_WAIT_MS));
    (void)close(fd);
    size_t at = 0;
    struct answer answer;
    for (int i = 0; i < PIPELINED; i++) {
        assert_true(answer_parse(data.data + at, data.len - at, true, &answer));
        assert_int_equal(answer.status, 200);
        assert_int_equal(strtol(answer.body + strlen("{\"id\":"), NULL, 10), 1000 + i);
        at += answer.len;
    }
    assert_true(answer_parse(data.data + at, data.len - at, true, &answer));
}

static void a_hundred_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    start("body_timeout_ms=60000", "idle_timeout_ms=60000");
    pipeline("/echo");
    pipeline("/work");
    stop();
}

/* A connection that the server counts, as its answer shows, with another request begun.
 */
static int hold(const char *source)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = net_connect(server.port, source);
    send_text(fd, request);
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    struct answer answer;
    assert_true(net_read_answer(fd, &data, HARNESS_WAIT_MS, &answer));
    assert_int_equal(answer.status, 200);
    send_text(fd, "GET /healthz HTTP/1.1\r\n");
    return fd;
}

static void beyond_the_connection_limit_is_503_at_once(void **state)
{
    (void)state;
    start("max_connections=20", "idle_timeout_ms=60000");
    int held[CONNECTION_LIMIT];
    for (int i = 0; i < CONNECTION_LIMIT; i++) {
        held[i] = hold(NULL);
    }
    for (int i = 0; i < 2 * CONNECTION_LIMIT; i++) {
        REPLY_AUTO reply = {0};
        assert_int_equal(http_get(server.port, "/healthz", NULL, &reply), 503);
        assert_int_equal(reply.answer.len, reply.raw.len);
    }
    send_text(held[0], "Host: x\r\nConnection: close\r\n\r\n"); /* a held one is served */
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(held[0], &data, HARNESS_WAIT_MS));
    struct answer answer;
    assert_true(answer_parse(data.data, data.len, true, &answer));
    assert_int_equal(answer.status, 200);
    for (int i = 0; i < CONNECTION_LIMIT; i++) {
        (void)close(held[i]);
    }
    int status = 503;
    for (int i = 0; i < 200 && status != 200; i++) {
        REPLY_AUTO reply = {0};
        status = http_get(server.port, "/healthz", NULL, &reply);
    }
    assert_int_equal(status, 200);
    stop();
}

static void an_address_has_a_limit_of_its_own(void **state)
{
    (void)state;
    start("max_connections_per_address=5", "idle_timeout_ms=60000");
    int held[ADDRESS_LIMIT];
    for (int i = 0; i < ADDRESS_LIMIT; i++) {
        held[i] = hold("127.0.0.2");
    }
    int fd = net_connect(server.port, "127.0.0.2");
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(fd, &data, HARNESS_WAIT_MS));
    struct answer answer;
    assert_true(answer_parse(data.data, data.len, true, &answer));
    assert_int_equal(answer.status, 503);
    (void)close(fd);
    assert_serves(); /* another address is not hit */
    for (int i = 0; i < ADDRESS_LIMIT; i++) {
        (void)close(held[i]);
    }
    stop();
}

static void a_reset_in_mid_answer_is_survived(void **state)
{
    (void)state;
    start("send_timeout_ms=60000", "idle_timeout_ms=60000");
    size_t fds = program_fd_count(&server);
    for (int i = 0; i < 50; i++) {
        int fd = net_connect(server.port, NULL);
        send_text(fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        char some[4096];
        assert_true(recv(fd, some, sizeof some, 0) > 0);
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        (void)close(fd);
    }
    assert_serves();
    for (int i = 0; i < 200 && program_fd_count(&server) > fds; i++) {
        (void)usleep(TRICKLE_US);
    }
    assert_true(program_fd_count(&server) <= fds);
    stop();
}

/* The server inherits it. */
static void raise_file_limit(void)
{
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static int socket_count(void)
{
    const char *text = getenv("MUSTER_SOCKETS");
    return text ? (int)strtol(text, NULL, 10) : DEFAULT_SOCKETS;
}

static void idle_sockets_harm_nobody_and_are_closed(void **state)
{
    (void)state;
    int count = socket_count();
    raise_file_limit();
    start("idle_timeout_ms=3000", "max_connections=15000");
    size_t before = program_socket_count(&server);
    int *sockets = calloc((size_t)count, sizeof *sockets);
    assert_non_null(sockets);
    for (int i = 0; i < count; i++) {
        char source[16];
        (void)snprintf(source, sizeof source, "127.0.0.%d", 2 + i % SOURCES);
        sockets[i] = net_connect(server.port, source);
        send_text(sockets[i], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 20; i++) {
        assert_serves();
    }
    for (int i = 0; i < count; i++) {
        BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
        assert_true(net_read(sockets[i], &data, HARNESS_WAIT_MS));
        struct answer answer;
        assert_true(answer_parse(data.data, data.len, true, &answer));
        assert_int_equal(answer.status, 200);
        (void)close(sockets[i]);
    }
    free(sockets);
    assert_serves();
    for (int i = 0; i < 200 && program_socket_count(&server) > before; i++) {
        (void)usleep(TRICKLE_US);
    }
    assert_true(program_socket_count(&server) <= before);
    stop();
}

/* Ticks of CPU time that the server has used. */
static long cpu_ticks(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)server.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    long user = 0;
    long system = 0;
    assert_int_equal(fscanf(file,
                            "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                            "%ld %ld",
                            &user, &system),
                     2);
    (void)fclose(file);
    return user + system;
}

static void few_file_descriptors_lead_to_503_not_to_a_hang(void **state)
{
    (void)state;
    char command[1200];
    if (is_real) {
        site_start(&site, NULL);
        assert_int_equal(program_stop(&site.server), 0);
    }
    (void)snprintf(command, sizeof command, "ulimit -n 120; exec %s %s%s %s",
                   program_path(is_real ? "musterd" : "http_fixture"),
                   is_real ? "--data " : "", is_real ? site.data : "",
                   is_real ? "--listen 127.0.0.1:0" : "");
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    program_start(&server, argv, NULL);
    site.server = server;
    int held[FD_SOCKETS];
    for (int i = 0; i < FD_SOCKETS; i++) {
        held[i] = net_connect(server.port, NULL);
    }
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(held[FD_SOCKETS - 1], &data, HARNESS_WAIT_MS));
    struct answer answer;
    assert_true(answer_parse(data.data, data.len, true, &answer));
    assert_int_equal(answer.status, 503);
    long before = cpu_ticks();
    (void)sleep(1);
    print_message("  %ld of 100 ticks used meanwhile\n", cpu_ticks() - before);
    assert_true(cpu_ticks() - before < 20);
    for (int i = 0; i < FD_SOCKETS; i++) {
        (void)close(held[i]);
    }
    int status = 503;
    for (int i = 0; i < 200 && status != 200; i++) {
        REPLY_AUTO reply = {0};
        status = http_get(server.port, "/healthz", NULL, &reply);
    }
    assert_int_equal(status, 200);
    stop();
}

static void a_stop_finishes_what_is_in_flight(void **state)
{
    (void)state;
    start("body_timeout_ms=60000", "idle_timeout_ms=60000");
    int idle = net_connect(server.port, NULL);
    send_text(idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    int busy = net_connect(server.port, NULL);
    send_text(busy, "GET /items/7?pause=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)usleep(200000);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    BUF_AUTO data = BUF_INIT(DATA_BYTES_MAX);
    assert_true(net_read(busy, &data, HARNESS_WAIT_MS));
    struct answer answer;
    assert_true(answer_parse(data.data, data.len, true, &answer));
    assert_int_equal(answer.status, 200);
    char value[32] = "";
    assert_true(answer_header(&answer, "Connection", value, sizeof value));
    assert_string_equal(value, "close");
    (void)close(busy);
    (void)close(idle);
    stop();
}

int main(int argc, char **argv)
{
    is_real = argc > 1 && strcmp(argv[1], "musterd") == 0;
    const struct CMUnitTest real_tests[] = {
        cmocka_unit_test(a_slow_head_is_cut_off_though_bytes_arrive),
        cmocka_unit_test(a_slow_body_is_cut_off_though_bytes_arrive),
        cmocka_unit_test(an_endless_chunked_body_takes_no_memory_and_ends),
        cmocka_unit_test(a_short_body_is_never_handled),
        cmocka_unit_test(beyond_the_connection_limit_is_503_at_once),
        cmocka_unit_test(an_address_has_a_limit_of_its_own),
        cmocka_unit_test(idle_sockets_harm_nobody_and_are_closed),
        cmocka_unit_test(few_file_descriptors_lead_to_503_not_to_a_hang),
    };
    if (is_real) {
        return cmocka_run_group_tests_name("limits of musterd", real_tests, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_head_is_cut_off_though_bytes_arrive),
        cmocka_unit_test(a_tls_hello_is_cut_off),
        cmocka_unit_test(a_slow_body_is_cut_off_though_bytes_arrive),
        cmocka_unit_test(an_endless_chunked_body_takes_no_memory_and_ends),
        cmocka_unit_test(a_slow_reader_is_reset),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_short_body_is_never_handled),
        cmocka_unit_test(a_hundred_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(beyond_the_connection_limit_is_503_at_once),
        cmocka_unit_test(an_address_has_a_limit_of_its_own),
        cmocka_unit_test(a_reset_in_mid_answer_is_survived),
        cmocka_unit_test(idle_sockets_harm_nobody_and_are_closed),
        cmocka_unit_test(few_file_descriptors_lead_to_503_not_to_a_hang),
        cmocka_unit_test(a_stop_finishes_what_is_in_flight),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
