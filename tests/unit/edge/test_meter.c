/* SPDX-License-Identifier: Apache-2.0 */
/* Metered links: hours, bytes a day and bytes a second, in the meter and on a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "edge/client_state.h"
#include "edge/meter.h"
#include "tests/unit/edge/fixture_node.h"

enum { HOUR_S = 3600, DAY_S = 86400, BUDGET = 100000, RATE = 10 };

static struct server server;
static struct repository repository;
static struct node node;

/* A node that has no model yet; 1.0.0 is published and assigned. */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository.life_ms = INT64_C(1000) * 86400000;
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

static void until_complaint(const char *code)
{
    node_until(&node, node_complained, (void *)(uintptr_t)code);
}

static bool nothing_is_asked(struct node *same, void *user)
{
    const struct muster_client *client = same->client;
    (void)user;
    return !client->poll.call && !client->poll.watch && !client->submit.call &&
           !client->session.call;
}

/* Time goes on everywhere, and nobody waits for it. An answer that was under way all the
 * while would tell a time that is off by half of it. */
static void pass_time(int64_t seconds)
{
    if (node.client) {
        node_until(&node, nothing_is_asked, NULL);
    }
    pthread_mutex_lock(&server.lock);
    server.clock_ms += seconds * 1000;
    pthread_mutex_unlock(&server.lock);
    node.mono_shift_ms += seconds * 1000;
    node.wall_shift_ms += seconds * 1000;
}

static int fetches(void)
{
    return server_count(&server, &server.fetch_count);
}

static bool polled_on(struct node *same, void *user)
{
    (void)same;
    return server_count(&server, &server.polls) >= *(int *)user;
}

static void until_polls(int more)
{
    int polls = server_count(&server, &server.polls) + more;
    node_until(&node, polled_on, &polls);
}

static const char *state_of_node(void)
{
    static struct muster_client_status status;
    muster_client_status(node.client, &status);
    return status.state;
}

static int times_said(const char *line)
{
    int count = 0;
    for (const char *at = node.messages; (at = strstr(at, line)) != NULL; at++) {
        count++;
    }
    return count;
}

/* The hours from `from_s` to `to_s` after now, of a device in UTC. */
static void hours_from_now(int64_t from_s, int64_t to_s, char text[static 16])
{
    struct tm from, to;
    time_t from_at = (time_t)(clock_wall_ms() / 1000 + from_s);
    time_t to_at = (time_t)(clock_wall_ms() / 1000 + to_s);
    gmtime_r(&from_at, &from);
    gmtime_r(&to_at, &to);
    snprintf(text, 16, "%02u:%02u-%02u:%02u", (unsigned)from.tm_hour % 24,
             (unsigned)from.tm_min % 60, (unsigned)to.tm_hour % 24,
             (unsigned)to.tm_min % 60);
}

static void outside_its_hours_a_node_waits_and_says_so_once(void **state)
{
    (void)state;
    char hours[16];
    hours_from_now(2 * HOUR_S, 4 * HOUR_S, hours);
    node.options.download_window = hours;
    node_open(&node);
    until_complaint("download.window");
    until_polls(5);
    assert_int_equal(fetches(), 0);
    assert_string_equal(state_of_node(), "ok");
    pass_time(3 * HOUR_S);
    until_model();
    assert_int_equal(server_fetch_at(&server, fetches() - 1).status, 200);
    assert_int_equal(times_said("download.window\n"), 1);
    assert_true(node_complained(&node, "ok"));
}

