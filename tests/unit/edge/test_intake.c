/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge/intake.h"

enum { ROWS = 10, AGE_MS = 5000, MINUTE_MS = 60000, ANCHOR_MS = 12345 };

static const struct detail summary_detail = {DETAIL_SUMMARY, 1, 60};
static const struct detail changes_detail = {DETAIL_CHANGES, 1, 60};
static const struct detail full_detail = {DETAIL_FULL, 1, 60};

static struct intake intake;
static const uint8_t artifact[32] = {1}, other_artifact[32] = {2};

static int set_up(void **state)
{
    (void)state;
    intake_init(&intake, ROWS, AGE_MS);
    intake_set_time(&intake, ANCHOR_MS, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    intake_release(&intake);
    return 0;
}

static struct muster_prediction prediction;

/* A row of class `class_index` at a corrected time. */
static struct intake_row row_at(int64_t at_ms, uint16_t class_index)
{
    prediction =
        (struct muster_prediction){.class_index = class_index, .confidence = 0.5};
    return (struct intake_row){.prediction = &prediction,
                               .model = "fashion",
                               .artifact = artifact,
                               .at_mono_ms = at_ms - ANCHOR_MS,
                               .now_mono_ms = at_ms - ANCHOR_MS};
}

static void add(const struct intake_row *row)
{
    bool news;
    assert_int_equal(intake_add(&intake, row, &news, NULL), OK);
}

static void add_at(int64_t at_ms, uint16_t class_index)
{
    struct intake_row row = row_at(at_ms, class_index);
    add(&row);
}

/* Takes the oldest closed batch: its predictions and rows, and where it begins. */
static void expect_taken(uint64_t predictions, size_t rows, int64_t from_ms)
{
    struct batch *batch = intake_take(&intake);
    assert_non_null(batch);
    assert_int_equal(batch_predictions(batch), predictions);
    assert_int_equal(batch->rows, rows);
    if (from_ms > 0) {
        assert_non_null(batch->interval);
        assert_int_equal(batch->interval->from_ms + ANCHOR_MS, from_ms);
    } else {
        assert_null(batch->interval);
    }
    batch_free(batch);
}

static void an_interval_ends_with_its_minute(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &summary_detail);
    add_at(10 * MINUTE_MS - 2, 1);
    add_at(10 * MINUTE_MS - 1, 1);
    add_at(10 * MINUTE_MS, 1);
    add_at(11 * MINUTE_MS - 1, 1);
    add_at(11 * MINUTE_MS, 1);
    expect_taken(2, 0, 10 * MINUTE_MS - 2);
    expect_taken(2, 0, 10 * MINUTE_MS);
    assert_null(intake_take(&intake));
    assert_int_equal(intake.waiting, 1);
    assert_int_equal(intake.recorded, 5);
}

/* A frame from before the open interval's minute gets one of its own: nothing is counted
 * in a wrong minute, whatever order it comes in. */
static void a_late_frame_is_counted_in_its_own_minute(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &summary_detail);
    add_at(10 * MINUTE_MS + 5, 1);
    add_at(10 * MINUTE_MS - 5, 1);
    add_at(10 * MINUTE_MS + 6, 1);
    intake_flush(&intake);
    expect_taken(1, 0, 10 * MINUTE_MS + 5);
    expect_taken(1, 0, 10 * MINUTE_MS - 5);
    expect_taken(1, 0, 10 * MINUTE_MS + 6);
}

static void an_interval_ends_after_its_length(void **state)
{
    (void)state;
    struct detail tens = {DETAIL_SUMMARY, 1, 10};
    intake_set_detail(&intake, "fashion", &tens);
    add_at(10 * MINUTE_MS + 3000, 1);
    add_at(10 * MINUTE_MS + 12999, 1);
    add_at(10 * MINUTE_MS + 13000, 1);
    expect_taken(2, 0, 10 * MINUTE_MS + 3000);
    assert_null(intake_take(&intake));
}

/* Without a next frame the stepping thread ends it, a little later for late frames. */
static void an_interval_without_a_next_frame_ends_by_itself(void **state)
{
    (void)state;
    int64_t end_ms = 11 * MINUTE_MS - ANCHOR_MS + INTAKE_LATE_MS;
    intake_set_detail(&intake, "fashion", &summary_detail);
    add_at(11 * MINUTE_MS - 500, 1);
    assert_int_equal(intake_wait_ms(&intake, end_ms - 7), 7);
    intake_close(&intake, end_ms - 1);
    assert_null(intake_take(&intake));
    intake_close(&intake, end_ms);
    expect_taken(1, 0, 11 * MINUTE_MS - 500);
}

static void changes_are_rows_and_the_first_prediction_is_none(void **state)
{
    (void)state;
    static const uint16_t classes[] = {3, 3, 4, 4, 4, 3, 9, 9};
    intake_set_detail(&intake, "fashion", &changes_detail);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        add_at(10 * MINUTE_MS + (int64_t)i, classes[i]);
    }
    add_at(11 * MINUTE_MS, 9); /* the class before is that of the interval before */
    add_at(11 * MINUTE_MS + 1, 8);
    intake_flush(&intake);
    expect_taken(8, 3, 10 * MINUTE_MS);
    expect_taken(2, 1, 11 * MINUTE_MS);
}

static void rows_that_are_full_end_an_interval(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &changes_detail);
    for (int i = 0; i <= ROWS; i++) {
        add_at(10 * MINUTE_MS + i, (uint16_t)(i % 2));
    }
    expect_taken(ROWS + 1, ROWS, 10 * MINUTE_MS);
}

