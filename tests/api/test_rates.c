/* SPDX-License-Identifier: Apache-2.0 */
/* What a node or an address may send, against the real musterd: bursts are allowed, the
 * rest is answered 429 or 503 with Retry-After, and nobody else notices. The rates are so
 * low that no token comes back while a test runs. */
#include "tests/api/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BURST = 5, IN_FLIGHT = 3, KIB = 1024, PUBLIC_BODIES = 2, TEXT_MAX = 1024 };

static struct site site;
static struct site_node greedy, polite;

static void start(const char *first, const char *second)
{
    const char *options[] = {first, second, "--metrics-listen", "127.0.0.1:0", NULL};
    site_start(&site, options);
    site_node(&site, "greedy", &greedy);
    site_node(&site, "polite", &polite);
}

/* A report without rows; the status, and the seconds of Retry-After (0: none). */
static int send_report(const struct site_node *node, int64_t seq, unsigned *ret_retry_s,
                       struct reply *reply)
{
    char body[TEXT_MAX];
    char seconds[16] = "0";
    (void)snprintf(body, sizeof body,
                   "{\"stream\":1,\"seq\":%lld,\"sent_ms\":%lld,\"model\":\"fashion\","
                   "\"artifact\":\"%064d\",\"predictions\":[]}",
                   (long long)seq, (long long)clock_wall_ms(), 1);
    int status = http_post(site.server.port, "/v1/reports", node->session, body, reply);
    (void)answer_header(&reply->answer, "Retry-After", seconds, sizeof seconds);
    *ret_retry_s = (unsigned)strtoul(seconds, NULL, 10);
    return status;
}

/* The value of a metric's line. */
static long metric(const char *name)
{
    REPLY_AUTO reply = {0};
    char line[TEXT_MAX];
    assert_int_equal(http_get(site.server.metrics_port, "/metrics", NULL, &reply), 200);
    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(reply.answer.body, line);
    assert_non_null(at);
    return strtol(at + strlen(line), NULL, 10);
}

static void a_node_has_a_burst_and_then_its_rate(void **state)
{
    (void)state;
    start("--node-reports-per-s=1", "--node-burst=5");
    REPLY_AUTO reply = {0};
    unsigned retry_s = 0;
    int64_t seq = 0;
    int64_t began_ms = clock_mono_ms();
    int status = 200;
    while (status == 200) {
        status = send_report(&greedy, ++seq, &retry_s, &reply);
    }
    int64_t tokens = BURST + (clock_mono_ms() - began_ms) / 1000 + 1;
    assert_int_equal(status, 429);
    assert_in_range(seq, BURST + 1, tokens + 1); /* a slow machine earns more */
    assert_true(reply_has_code(&reply, "http.rate_limited"));
    assert_in_range(retry_s, 1, 4);
    assert_true(metric("muster_http_limited_by_node_total") >= 1);
    assert_int_equal(metric("muster_reports_total"), seq - 1);
    /* Its polls and the other node's reports go on. */
    assert_int_equal(http_get(site.server.port, "/v1/assignment", greedy.session, &reply),
                     200);
    for (int64_t i = 1; i <= BURST; i++) {
        assert_int_equal(send_report(&polite, i, &retry_s, &reply), 200);
    }
    site_stop(&site);
}

/* The head of a report of which the body is still to come, on a connection of its own. */
static int begin_report(const struct site_node *node)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n",
                   node->session);
    int fd = net_connect(site.server.port, NULL);
    assert_true(net_send(fd, text, strlen(text)));
    return fd;
}

/* Until the server has from `low` to `high` requests in its hands. */
static void wait_in_flight(long low, long high)
{
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    long count = metric("muster_http_in_flight");
    while ((count < low || count > high) && clock_mono_ms() < until_ms) {
        (void)usleep(1000);
        count = metric("muster_http_in_flight");
    }
}

static void a_node_has_so_many_requests_at_once_however_many_connections(void **state)
{
    (void)state;
    start("--node-in-flight=3", "--body-timeout-ms=60000");
    REPLY_AUTO reply = {0};
    unsigned retry_s = 0;
    int held[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) {
        held[i] = begin_report(&greedy);
    }
    wait_in_flight(IN_FLIGHT, IN_FLIGHT);
    assert_int_equal(send_report(&greedy, 1, &retry_s, &reply), 429);
    assert_true(reply_has_code(&reply, "http.rate_limited"));
    assert_in_range(retry_s, 1, 2);
    assert_int_equal(send_report(&polite, 1, &retry_s, &reply), 200);
    assert_true(net_send(held[0], "{}", 2)); /* one ends, with 422 */
    char byte;
    assert_int_equal(read(held[0], &byte, 1), 1);
    wait_in_flight(0, IN_FLIGHT - 1); /* the answer goes out before the server is done */
    assert_int_equal(send_report(&greedy, 1, &retry_s, &reply), 200);
    for (int i = 0; i < IN_FLIGHT; i++) {
        (void)close(held[i]);
    }
    site_stop(&site);
}

