/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/edge/fixture_node.h"

/* A device without a battery-backed clock through reboots and outages. True time is the
 * server's; `true_ms` here is the same. */

enum { HOUR_MS = 3600000, MINUTE_MS = 60000, SLACK_MS = 20000 };

static struct server server;
static struct repository repository;
static struct node node;

static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository.life_ms = INT64_C(1000) * 24 * HOUR_MS;
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

static int64_t true_ms(void)
{
    pthread_mutex_lock(&server.lock);
    int64_t shift_ms = server.clock_ms;
    pthread_mutex_unlock(&server.lock);
    return clock_wall_ms() + shift_ms;
}

static void time_passes(int64_t ms)
{
    pthread_mutex_lock(&server.lock);
    server.clock_ms += ms;
    pthread_mutex_unlock(&server.lock);
}

static void steps(int count)
{
    for (int i = 0; i < count; i++) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 2 ? wait_ms : 2);
    }
}

/* The device runs on for so long, its clocks with it. */
static void runs_for(int64_t ms)
{
    time_passes(ms);
    node.mono_shift_ms += ms;
    node.wall_shift_ms += ms;
    steps(9);
}

static void power_is_off_for(int64_t ms)
{
    node_power_cut(&node);
    time_passes(ms);
}

static void network(bool there)
{
    if (there) {
        server_heal(&server);
    } else {
        server_fault(&server, &(struct server_fault){
                                  .path = "/", .times = FOR_EVER, .manner = ANSWER_NONE});
    }
}

static bool is_on_disk(struct node *one, void *user)
{
    (void)one;
    return status_now().batches == *(const uint64_t *)user;
}

static void predict_to_disk(uint64_t batches)
{
    node_predict(&node, 10);
    node_until(&node, is_on_disk, &batches);
}

/* The report of that place among those that tell of predictions. */
static struct server_report told(int place)
{
    for (int i = 0; i < server_count(&server, &server.report_count); i++) {
        struct server_report report = server_report_at(&server, i);
        bool heartbeat = report.rows == 0 && !report.has_summary;
        if (!heartbeat && place-- == 0) {
            return report;
        }
    }
    fail_msg("no such report");
    return (struct server_report){0};
}

static void expect_near(int64_t found_ms, int64_t expected_ms, int64_t slack_ms)
{
    if (found_ms < expected_ms - slack_ms || found_ms > expected_ms + slack_ms) {
        fail_msg("%lld ms off", (long long)(found_ms - expected_ms));
    }
}

/* Off for 10 minutes, 6 hours without network and with a wall clock that stood still, off
 * for 20 minutes: every row is there and none is off by more than the half hour. */
static void a_reboot_without_network_lands_in_the_right_hour(void **state)
{
    (void)state;
    int64_t at_ms[3];
    runs_for(2 * HOUR_MS);
    network(false);
    power_is_off_for(10 * MINUTE_MS);
    node_open(&node);
    for (uint64_t i = 0; i < 3; i++) {
        at_ms[i] = true_ms();
        predict_to_disk(i + 1);
        runs_for(2 * HOUR_MS);
    }
    power_is_off_for(20 * MINUTE_MS);
    node.wall_shift_ms = -clock_wall_ms(); /* 1970 */
    network(true);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.rows_stored), 30);
    for (int i = 0; i < 3; i++) {
        expect_near(told(i).first_at_ms, at_ms[i], 30 * MINUTE_MS);
    }
    assert_int_equal(status_now().doubtful, 0);
    assert_false(node_complained(&node, "clock.doubt"));
}

/* A downtime of a day in which nobody knows when it was: nothing is lost, and it is said.
 * What came later in the same boot is as far off, and is not told twice. */
static void a_day_without_power_is_told_as_doubt(void **state)
{
    (void)state;
    network(false);
    power_is_off_for(24 * HOUR_MS);
    node_open(&node);
    int64_t at_ms = true_ms();
    predict_to_disk(1);
    predict_to_disk(2);
    power_is_off_for(MINUTE_MS);
    network(true);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server_count(&server, &server.rows_stored), 20);
    assert_int_equal(status_now().doubtful, 20);
    assert_true(node_complained(&node, "clock.doubt"));
    assert_null(strstr(strstr(node.messages, "clock.doubt") + 1, "clock.doubt"));
    expect_near(told(0).first_at_ms, at_ms, 25 * HOUR_MS);
    assert_true(told(0).clock_doubt_ms > HOUR_MS);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_int_equal(told(server_count(&server, &server.report_count) - 1).clock_doubt_ms,
                     0);
}

/* The server was down and NTP was not: no doubt, whatever the downtimes. */
static void a_clock_that_ntp_keeps_is_believed_without_the_server(void **state)
{
    (void)state;
    network(false);
    power_is_off_for(24 * HOUR_MS);
    node.wall_shift_ms = 24 * HOUR_MS;
    node.options.clock.wall_synced = true;
    node_open(&node);
    int64_t at_ms = true_ms();
    predict_to_disk(1);
    power_is_off_for(24 * HOUR_MS);
    node.options.clock.wall_synced = false;
    node.wall_shift_ms = 0;
    network(true);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    expect_near(told(0).first_at_ms, at_ms, SLACK_MS);
    assert_int_equal(status_now().doubtful, 0);
}

