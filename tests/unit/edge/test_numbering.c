/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "edge/numbering.h"
#include "format/summary.h"
#include "tests/unit/edge/fixture_folder.h"

static const int64_t NOON = INT64_C(1795608000000);

static char folder[FOLDER_BYTES];
static struct queue queue;
static struct timebase timebase;
static struct edge_env env;
static const struct health health = {.present = HEALTH_QUEUED, .queued = 3};
static bool health_due;
static struct health told; /* in the last report */

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    assert_int_equal(queue_open(&queue, folder, 1 << 20, 1 << 20, NULL), OK);
    env = (struct edge_env){.clock = {.boot_id = "this"}};
    assert_int_equal(timebase_open(&timebase, &env, folder, NULL), OK);
    timebase.known = true;
    timebase.anchor_ms = NOON;
    timebase_note(&timebase, &env);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    queue_release(&queue);
    folder_remove(folder);
    return 0;
}

/* A report of one row at monotonic 1000, or a summary from there to 2000. */
static void make_payload(bool summarised, struct buf *ret_payload)
{
    static int64_t at_ms[] = {1000};
    static uint16_t class_index[] = {3}, confidence[] = {5000};
    static uint32_t latency_us[] = {70};
    static struct summary_cell cells[] = {{.index = 3, .n = 1, .sum = 5000},
                                          {.index = 10, .n = 1, .sum = 5000},
                                          {.index = 70, .n = 1}};
    struct summary summary = {.from_ms = 1000,
                              .to_ms = 2000,
                              .mode = DETAIL_SUMMARY,
                              .every = 1,
                              .n = 1,
                              .latency_sum_us = 70,
                              .classes = {&cells[0], 1},
                              .confidence = {&cells[1], 1},
                              .latency = {&cells[2], 1}};
    struct report report = {.stream = 1, .seq = 1, .model = "fashion"};
    if (summarised) {
        report.summary = &summary;
    } else {
        report.rows = 1;
        report.at_ms = at_ms;
        report.class_index = class_index;
        report.confidence = confidence;
        report.latency_us = latency_us;
    }
    report_encode(&report, ret_payload);
}

/* The corrected time of what was stored under this head; `ret_doubt_ms` as given. */
static int64_t corrected(struct queue_head head, bool summarised, int64_t *ret_doubt_ms)
{
    struct numbering numbering = {.queue = &queue,
                                  .timebase = &timebase,
                                  .env = &env,
                                  .health = &health,
                                  .health_due = health_due};
    BUF_AUTO payload = BUF_INIT(REPORT_BYTES_MAX);
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    ARENA_AUTO arena = ARENA_INIT(1024 * 1024);
    struct report report;
    make_payload(summarised, &payload);
    head.kind = QUEUE_RAW;
    assert_int_equal(
        numbering_finalise(&numbering, &payload, &head, &body, ret_doubt_ms, NULL), OK);
    assert_int_equal(head.kind, QUEUE_FINAL);
    assert_int_equal(report_decode(body.data, body.len, &arena, &report, NULL), OK);
    told = report.health;
    if (summarised) {
        assert_int_equal(report.summary->to_ms - report.summary->from_ms, 1000);
        return report.summary->from_ms - 1000;
    }
    return report.at_ms[0] - 1000;
}

static void this_boots_rows_have_the_newest_word(void **state)
{
    (void)state;
    int64_t doubt_ms;
    struct queue_head head = {.anchor_ms = NOON + 40, .anchor_known = true};
    memcpy(head.boot_id, "this", 5);
    assert_int_equal(corrected(head, false, &doubt_ms), NOON);
    head.anchor_known = false;
    assert_int_equal(corrected(head, false, &doubt_ms), NOON);
    assert_int_equal(doubt_ms, 0);
}

/* A clock that is corrected by 40 ms after the interval was cut at the full minute would
 * move the whole minute into the one before. */