static int64_t partial_size(void)
{
    struct stat info;
    char path[FOLDER_BYTES * 2];
    if (fetches() == 0) {
        return 0;
    }
    snprintf(path, sizeof path, "%s/partial/%.64s", node.folder,
             strrchr(server_fetch_at(&server, 0).path, '/') + 1);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

static bool has_part(struct node *same, void *user)
{
    (void)same;
    return partial_size() >= *(int64_t *)user;
}

static void a_download_ends_with_its_hours_and_goes_on_in_the_next(void **state)
{
    (void)state;
    char hours[16];
    int64_t part = 50000;
    hours_from_now(-HOUR_S, HOUR_S, hours);
    node.options.download_window = hours;
    server_fault(&server, &(struct server_fault){.path = "/tuf/targets/",
                                                 .times = 1,
                                                 .manner = ANSWER_STALL,
                                                 .part = (size_t)part});
    node_open(&node);
    node_until(&node, has_part, &part);
    pass_time(2 * HOUR_S);
    until_complaint("download.window");
    pass_time(22 * HOUR_S);
    until_model();
    int last = fetches() - 1;
    for (int i = 1; i < last; i++) { /* the session of the day before */
        assert_int_equal(server_fetch_at(&server, i).status, 401);
    }
    assert_int_equal(server_fetch_at(&server, last).status, 206);
    assert_string_equal(server_fetch_at(&server, last).range, "bytes=50000-");
}

/* Over kills too: what was taken that day is on disk. */
static void a_day_brings_its_budget_and_no_byte_more(void **state)
{
    (void)state;
    node.options.download_budget = BUDGET;
    int64_t size = 0, days = 0;
    for (bool has = false; !has; days++) {
        node_open(&node);
        int before = fetches();
        while (!(has = node_has_model(&node, (void *)(uintptr_t)fixture_model(0))) &&
               !node_complained(&node, "download.budget")) {
            int64_t wait_ms = muster_client_step(node.client);
            muster_client_wait(node.client, wait_ms < 20 ? wait_ms : 20);
        }
        int64_t taken = 0;
        for (int i = before; i < fetches(); i++) {
            taken += (int64_t)server_fetch_at(&server, i).bytes;
        }
        assert_true(taken <= BUDGET && (has || taken == BUDGET));
        size += taken;
        node_kill(&node);
        node.messages[0] = '\0';
        node_open(&node);
        if (!has) {
            until_complaint("download.budget");
            until_polls(2);
        }
        assert_int_equal(fetches(), before + (taken > 0));
        node_close(&node);
        node.messages[0] = '\0';
        pass_time(DAY_S);
    }
    assert_int_equal(days, (size + BUDGET - 1) / BUDGET);
}

/* With 10 bytes a second a piece of 16 KiB comes every half an hour. */
static void a_rate_spreads_a_download_over_time(void **state)
{
    (void)state;
    node.options.download_rate = RATE;
    node_open(&node);
    until_polls(5);
    assert_true(partial_size() <= 32 * 1024);
    int jumps = 0;
    for (; !node_has_model(&node, (void *)(uintptr_t)fixture_model(0)); jumps++) {
        assert_true(jumps < 1000);
        pass_time(HOUR_S / 2);
        until_polls(1);
    }
    assert_true(jumps > 10);
    assert_true(fetches() > 10);
}

static void a_program_forbids_downloads_and_allows_them(void **state)
{
    (void)state;
    int64_t part = 50000;
    server_fault(&server, &(struct server_fault){.path = "/tuf/targets/",
                                                 .times = 1,
                                                 .manner = ANSWER_STALL,
                                                 .part = (size_t)part});
    node_open(&node);
    node_until(&node, has_part, &part);
    muster_client_allow_downloads(node.client, false);
    until_complaint("download.held");
    until_polls(3);
    assert_int_equal(fetches(), 1);
    muster_client_allow_downloads(node.client, true);
    until_model();
    assert_string_equal(server_fetch_at(&server, 1).range, "bytes=50000-");
}

/* The meter itself */

static struct timebase timebase;
static struct edge_env env;
static int64_t now_ms;

static int64_t fake_mono(void *user)
{
    (void)user;
    return now_ms;
}

/* A meter whose node knows the time: `at_s` after the begin of a day, in UTC. */
static void make_meter(struct meter *meter, const struct meter_limits *limits,
                       int64_t at_s)
{
    env = (struct edge_env){.clock = {.mono_ms = fake_mono, .wall_ms = fake_mono}};
    timebase = (struct timebase){.known = true};
    now_ms = (INT64_C(20000) * DAY_S + at_s) * 1000;
    *meter = (struct meter){.env = &env, .timebase = &timebase, .limits = *limits};
    assert_int_equal(meter_open(meter, node.folder, NULL), OK);
}

static void hours_are_two_times_of_a_day(void **state)
{
    (void)state;
    struct meter_limits limits = {0};
    static const char *const wrong[] = {"",
                                        "01:00",
                                        "1:00-02:00",
                                        "01:00-24:00",
                                        "01:60-02:00",
                                        "01:00-01:00",
                                        "01:00 02:00",
                                        "01:00-02:00 ",
                                        "-1:00-02:00",
                                        "01:00-02:0x",
                                        "01:-1-02:00",
                                        "0x:00-02:00",
                                        "01: 0-02:00",
                                        "01:00-+2:00"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(meter_hours_parse(wrong[i], &limits));
        assert_false(limits.hours);
    }
    assert_true(meter_hours_parse("22:30-05:59", &limits));
    assert_true(limits.hours);
    assert_int_equal(limits.from_min, 22 * 60 + 30);
    assert_int_equal(limits.to_min, 5 * 60 + 59);
}

static void hours_may_go_over_midnight(void **state)
{
    (void)state;
    struct meter meter;
    struct meter_limits limits = {0};
    assert_true(meter_hours_parse("22:30-05:00", &limits));
    static const struct {
        int64_t at_s;
        enum status status;
    } cases[] = {{22 * HOUR_S + 29 * 60 + 59, ERR_DOWNLOAD_WINDOW},
                 {22 * HOUR_S + 30 * 60, OK},
                 {0, OK},
                 {5 * HOUR_S - 1, OK},
                 {5 * HOUR_S, ERR_DOWNLOAD_WINDOW},
                 {12 * HOUR_S, ERR_DOWNLOAD_WINDOW}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_meter(&meter, &limits, cases[i].at_s);
        assert_int_equal(meter_gate(&meter, 1000, NULL), cases[i].status);
    }
}

static void hours_are_those_of_the_devices_time_zone(void **state)
{
    (void)state;
    struct meter meter;
    struct meter_limits limits = {0};
    assert_true(meter_hours_parse("01:00-02:00", &limits));
    setenv("TZ", "UTC-3", 1); /* three hours before UTC's clock */
    tzset();
    make_meter(&meter, &limits, 22 * HOUR_S + 30 * 60);
    enum status inside = meter_gate(&meter, 1000, NULL);
    make_meter(&meter, &limits, HOUR_S + 30 * 60);
    enum status outside = meter_gate(&meter, 1000, NULL);
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(inside, OK);
    assert_int_equal(outside, ERR_DOWNLOAD_WINDOW);
}

/* A kill costs what was written down and not taken, and never the reverse. */
static void what_is_taken_was_written_down_before(void **state)
{
    (void)state;
    struct meter meter, after;
    struct meter_limits limits = {.budget = 1000000};
    make_meter(&meter, &limits, 0);
    assert_int_equal(meter_gate(&meter, 500000, NULL), OK);
    assert_true(meter_is_held(&meter));
    assert_int_equal(meter_reserve(&meter, NULL), OK);
    assert_false(meter_is_held(&meter));
    meter_count(&meter, 262143);
    assert_false(meter_is_held(&meter));
    meter_count(&meter, 1);
    assert_true(meter_is_held(&meter));
    make_meter(&after, &limits, 1);
    assert_int_equal(after.taken, 262144);
    assert_int_equal(meter_reserve(&meter, NULL), OK);
    meter_count(&meter, 10);
    make_meter(&after, &limits, 1);
    assert_int_equal(after.taken, 524288);
    assert_int_equal(meter_settle(&meter, NULL), OK);
    make_meter(&after, &limits, 1);
    assert_int_equal(after.taken, 262154);
    assert_int_equal(meter_most(&after, 900000), 1000000 - 262154);
}

static void a_new_day_has_a_new_budget(void **state)
{
    (void)state;
    struct meter meter;
    struct meter_limits limits = {.budget = 100000};
    make_meter(&meter, &limits, DAY_S - 1);
    assert_int_equal(meter_gate(&meter, 200000, NULL), OK);
    meter_count(&meter, 100000);
    assert_int_equal(meter_gate(&meter, 100000, NULL), ERR_DOWNLOAD_BUDGET);
    now_ms += 1000;
    assert_int_equal(meter_gate(&meter, 100000, NULL), OK);
    assert_int_equal(meter_most(&meter, 200000), 100000);
}

static void a_rate_allows_so_many_bytes_a_second(void **state)
{
    (void)state;
    struct meter meter;
    struct meter_limits limits = {.rate = 1000};
    make_meter(&meter, &limits, 0);
    assert_int_equal(meter_most(&meter, 1000000), 16384);
    assert_int_equal(meter_wait_ms(&meter), 2);
    now_ms += 2;
    assert_int_equal(meter_wait_ms(&meter), 0);
    meter_count(&meter, 10002);
    assert_int_equal(meter_wait_ms(&meter), 10002);
    now_ms += 10000;
    assert_true(meter_is_held(&meter));
    now_ms += 2;
    assert_false(meter_is_held(&meter));
    now_ms += INT64_C(1) << 50; /* a long time allows a burst of 16 KiB, not more */
    assert_int_equal(meter_wait_ms(&meter), 0);
    meter_count(&meter, 16384);
    assert_true(meter_is_held(&meter));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        TEST(outside_its_hours_a_node_waits_and_says_so_once),
        TEST(a_download_ends_with_its_hours_and_goes_on_in_the_next),
        TEST(a_day_brings_its_budget_and_no_byte_more),
        TEST(a_rate_spreads_a_download_over_time),
        TEST(a_program_forbids_downloads_and_allows_them),
        TEST(hours_are_two_times_of_a_day),
        TEST(hours_may_go_over_midnight),
        TEST(hours_are_those_of_the_devices_time_zone),
        TEST(what_is_taken_was_written_down_before),
        TEST(a_new_day_has_a_new_budget),
        TEST(a_rate_allows_so_many_bytes_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
