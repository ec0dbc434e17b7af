/* SPDX-License-Identifier: Apache-2.0 */
/* Detail of models over a real database: settings, rates, what is asked. */
#include "server/service/model_detail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "format/report.h"
#include "format/summary.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum { MINUTE_MS = 60000 };

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct changes *changes;
    struct artifacts *artifacts;
    struct model_details *details;
    int64_t start_ms; /* of the first minute that is counted */
};

static void open_all(struct fixture *fixture)
{
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    fixture->changes = changes_new(fixture->store);
    assert_int_equal(artifacts_open(fixture->changes, &fixture->artifacts, NULL), OK);
    assert_int_equal(
        model_details_open(fixture->changes, fixture->artifacts, &fixture->details, NULL),
        OK);
    fixture->start_ms = (clock_wall_ms() / MINUTE_MS + 1) * MINUTE_MS;
}

static void close_all(struct fixture *fixture)
{
    model_details_free(fixture->details);
    artifacts_free(fixture->artifacts);
    changes_free(fixture->changes);
    store_close(fixture->store);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    query_execute(fixture->store, "INSERT INTO model VALUES ('fashion', 'classify', 0),"
                                  " ('meter', 'regress', 0);"
                                  "INSERT INTO cohort VALUES (1, zeroblob(32), 'fashion',"
                                  " 'none', '', '', '', '');");
    store_close(fixture->store);
    open_all(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    close_all(fixture);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct detail_setting budget(int64_t rows_per_day)
{
    struct detail_setting setting = detail_setting_default();
    setting.rows_per_day = rows_per_day;
    return setting;
}

/* Counts `rows` rows that were made `age_ms` before they were received. */
static void count_rows(struct fixture *fixture, size_t rows, int64_t received_ms,
                       int64_t age_ms)
{
    int64_t at_ms = received_ms - age_ms;
    struct report report = {.model = "fashion", .rows = rows, .at_ms = &at_ms};
    model_details_count(fixture->details, &report, received_ms);
}

static void count_summary(struct fixture *fixture, uint32_t n, uint32_t changes,
                          int64_t from_ms)
{
    struct summary summary = {.from_ms = from_ms, .n = n, .changes = changes};
    struct report report = {.model = "fashion", .summary = &summary};
    model_details_count(fixture->details, &report, from_ms + MINUTE_MS);
}

static void assert_asked(struct fixture *fixture, enum detail_mode mode, uint32_t every)
{
    struct detail now = model_detail_now(fixture->details, "fashion");
    assert_string_equal(detail_mode_name(now.mode), detail_mode_name(mode));
    assert_int_equal(now.every, every);
}

static void a_model_without_a_setting_is_auto_and_starts_with_full(void **state)
{
    struct fixture *fixture = *state;
    struct model_detail_info info;
    assert_asked(fixture, DETAIL_FULL, 1);
    assert_int_equal(model_detail_get(fixture->details, "fashion", &info, NULL), OK);
    assert_int_equal(info.setting.mode, DETAIL_AUTO);
    assert_int_equal(info.setting.rows_per_day, 10000000);
    assert_false(info.rates.known);
    assert_int_equal(model_detail_get(fixture->details, "nobody", &info, NULL),
                     ERR_MODEL_UNKNOWN);
}

/* 1,000 a minute are 1.44 million a day. */
static void a_model_that_predicts_too_much_is_asked_for_less(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = budget(200000);
    assert_int_equal(model_detail_set(fixture->details, "fashion", &setting, "t", NULL),
                     OK);
    for (int minute = 0; minute < 10; minute++) {
        int64_t at_ms = fixture->start_ms + minute * MINUTE_MS;
        for (int i = 0; i < 10; i++) {
            count_rows(fixture, 100, at_ms + 30000, 100);
        }
        model_details_tick(fixture->details, at_ms + 59000);
        if (minute < 1) {
            assert_asked(fixture, DETAIL_FULL, 1); /* no minute is complete */
        }
    }
    assert_asked(fixture, DETAIL_SAMPLED, 10);
    /* An hour of silence later it goes back. */
    model_details_tick(fixture->details, fixture->start_ms + 75 * MINUTE_MS);
    assert_asked(fixture, DETAIL_FULL, 1);
}

static void summaries_tell_how_many_changes_there_are(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = budget(10000);
    int64_t end_ms = fixture->start_ms + 10 * MINUTE_MS;
    assert_int_equal(model_detail_set(fixture->details, "fashion", &setting, "t", NULL),
                     OK);
    for (int i = 0; i < 10; i++) {
        count_rows(fixture, 1000, fixture->start_ms + i * MINUTE_MS + 1, 0);
    }
    model_details_tick(fixture->details, end_ms);
    assert_asked(fixture, DETAIL_SUMMARY, 1); /* 1.44 million, nobody knows of changes */
    for (int i = 10; i < 30; i++) {
        count_summary(fixture, 1000, 2, fixture->start_ms + i * MINUTE_MS);
    }
    model_details_tick(fixture->details, end_ms + 22 * MINUTE_MS);
    assert_asked(fixture, DETAIL_CHANGES, 1); /* 2,880 changes a day */
    for (int i = 30; i < 60; i++) {
        count_summary(fixture, 1000, 20, fixture->start_ms + i * MINUTE_MS);
    }
    model_details_tick(fixture->details, end_ms + 52 * MINUTE_MS);
    assert_asked(fixture, DETAIL_SUMMARY, 1);
}

/* What was made hours ago says nothing of how much is made now. */
static void a_backlog_is_no_flood(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = budget(1000);
    assert_int_equal(model_detail_set(fixture->details, "fashion", &setting, "t", NULL),
                     OK);
    for (int i = 0; i < 100; i++) {
        count_rows(fixture, 2000, fixture->start_ms + 1000, 2 * 3600000 + i * 1000);
    }
    model_details_tick(fixture->details, fixture->start_ms + 5 * MINUTE_MS);
    assert_asked(fixture, DETAIL_FULL, 1);
    /* A clock that is wrong beyond belief: it counts at receipt. */
    count_rows(fixture, 2000, fixture->start_ms + 5 * MINUTE_MS, -3 * 3600000);
    model_details_tick(fixture->details, fixture->start_ms + 7 * MINUTE_MS);
    assert_asked(fixture, DETAIL_SUMMARY, 1);
}

static void a_setting_survives_a_restart_and_is_on_record(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = {
        .mode = DETAIL_SAMPLED, .every = 7, .interval_s = 20, .rows_per_day = 5};
    struct model_detail_info info;
    assert_int_equal(model_detail_set(fixture->details, "fashion", &setting, "ada", NULL),
                     OK);
    assert_asked(fixture, DETAIL_SAMPLED, 7);
    close_all(fixture);
    open_all(fixture);
    assert_asked(fixture, DETAIL_SAMPLED, 7);
    assert_int_equal(model_detail_get(fixture->details, "fashion", &info, NULL), OK);
    assert_int_equal(info.setting.interval_s, 20);
    assert_int_equal(info.now.interval_s, 20);
    assert_int_equal(info.setting.rows_per_day, 5);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT count(*) FROM audit_log WHERE action = "
                                  "'model.detail' AND subject = 'fashion' AND actor = "
                                  "'ada' AND detail ->> 'every' = 7"),
                     1);
}

