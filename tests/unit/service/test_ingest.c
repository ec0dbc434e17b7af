/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/ingest.h"

#include "base/clock.h"
#include "server/store/db.h"
#include "tests/unit/service/ingest_fixture.h"

enum { ROWS = 20 };

/* Columns that all reports of these tests share. */
struct columns {
    int64_t at_ms[ROWS];
    uint16_t class_index[ROWS];
    uint16_t confidence[ROWS];
    uint32_t latency_us[ROWS];
    double value[ROWS];
    int64_t sample[ROWS];
    bool has_sample[ROWS];
};

static struct columns columns;

static void fill_columns(void)
{
    int64_t now_ms = clock_wall_ms();
    for (int i = 0; i < ROWS; i++) {
        columns.at_ms[i] = now_ms - i;
        columns.class_index[i] = (uint16_t)(i % 3);
        columns.confidence[i] = (uint16_t)(i * 500);
        columns.latency_us[i] = (uint32_t)(i * 1000);
        columns.value[i] = i % 2 ? (double)i : (double)NAN;
        columns.sample[i] = i;
        columns.has_sample[i] = i % 4 == 0;
    }
}

static struct report report_of(int64_t stream, int64_t seq, size_t rows, uint32_t hash)
{
    struct report report = {
        .stream = stream,
        .seq = seq,
        .model = "fashion",
        .artifact = {1},
        .rows = rows,
        .at_ms = columns.at_ms,
        .class_index = columns.class_index,
        .confidence = columns.confidence,
        .latency_us = columns.latency_us,
        .value = columns.value,
        .sample = columns.sample,
        .has_sample = columns.has_sample,
        .body_hash = hash,
    };
    return report;
}

static struct report_job apply(struct ingest_fixture *fixture, int64_t node_id,
                               const struct report *report)
{
    struct report_job job = report_job(fixture, node_id, report);
    report_jobs_run(fixture, &job, 1);
    return job;
}

/* What one node says must not stop the others: sums end at 2^62 - 1. */
static void sums_that_would_leave_64_bits_stop_there(void **state)
{
    struct ingest_fixture *fixture = *state;
    for (int64_t seq = 1; seq <= 1100; seq++) {
        struct report report = report_of(1, seq, 0, (uint32_t)seq);
        report.dropped = INT64_C(1) << 53;
        struct report_job job = apply(fixture, 1, &report);
        assert_int_equal(job.status, OK);
        struct store_counters counters;
        store_counters_read(fixture->store, &counters);
        /* 2^53 times 512 is one more than fits, in each of two tables. */
        assert_int_equal(counters.sums_capped, seq < 512 ? 0 : 2 * (seq - 511));
    }
    assert_int_equal(query_number(fixture->store, "SELECT dropped FROM node_health"),
                     (INT64_C(1) << 62) - 1);
    assert_int_equal(query_number(fixture->store, "SELECT max(dropped) FROM node_hour"),
                     (INT64_C(1) << 62) - 1);
}