/* The server's time was learnt after these were stored, and the power failed before they
 * were sent: they are exact all the same, though the next boot's clock says 1970. */
static void a_time_learnt_late_is_kept_over_a_reboot(void **state)
{
    (void)state;
    network(false);
    power_is_off_for(5 * HOUR_MS);
    node.wall_shift_ms = -clock_wall_ms();
    node_open(&node);
    int64_t at_ms = true_ms();
    predict_to_disk(1);
    runs_for(HOUR_MS);
    predict_to_disk(2);
    network(true);
    server_fault(&server, &(struct server_fault){.path = "/v1/reports",
                                                 .times = FOR_EVER,
                                                 .status = 503,
                                                 .code = "unavailable"});
    node_until(&node, node_complained, (void *)(uintptr_t) "net.status");
    steps(9);
    power_is_off_for(7 * HOUR_MS);
    node.wall_shift_ms = -clock_wall_ms();
    network(true);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    expect_near(told(0).first_at_ms, at_ms, SLACK_MS);
    expect_near(told(1).first_at_ms, at_ms + HOUR_MS, SLACK_MS);
    assert_int_equal(status_now().doubtful, 0);
}

/* The process ends and starts again without network; the boot is the same, so is the
 * time, whatever the wall clock has become. */
static void a_restart_in_the_same_boot_still_knows_the_time(void **state)
{
    (void)state;
    network(false);
    node_close(&node);
    node.wall_shift_ms = 9 * (int64_t)HOUR_MS;
    node_open(&node);
    expect_near(status_now().clock_offset_ms, -9 * (int64_t)HOUR_MS, SLACK_MS);
}

/* The same for summaries: cut by a clock that was hours behind, they count in the bounds.
 */
static void summaries_of_a_boot_without_a_clock_land_there_too(void **state)
{
    (void)state;
    repository.detail = "{\"mode\":\"summary\",\"interval_s\":60}";
    repository_assign(&repository, &server, 1, fixture_model(0));
    while (strcmp(status_now().detail, "summary") != 0) {
        steps(1);
    }
    steps(3); /* what was told is on disk then */
    network(false);
    power_is_off_for(15 * MINUTE_MS);
    node_open(&node);
    int64_t at_ms = true_ms();
    node_predict(&node, 10);
    runs_for(3 * HOUR_MS);
    power_is_off_for(15 * MINUTE_MS);
    network(true);
    node_open(&node);
    node_until(&node, node_drained, NULL);
    assert_int_equal(server.predictions_stored, 10);
    expect_near(told(0).summary.from_ms, at_ms, 30 * MINUTE_MS);
}

/* FAULTS.md 38 and 39: frames whose wall time is an hour ahead or a week behind by a
 * clock that is so are corrected; times that are none of a clock's go as they are, and
 * count. */
static void frame_times_are_corrected_by_the_learnt_offset(void **state)
{
    (void)state;
    static const int64_t shifts_ms[] = {HOUR_MS, -INT64_C(7) * 24 * HOUR_MS};
    const struct muster_client_model *model = muster_client_model(node.client);
    for (int i = 0; i < 2; i++) {
        node.wall_shift_ms = shifts_ms[i];
        struct muster_prediction seen = {.at_ms = clock_wall_ms() + shifts_ms[i] - 5000,
                                         .confidence = 1};
        assert_int_equal(muster_client_record(node.client, model, &seen, NULL),
                         MUSTER_CLIENT_OK);
        node_until(&node, node_drained, NULL);
        expect_near(told(i).first_at_ms, clock_wall_ms() - 5000, 5000);
    }
    muster_client_model_release(model);
}

static void times_that_are_none_are_reported_or_refused_but_never_lost(void **state)
{
    (void)state;
    static const int64_t odd_ms[] = {1, -1, INT64_C(2145916800000),
                                     INT64_C(253402300799000), -INT64_C(62135596800000)};
    static const int64_t bad_ms[] = {INT64_MIN, INT64_MAX, (INT64_C(1) << 53) + 1};
    const struct muster_client_model *model = muster_client_model(node.client);
    for (int i = 0; i < 5; i++) {
        struct muster_prediction seen = {.at_ms = odd_ms[i], .confidence = 1};
        assert_int_equal(muster_client_record(node.client, model, &seen, NULL),
                         MUSTER_CLIENT_OK);
        node_until(&node, node_drained, NULL);
        expect_near(told(i).first_at_ms, odd_ms[i], SLACK_MS);
    }
    for (int i = 0; i < 3; i++) {
        struct muster_prediction seen = {.at_ms = bad_ms[i], .confidence = 1};
        assert_int_equal(muster_client_record(node.client, model, &seen, NULL),
                         MUSTER_CLIENT_ARGUMENT);
    }
    assert_int_equal(server_count(&server, &server.rows_stored), 5);
    muster_client_model_release(model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reboot_without_network_lands_in_the_right_hour),
        TEST(a_day_without_power_is_told_as_doubt),
        TEST(a_clock_that_ntp_keeps_is_believed_without_the_server),
        TEST(a_time_learnt_late_is_kept_over_a_reboot),
        TEST(a_restart_in_the_same_boot_still_knows_the_time),
        TEST(summaries_of_a_boot_without_a_clock_land_there_too),
        TEST(frame_times_are_corrected_by_the_learnt_offset),
        TEST(times_that_are_none_are_reported_or_refused_but_never_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