/* Four quarter-hours of 90,000 are 8.64 million a day. */
static void after_a_start_the_rollups_serve_until_minutes_are_seen(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = budget(1000000);
    struct model_detail_info info;
    assert_int_equal(model_detail_set(fixture->details, "fashion", &setting, "t", NULL),
                     OK);
    query_execute(fixture->store,
                  "INSERT INTO class_quarter SELECT (unixepoch() - 86400) / 900 * 900000 "
                  "+ value * 900000, 1, 0, 90000, 0 FROM json_each('[0,1,2,3,4,5]');"
                  "INSERT INTO summary SELECT value, 1, 1, 0, 60000, 'summary', 1, 0, "
                  "1000, 10, 0, 0, 0, 0, '{}', '{}', '{}', NULL, NULL "
                  "FROM json_each('[1,2,3]')");
    close_all(fixture);
    open_all(fixture);
    assert_asked(fixture, DETAIL_SAMPLED, 10);
    assert_int_equal(model_detail_get(fixture->details, "fashion", &info, NULL), OK);
    assert_true(info.rates.known && info.rates.predictions == 8640000.0);
    assert_true(info.rates.changes_known && info.rates.changes == 86400.0);
    model_details_tick(fixture->details, fixture->start_ms + 4 * MINUTE_MS);
    assert_asked(fixture, DETAIL_SAMPLED, 10);
    model_details_tick(fixture->details, fixture->start_ms + 7 * MINUTE_MS);
    assert_asked(fixture, DETAIL_FULL, 1); /* nobody predicts any more */
}

static void a_model_of_values_stays_full(void **state)
{
    struct fixture *fixture = *state;
    struct detail_setting setting = detail_setting_default();
    setting.mode = DETAIL_SUMMARY;
    assert_int_equal(model_detail_set(fixture->details, "meter", &setting, "t", NULL),
                     ERR_UNSUPPORTED);
    setting = budget(0);
    assert_int_equal(model_detail_set(fixture->details, "meter", &setting, "t", NULL),
                     OK);
    int64_t at_ms = fixture->start_ms;
    struct report report = {.model = "meter", .rows = 2000, .at_ms = &at_ms};
    model_details_count(fixture->details, &report, at_ms);
    model_details_tick(fixture->details, fixture->start_ms + 9 * MINUTE_MS);
    assert_int_equal(model_detail_now(fixture->details, "meter").mode, DETAIL_FULL);
    assert_int_equal(model_detail_set(fixture->details, "nobody", &setting, "t", NULL),
                     ERR_MODEL_UNKNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_model_without_a_setting_is_auto_and_starts_with_full),
        TEST(a_model_that_predicts_too_much_is_asked_for_less),
        TEST(summaries_tell_how_many_changes_there_are),
        TEST(a_backlog_is_no_flood),
        TEST(a_setting_survives_a_restart_and_is_on_record),
        TEST(after_a_start_the_rollups_serve_until_minutes_are_seen),
        TEST(a_model_of_values_stays_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