static enum status add_largest(void *context, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    (void)err;
    assert_int_equal(sqlite3_prepare_v2(db->handle,
                                        "WITH v(x) AS (VALUES (4611686018427387903), (5),"
                                        " (4611686018427387903), (4611686018427387903))"
                                        " SELECT sum_capped(x), sum_capped(7) FROM v",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    *(int64_t *)context = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_column_int64(stmt, 1), 28);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return OK;
}

/* SQLite's sum() would end the statement, and with it every answer that has to add them.
 */
static void sums_of_such_sums_stop_there_as_well(void **state)
{
    struct ingest_fixture *fixture = *state;
    int64_t sum = 0;
    assert_int_equal(store_call(fixture->store, JOB_READER, add_largest, &sum, NULL), OK);
    assert_int_equal(sum, (INT64_C(1) << 62) - 1);
}

static void rows_get_consecutive_ids_that_tell_the_time_of_receipt(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report one = report_of(1, 1, ROWS, 1);
    struct report two = report_of(1, 2, 0, 2);
    struct report three = report_of(1, 3, 1, 3);
    int64_t before_ms = clock_wall_ms();
    struct report_job jobs[] = {report_job(fixture, 1, &one),
                                report_job(fixture, 1, &two),
                                report_job(fixture, 1, &three)};
    report_jobs_run(fixture, jobs, 3);
    int64_t after_ms = clock_wall_ms();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].status, OK);
        assert_false(jobs[i].ack.duplicate);
        assert_in_range(jobs[i].ack.first_id >> 12, (uintmax_t)before_ms - 1,
                        (uintmax_t)after_ms + 1);
    }
    assert_int_equal(jobs[0].ack.rows, ROWS);
    assert_int_equal(jobs[1].ack.rows, 0);
    assert_true(jobs[1].ack.first_id >= jobs[0].ack.first_id + ROWS);
    assert_true(jobs[2].ack.first_id > jobs[1].ack.first_id);
    assert_int_equal(query_number(fixture->store, "SELECT min(id) FROM prediction"),
                     jobs[0].ack.first_id);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"),
                     ROWS + 1);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM report"), 3);
    assert_int_equal(query_number(fixture->store, "SELECT count(value) FROM prediction"),
                     ROWS / 2);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM sample"),
                     (ROWS + 3) / 4 + 1);
    assert_int_equal(fixture->reported, 3);
}

static void a_report_counts_once_within_a_group_and_across_a_restart(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report report = report_of(5, 9, ROWS, 77);
    struct report_job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = report_job(fixture, 2, &report);
    }
    report_jobs_run(fixture, jobs, 4);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(jobs[i].status, OK);
        assert_true(jobs[i].ack.duplicate);
        assert_int_equal(jobs[i].ack.first_id, jobs[0].ack.first_id);
        assert_int_equal(jobs[i].ack.rows, ROWS);
    }
    fixture_stop(fixture);
    fixture_start(fixture);
    struct report_job again = apply(fixture, 2, &report);
    assert_true(again.ack.duplicate);
    assert_int_equal(again.ack.first_id, jobs[0].ack.first_id);
    struct report other = report_of(5, 9, ROWS, 78);
    assert_int_equal(apply(fixture, 2, &other).status, ERR_REPORT_STREAM_CONFLICT);
    struct report old = report_of(5, 40, 1, 79);
    assert_int_equal(apply(fixture, 2, &old).status, OK);
    assert_int_equal(apply(fixture, 2, &report).status, ERR_REPORT_SEQ_OLD);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"),
                     ROWS + 1);
    assert_int_equal(query_number(fixture->store, "SELECT sum(n) FROM class_minute"),
                     ROWS + 1);
}

static void old_streams_give_way_in_the_database_too(void **state)
{
    struct ingest_fixture *fixture = *state;
    for (int64_t stream = 1; stream <= 6; stream++) {
        struct report report = report_of(stream, 1, 1, 1);
        assert_int_equal(apply(fixture, 3, &report).status, OK);
    }
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM stream"), 4);
    assert_int_equal(query_number(fixture->store, "SELECT min(stream) FROM stream"), 3);
    fixture_stop(fixture);
    fixture_start(fixture);
    struct report report = report_of(2, 1, 1, 1);
    assert_int_equal(apply(fixture, 3, &report).status, ERR_REPORT_STREAM_OLD);
}

static void a_refused_report_changes_nothing_and_names_the_item(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report report = report_of(1, 1, ROWS, 1);
    report.artifact[0] = 2; /* 3 classes */
    columns.class_index[6] = 3;
    struct report_job job = apply(fixture, 1, &report);
    assert_int_equal(job.status, ERR_REPORT_CLASS);
    assert_string_equal(job.err.pointer, "/predictions/class/6");
    report.by_rows = true;
    job = apply(fixture, 1, &report);
    assert_string_equal(job.err.pointer, "/predictions/6/class");
    columns.class_index[6] = 0;
    (void)snprintf(report.model, sizeof report.model, "other");
    job = apply(fixture, 1, &report);
    assert_int_equal(job.status, ERR_REPORT_MODEL);
    assert_string_equal(job.err.pointer, "/model");
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM report"), 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM stream"), 0);

    report.artifact[0] = 99; /* unknown: no checks, but flagged */
    columns.class_index[6] = 60000;
    assert_int_equal(apply(fixture, 1, &report).status, OK);
    columns.class_index[6] = 0;
    assert_int_equal(query_number(fixture->store, "SELECT known FROM report"), 0);
}