static void a_summary_stays_in_the_minute_that_it_was_cut_by(void **state)
{
    (void)state;
    int64_t doubt_ms;
    struct queue_head head = {.anchor_ms = NOON + 40, .anchor_known = true};
    memcpy(head.boot_id, "this", 5);
    assert_int_equal(corrected(head, true, &doubt_ms), NOON + 40);
    assert_int_equal(doubt_ms, 0);
    head.anchor_known = false;
    assert_int_equal(corrected(head, true, &doubt_ms), NOON);
}

/* As from a program before this one, which kept no boots. */
static void a_boot_that_is_not_known_keeps_what_was_thought_then(void **state)
{
    (void)state;
    int64_t doubt_ms;
    struct queue_head head = {.anchor_ms = NOON - 5000, .anchor_known = true};
    memcpy(head.boot_id, "other", 6);
    assert_int_equal(corrected(head, false, &doubt_ms), NOON - 5000);
    assert_int_equal(doubt_ms, 0);
    head.anchor_known = false;
    assert_int_equal(corrected(head, false, &doubt_ms), NOON - 5000);
    assert_int_equal(doubt_ms, INT64_MAX);
}

/* Also where health would not go along. */
static void times_in_doubt_are_told_in_health(void **state)
{
    (void)state;
    int64_t doubt_ms;
    struct queue_head head = {.anchor_ms = NOON, .anchor_known = true};
    memcpy(head.boot_id, "other", 6);
    (void)corrected(head, false, &doubt_ms);
    assert_int_equal(told.present, 0);
    head.anchor_known = false;
    (void)corrected(head, false, &doubt_ms);
    assert_int_equal(told.present, HEALTH_QUEUED | HEALTH_CLOCK_DOUBT_MS);
    assert_int_equal(told.clock_doubt_ms, (INT64_C(1) << 53) - 1);
    health_due = true;
    head.anchor_known = true;
    (void)corrected(head, false, &doubt_ms);
    assert_int_equal(told.present, HEALTH_QUEUED);
    health_due = false;
}

/* Whatever a server says of the time, sums stay within 64 bits. */
static void a_server_time_that_is_none_is_not_learnt(void **state)
{
    (void)state;
    static const int64_t bad[] = {0, -1, INT64_MIN, INT64_MAX, (INT64_C(1) << 53) + 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        timebase_learn(&timebase, bad[i], 100, 200);
        assert_int_equal(timebase.anchor_ms, NOON);
    }
    timebase_learn(&timebase, NOON + 500, 100, 200);
    assert_int_equal(timebase.anchor_ms, NOON + 350);
}

/* A device that slept while it waited learns nothing that it knew better. */
static void a_long_round_trip_moves_no_more_than_it_must(void **state)
{
    (void)state;
    timebase_learn(&timebase, NOON + 1000, 990, 1010);
    assert_int_equal(timebase.anchor_ms, NOON);
    timebase_learn(&timebase, NOON + 2000, 2000, 2000 + 7200000);
    assert_int_equal(timebase.anchor_ms, NOON);
    timebase_learn(&timebase, NOON + 7205000, 7204000, 7204010);
    assert_int_equal(timebase.anchor_ms, NOON + 995);
}

/* A server whose clock was stepped is followed, also by way of a slow answer. */
static void a_stepped_server_is_followed(void **state)
{
    (void)state;
    timebase_learn(&timebase, NOON + 1000, 990, 1010);
    timebase_learn(&timebase, NOON + 500000, 2000, 4000);
    assert_int_equal(timebase.anchor_ms, NOON + 496000);
    timebase_learn(&timebase, NOON + 3000, 5000, 7000);
    assert_int_equal(timebase.anchor_ms, NOON - 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(this_boots_rows_have_the_newest_word),
        TEST(a_summary_stays_in_the_minute_that_it_was_cut_by),
        TEST(a_boot_that_is_not_known_keeps_what_was_thought_then),
        TEST(times_in_doubt_are_told_in_health),
        TEST(a_server_time_that_is_none_is_not_learnt),
        TEST(a_long_round_trip_moves_no_more_than_it_must),
        TEST(a_stepped_server_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