static int get_from(const char *source, struct reply *reply)
{
    struct call call = {.target = "/healthz", .source = source};
    return http_send(site.server.port, &call, reply);
}

static void an_address_has_a_burst_and_then_its_rate(void **state)
{
    (void)state;
    start("--address-requests-per-s=1", "--address-burst=50");
    REPLY_AUTO reply = {0};
    char seconds[16] = "";
    int answered = 0;
    int64_t began_ms = clock_mono_ms();
    while (get_from("127.0.0.7", &reply) == 200) {
        answered++;
    }
    int64_t tokens = 50 + (clock_mono_ms() - began_ms) / 1000 + 1;
    assert_in_range(answered, 50, tokens);
    assert_int_equal(reply.answer.status, 429);
    assert_true(reply_has_code(&reply, "http.rate_limited"));
    assert_true(answer_header(&reply.answer, "Retry-After", seconds, sizeof seconds));
    assert_in_range(strtoul(seconds, NULL, 10), 1, 4);
    assert_int_equal(get_from("127.0.0.8", &reply), 200);
    assert_true(metric("muster_http_limited_by_address_total") >= 1);
    site_stop(&site);
}

/* The head of a body without credentials that fills half of what an address may take. */
static int begin_public(const char *source)
{
    static const char text[] = "POST /v1/session HTTP/1.1\r\nHost: x\r\n"
                               "Content-Type: application/json\r\n"
                               "Content-Length: 65536\r\n\r\n";
    int fd = net_connect(site.server.port, source);
    assert_true(net_send(fd, text, strlen(text)));
    return fd;
}

static void bodies_without_credentials_do_not_take_the_memory_of_reports(void **state)
{
    (void)state;
    /* Of 1 MiB they get 512 KiB, the least, and an address 128 KiB of that. */
    start("--bodies-bytes=1048576", "--body-timeout-ms=60000");
    static const char *const sources[] = {"127.0.0.11", "127.0.0.12", "127.0.0.13",
                                          "127.0.0.14"};
    enum { SOURCES = sizeof sources / sizeof sources[0] };
    int held[SOURCES * PUBLIC_BODIES];
    REPLY_AUTO reply = {0};
    char body[] = "{\"node_id\":1}";
    struct call call = {
        .method = "POST", .target = "/v1/session", .source = sources[0], .body = body};
    for (int i = 0; i < PUBLIC_BODIES; i++) {
        held[i] = begin_public(sources[0]);
    }
    wait_in_flight(PUBLIC_BODIES, PUBLIC_BODIES);
    assert_int_equal(http_send(site.server.port, &call, &reply), 503);
    assert_true(reply_has_code(&reply, "unavailable"));
    char seconds[16] = "";
    assert_true(answer_header(&reply.answer, "Retry-After", seconds, sizeof seconds));
    assert_true(strtoul(seconds, NULL, 10) >= 1);
    call.source = sources[1];
    assert_int_equal(http_send(site.server.port, &call, &reply), 422);
    for (int i = PUBLIC_BODIES; i < SOURCES * PUBLIC_BODIES; i++) {
        held[i] = begin_public(sources[i / PUBLIC_BODIES]);
    }
    wait_in_flight((long)SOURCES * PUBLIC_BODIES, (long)SOURCES * PUBLIC_BODIES);
    call.source = "127.0.0.15"; /* all of it is taken now, but none of the reports' */
    assert_int_equal(http_send(site.server.port, &call, &reply), 503);
    unsigned retry_s = 0;
    assert_int_equal(send_report(&polite, 1, &retry_s, &reply), 200);
    assert_int_equal(metric("muster_http_overloaded_total"), 2);
    for (int i = 0; i < SOURCES * PUBLIC_BODIES; i++) {
        (void)close(held[i]);
    }
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_has_a_burst_and_then_its_rate),
        cmocka_unit_test(a_node_has_so_many_requests_at_once_however_many_connections),
        cmocka_unit_test(an_address_has_a_burst_and_then_its_rate),
        cmocka_unit_test(bodies_without_credentials_do_not_take_the_memory_of_reports),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