static void a_group_that_is_rolled_back_leaves_no_trace_in_memory(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report report = report_of(1, 1, ROWS, 1);
    query_execute(fixture->store,
                  "CREATE TRIGGER fault BEFORE INSERT ON class_minute BEGIN "
                  "SELECT RAISE(ABORT, 'a fault'); END");
    assert_int_equal(apply(fixture, 1, &report).status, ERR_UNAVAILABLE);
    assert_int_equal(fixture->reported, 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"), 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM cohort"), 0);
    query_execute(fixture->store, "DROP TRIGGER fault");
    struct report_job job = apply(fixture, 1, &report);
    assert_int_equal(job.status, OK);
    assert_false(job.ack.duplicate);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"),
                     ROWS);
    assert_int_equal(query_number(fixture->store, "SELECT sum(n) FROM class_quarter"),
                     ROWS);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT count(*) FROM prediction JOIN cohort "
                                  "ON cohort.id = cohort_id"),
                     ROWS);
}

static void a_committed_cohort_outlives_a_later_rollback(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report report = report_of(1, 1, ROWS, 1);
    assert_int_equal(apply(fixture, 1, &report).status, OK);
    query_execute(fixture->store,
                  "CREATE TRIGGER fault BEFORE UPDATE ON node_health BEGIN "
                  "SELECT RAISE(ABORT, 'a fault'); END");
    report.seq = 2;
    assert_int_equal(apply(fixture, 1, &report).status, ERR_UNAVAILABLE);
    query_execute(fixture->store, "DROP TRIGGER fault");
    assert_int_equal(apply(fixture, 1, &report).status, OK);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM cohort"), 1);
}

static void a_full_database_stores_nothing_and_recovers(void **state)
{
    struct ingest_fixture *fixture = *state;
    query_execute(fixture->store, "PRAGMA max_page_count = 1");
    struct report report = report_of(1, 1, ROWS, 1);
    struct report_job job = {0};
    int64_t stored = 0;
    for (int64_t seq = 1; job.status == OK; seq++) {
        report.seq = seq;
        stored += ROWS;
        job = apply(fixture, 1, &report);
        if (seq == 1) { /* fill the pages that pre-sizing the WAL left free */
            query_execute(fixture->store,
                          "CREATE TABLE filler(b); INSERT INTO filler "
                          "SELECT zeroblob((freelist_count - 40) * 4050) FROM "
                          "pragma_freelist_count");
        }
    }
    assert_int_equal(job.status, ERR_DISK_FULL);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"),
                     stored - ROWS);
    query_execute(fixture->store, "PRAGMA max_page_count = 1000000");
    job = apply(fixture, 1, &report);
    assert_int_equal(job.status, OK);
    assert_false(job.ack.duplicate);
    assert_int_equal(query_number(fixture->store, "SELECT sum(n) FROM class_minute"),
                     stored);
}

static void ids_grow_while_the_wall_clock_jumps(void **state)
{
    struct ingest_fixture *fixture = *state;
    static const int64_t jumps_ms[] = {0, -3600000, 86400000, -86400000, 3600000};
    int64_t newest = 0;
    int64_t started_ms = clock_wall_ms();
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        clock_shift_wall(jumps_ms[i]);
        struct report report = report_of(1, (int64_t)i + 1, ROWS, 1);
        struct report_job job = apply(fixture, 1, &report);
        assert_int_equal(job.status, OK);
        assert_true(job.ack.first_id > newest);
        assert_true((job.ack.first_id >> 12) - started_ms < 60000);
        newest = job.ack.first_id + ROWS - 1;
    }
    /* The server starts again with a clock that is behind. */
    fixture_stop(fixture);
    clock_shift_wall(-7200000);
    fixture_start(fixture);
    struct report report = report_of(1, 50, ROWS, 1);
    assert_int_equal(apply(fixture, 1, &report).ack.first_id, newest + 1);
    clock_shift_wall(7200000);
}