static void a_change_of_detail_ends_what_is_open_at_once(void **state)
{
    (void)state;
    add_at(10 * MINUTE_MS, 1);
    intake_set_detail(&intake, "fashion", &summary_detail);
    expect_taken(1, 1, 0);
    add_at(10 * MINUTE_MS + 1, 1);
    intake_set_detail(&intake, "fashion", &summary_detail);
    assert_null(intake_take(&intake)); /* the same detail is no change */
    intake_set_detail(&intake, "fashion", &full_detail);
    expect_taken(1, 0, 10 * MINUTE_MS + 1);
    add_at(10 * MINUTE_MS + 2, 1);
    intake_flush(&intake);
    expect_taken(1, 1, 0);
}

static void another_artifact_floor_or_engine_ends_an_interval(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &changes_detail);
    add_at(10 * MINUTE_MS, 1);
    struct intake_row row = row_at(10 * MINUTE_MS + 1, 2);
    row.artifact = other_artifact;
    add(&row); /* another model's class is no change */
    row.below_floor = true;
    add(&row);
    uint8_t engine[32] = {7}, found[32];
    prediction.derived = engine;
    add(&row); /* so does what was built of it */
    assert_true(intake_derived(&intake, other_artifact, found));
    assert_memory_equal(found, engine, sizeof found);
    assert_false(intake_derived(&intake, artifact, found));
    intake_flush(&intake);
    expect_taken(1, 0, 10 * MINUTE_MS);
    expect_taken(1, 0, 10 * MINUTE_MS + 1);
    expect_taken(1, 0, 10 * MINUTE_MS + 1);
    expect_taken(1, 0, 10 * MINUTE_MS + 1);
}

/* Values are not summarised, and a detail is one model's. */
static void values_and_other_models_are_sent_in_full(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &summary_detail);
    struct intake_row row = row_at(10 * MINUTE_MS, 1);
    prediction.has_value = true;
    prediction.value = 0.25;
    add(&row);
    prediction.has_value = false;
    row.model = "wear";
    add(&row);
    intake_flush(&intake);
    expect_taken(2, 2, 0);
}

/* The server's time becomes known, or was wrong: what is open was cut by another clock.
 */
static void a_clock_that_is_corrected_ends_an_interval(void **state)
{
    (void)state;
    intake_set_detail(&intake, "fashion", &summary_detail);
    intake_set_time(&intake, ANCHOR_MS, false);
    add_at(10 * MINUTE_MS, 1);
    intake_set_time(&intake, ANCHOR_MS + 400, false);
    assert_null(intake_take(&intake));
    intake_set_time(&intake, ANCHOR_MS, true);
    expect_taken(1, 0, 10 * MINUTE_MS);
    add_at(10 * MINUTE_MS, 1);
    intake_set_time(&intake, ANCHOR_MS + 900, true);
    assert_null(intake_take(&intake));
    intake_set_time(&intake, ANCHOR_MS + 1100, true);
    expect_taken(1, 0, 10 * MINUTE_MS);
}

static void memory_is_bounded_and_nothing_is_counted_beyond_it(void **state)
{
    (void)state;
    bool news;
    struct err err = {0};
    intake_set_detail(&intake, "fashion", &summary_detail);
    for (int i = 0; i <= INTAKE_CLOSED_MAX; i++) {
        add_at((10 + i) * (int64_t)MINUTE_MS, 1);
    }
    struct intake_row row = row_at(100 * MINUTE_MS, 1);
    assert_int_equal(intake_add(&intake, &row, &news, &err), ERR_UNAVAILABLE);
    assert_int_equal(intake.recorded, INTAKE_CLOSED_MAX + 1);
    expect_taken(1, 0, 10 * MINUTE_MS);
    add(&row);
}

/* A flush while too many wait is not forgotten. */
static void what_is_flushed_without_room_is_closed_when_there_is(void **state)
{
    (void)state;
    bool news;
    intake_set_detail(&intake, "fashion", &summary_detail);
    for (int i = 0; i <= INTAKE_CLOSED_MAX; i++) {
        add_at((10 + i) * (int64_t)MINUTE_MS, 1);
    }
    intake_flush(&intake);
    struct intake_row row = row_at((10 + INTAKE_CLOSED_MAX) * (int64_t)MINUTE_MS + 1, 1);
    assert_int_equal(intake_add(&intake, &row, &news, NULL), ERR_UNAVAILABLE);
    for (int i = 0; i <= INTAKE_CLOSED_MAX; i++) {
        expect_taken(1, 0, (10 + i) * (int64_t)MINUTE_MS);
        intake_close(&intake, 0);
    }
    assert_null(intake_take(&intake));
    assert_int_equal(intake.waiting, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interval_ends_with_its_minute),
        TEST(a_late_frame_is_counted_in_its_own_minute),
        TEST(an_interval_ends_after_its_length),
        TEST(an_interval_without_a_next_frame_ends_by_itself),
        TEST(changes_are_rows_and_the_first_prediction_is_none),
        TEST(rows_that_are_full_end_an_interval),
        TEST(a_change_of_detail_ends_what_is_open_at_once),
        TEST(another_artifact_floor_or_engine_ends_an_interval),
        TEST(values_and_other_models_are_sent_in_full),
        TEST(a_clock_that_is_corrected_ends_an_interval),
        TEST(what_is_flushed_without_room_is_closed_when_there_is),
        TEST(memory_is_bounded_and_nothing_is_counted_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