static void times_beyond_all_reason_are_stored_and_counted_at_receipt(void **state)
{
    struct ingest_fixture *fixture = *state;
    static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1,
                                    INT64_C(253402300799000)};
    struct report report = report_of(1, 1, 5, 1);
    memcpy(columns.at_ms, times, sizeof times);
    struct report_job job = apply(fixture, 1, &report);
    fill_columns();
    assert_int_equal(job.status, OK);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT count(DISTINCT minute_ms) <= 2 AND "
                                  "sum(n) = 5 FROM class_minute"),
                     1);
    assert_int_equal(
        query_number(fixture->store, "SELECT sum(implausible) FROM node_hour"), 5);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction WHERE "
                                                  "(id >> 12) - lag_ms = 0"),
                     1);
}

static void the_newest_health_of_a_node_stands(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct report first = report_of(1, 1, 2, 1);
    first.dropped = 3;
    first.has_derived = true;
    first.derived[31] = 7;
    first.health =
        (struct health){.present = HEALTH_TEMP_C | HEALTH_STATE | HEALTH_CLOCK_DOUBT_MS,
                        .temp_c = 51.5,
                        .state = "ok",
                        .clock_doubt_ms = 7200000};
    struct report second = report_of(1, 2, 4, 2);
    struct report_job jobs[] = {report_job(fixture, 1, &first),
                                report_job(fixture, 1, &second)};
    report_jobs_run(fixture, jobs, 2);
    assert_int_equal(query_number(fixture->store, "SELECT temp_c * 10 FROM node_health"),
                     515);
    assert_int_equal(
        query_number(fixture->store, "SELECT clock_doubt_ms FROM v_node_health"),
        7200000);
    assert_int_equal(
        query_number(fixture->store, "SELECT derived = '' FROM v_node_health"), 1);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT reports = 1 AND predictions = 2 AND derived "
                                  "LIKE '%0007' FROM v_node_engine"),
                     1);
    struct report third = report_of(1, 3, 0, 3);
    third.health = (struct health){.present = HEALTH_QUEUED, .queued = 7};
    (void)apply(fixture, 1, &third);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT queued = 7 AND temp_c IS NULL AND "
                                  "state IS NULL AND clock_doubt_ms IS NULL AND "
                                  "reports = 3 AND "
                                  "predictions = 6 AND dropped = 3 FROM "
                                  "node_health"),
                     1);
}

static int set_up(void **state)
{
    fill_columns();
    return fixture_set_up(state);
}

#define WITH_INGEST(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INGEST(sums_that_would_leave_64_bits_stop_there),
        WITH_INGEST(sums_of_such_sums_stop_there_as_well),
        WITH_INGEST(rows_get_consecutive_ids_that_tell_the_time_of_receipt),
        WITH_INGEST(a_report_counts_once_within_a_group_and_across_a_restart),
        WITH_INGEST(old_streams_give_way_in_the_database_too),
        WITH_INGEST(a_refused_report_changes_nothing_and_names_the_item),
        WITH_INGEST(a_group_that_is_rolled_back_leaves_no_trace_in_memory),
        WITH_INGEST(a_committed_cohort_outlives_a_later_rollback),
        WITH_INGEST(a_full_database_stores_nothing_and_recovers),
        WITH_INGEST(ids_grow_while_the_wall_clock_jumps),
        WITH_INGEST(times_beyond_all_reason_are_stored_and_counted_at_receipt),
        WITH_INGEST(the_newest_health_of_a_node_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
