/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/retention.h"

#include <unistd.h>

#include "base/clock.h"
#include "server/service/analytics.h"
#include "tests/unit/service/ingest_fixture.h"

enum { ROWS = 100, REPORTS = 60, WAIT_ROUNDS = 6000, WAIT_US = 10000 };

/* A server's store, ingest and retention. */
struct world {
    struct ingest_fixture *fixture;
    struct retention *retention;
};

static const struct retention_options for_ever;

/* Everything that a rollup says, in one number. */
static const char ROLLUPS_SQL[] =
    "SELECT (SELECT sum(minute_ms % 1000003 * (cohort_id + 7 * class) + 11 * n) FROM "
    "class_minute) + (SELECT sum(quarter_ms % 1000003 * (cohort_id + 7 * class) + 11 * n "
    "+ 13 * confidence_sum) FROM class_quarter) + (SELECT sum(quarter_ms % 1000003 * bin "
    "+ 11 * n + 13 * confidence_sum) FROM confidence_quarter) + (SELECT sum(quarter_ms % "
    "1000003 * bucket + 11 * n + 13 * latency_sum_us) FROM v_latency_quarter) + (SELECT "
    "sum(hour_ms % 1000003 * node_id + 11 * n + confidence_sum + latency_sum_us + "
    "reports "
    "+ first_received_ms + last_received_ms) FROM node_hour)";

/* What was received until now, as if 40 days ago. */
static const char AGE_SQL[] =
    "UPDATE prediction SET id = id - (40 * 86400000 << 12);"
    "UPDATE report SET first_id = first_id - (40 * 86400000 << 12);"
    "UPDATE sample SET id = id - (40 * 86400000 << 12);"
    "UPDATE summary SET first_id = first_id - (40 * 86400000 << 12)";

/* The newest report has a summary, too. */
static const char SUMMARY_SQL[] =
    "INSERT INTO summary SELECT first_id, node_id, cohort_id, 0, 60000, 'sampled', 10, "
    "rows, 1000, 0, 0, 0, 0, 0, '{}', '{}', '{}', NULL, NULL FROM report ORDER BY "
    "first_id DESC LIMIT 1";

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    void *fixture = NULL;
    (void)fixture_set_up(&fixture);
    world->fixture = fixture;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    void *fixture = world->fixture;
    (void)fixture_tear_down(&fixture);
    retention_close(world->retention);
    free(world);
    return 0;
}

static void keep(struct world *world, const struct retention_options *options)
{
    struct err err = {0};
    if (retention_open(world->fixture->store, options, &world->retention, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

/* The server is started anew, with or without retention. */
static void restart(struct world *world, const struct retention_options *options)
{
    fixture_stop(world->fixture);
    retention_close(world->retention);
    world->retention = NULL;
    fixture_start(world->fixture);
    keep(world, options);
}

static int64_t number(struct world *world, const char *sql)
{
    return query_number(world->fixture->store, sql);
}

static void wait_for(struct world *world, const char *sql)
{
    for (int i = 0; i < WAIT_ROUNDS; i++) {
        if (number(world, sql) == 1) {
            return;
        }
        (void)usleep(WAIT_US);
    }
    fail_msg("never came true: %s", sql);
}

/* One report of 100 rows, each tenth with a sample number. */
static struct report_job report(struct world *world, int64_t seq)
{
    static int64_t at_ms[ROWS], sample[ROWS];
    static uint16_t class_index[ROWS], confidence[ROWS];
    static uint32_t latency_us[ROWS];
    static bool has_sample[ROWS];
    int64_t now_ms = clock_wall_ms();
    for (int i = 0; i < ROWS; i++) {
        at_ms[i] = now_ms - i * 1000;
        class_index[i] = (uint16_t)(i % 10);
        confidence[i] = (uint16_t)(i * 99);
        latency_us[i] = (uint32_t)(1000 + i * 17);
        sample[i] = seq * ROWS + i;
        has_sample[i] = i % 10 == 0;
    }
    struct report report = {
        .stream = 1,
        .seq = seq,
        .model = "fashion",
        .artifact = {1},
        .rows = ROWS,
        .at_ms = at_ms,
        .class_index = class_index,
        .confidence = confidence,
        .latency_us = latency_us,
        .sample = sample,
        .has_sample = has_sample,
    };
    struct report_job job = report_job(world->fixture, 1, &report);
    report_jobs_run(world->fixture, &job, 1);
    job.report = NULL;
    return job;
}

static void fill(struct world *world, int64_t first_seq, int64_t last_seq)
{
    for (int64_t seq = first_seq; seq <= last_seq; seq++) {
        assert_int_equal(report(world, seq).status, OK);
    }
}

static void old_rows_go_and_rollups_samples_and_new_rows_stay(void **state)
{
    struct world *world = *state;
    fill(world, 1, REPORTS);
    query_execute(world->fixture->store, SUMMARY_SQL);
    query_execute(world->fixture->store, AGE_SQL);
    fill(world, REPORTS + 1, REPORTS + 5);
    query_execute(world->fixture->store, SUMMARY_SQL);
    int64_t rollups = number(world, ROLLUPS_SQL);
    struct retention_options options = {.row_days = 30, .sample_days = 365};
    keep(world, &options);
    wait_for(world, "SELECT count(*) = 500 FROM prediction");
    assert_int_equal(number(world, "SELECT count(*) FROM report"), 5);
    assert_int_equal(number(world, "SELECT count(*) FROM summary"), 1);
    assert_int_equal(number(world, "SELECT min(id) = (SELECT min(first_id) FROM report) "
                                   "FROM prediction"),
                     1);
    assert_int_equal(number(world, "SELECT count(*) FROM sample"), 65 * 10);
    assert_int_equal(number(world, ROLLUPS_SQL), rollups);
    assert_int_equal(number(world, "SELECT sum(n) FROM v_class_quarter"), 6500);
}

static void the_database_tells_from_when_on_it_is_complete(void **state)
{
    struct world *world = *state;
    fill(world, 1, REPORTS);
    query_execute(world->fixture->store, AGE_SQL);
    int64_t newest_ms = number(world, "SELECT max(id) >> 12 FROM prediction");
    restart(world, &for_ever);
    fill(world, REPORTS + 1, REPORTS + 1);
    assert_int_equal(number(world, "SELECT sum(complete_from_ms) FROM v_retention"), 0);
    struct retention_options options = {.row_days = 30};
    restart(world, &options);
    wait_for(world, "SELECT count(*) = 100 FROM prediction");
    wait_for(world, "SELECT deleted = 6060 FROM v_retention WHERE kind = 'rows'");
    int64_t from_ms =
        number(world, "SELECT complete_from_ms FROM v_retention WHERE kind = 'rows'");
    assert_int_equal(from_ms, newest_ms + 1);
    assert_int_equal(
        number(world,
               "SELECT sum(complete_from_ms) FROM v_retention WHERE kind <> 'rows'"),
        0);
    struct retention_counters counters;
    retention_counters_read(world->retention, &counters);
    assert_string_equal(counters.kinds[0].kind, "rows");
    assert_int_equal(counters.kinds[0].deleted, 6060);
    assert_int_equal(counters.kinds[0].complete_from_ms, from_ms);
    assert_true(counters.steps > 0 && counters.failures == 0);
    restart(world, &options);
    retention_counters_read(world->retention, &counters);
    assert_int_equal(counters.kinds[0].complete_from_ms, from_ms);
}

static void samples_minutes_and_rollups_have_ages_of_their_own(void **state)
{
    struct world *world = *state;
    fill(world, 1, 3);
    query_execute(
        world->fixture->store,
        "WITH RECURSIVE d(day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM d WHERE day < "
        "999) INSERT INTO class_minute SELECT (unixepoch() - day * 86400 - 120) * 1000, "
        "77, 0, "
        "1 FROM d;"
        "INSERT INTO class_quarter SELECT minute_ms, 77, 0, 1, 1 FROM class_minute WHERE "
        "cohort_id = 77;"
        "INSERT INTO confidence_quarter SELECT minute_ms, 77, 0, 1, 1 FROM class_minute "
        "WHERE cohort_id = 77;"
        "INSERT INTO latency_quarter SELECT minute_ms, 77, '{\"0\":[1,1]}' FROM "
        "class_minute "
        "WHERE cohort_id = 77;"
        "INSERT INTO entropy_quarter SELECT minute_ms, 77, 0, 1 FROM class_minute "
        "WHERE cohort_id = 77;"
        "INSERT INTO margin_quarter SELECT minute_ms, 77, 0, 1 FROM class_minute "
        "WHERE cohort_id = 77;"
        "INSERT INTO node_hour SELECT minute_ms, 1, 77, 1, 1, 1, 0, 0, 0, 0, 0 FROM "
        "class_minute WHERE cohort_id = 77;"
        "INSERT INTO sample SELECT minute_ms << 12, 9, 77, 1, 1, 1, 1, 'node', NULL FROM "
        "class_minute WHERE cohort_id = 77");
    struct retention_options options = {
        .sample_days = 50, .minute_days = 14, .rollup_days = 400};
    keep(world, &options);
    wait_for(world, "SELECT count(*) = 50 FROM sample WHERE node_id = 9");
    /* Whole hours: the one that holds the limit stays. */
    wait_for(world, "SELECT count(*) BETWEEN 14 AND 15 FROM class_minute WHERE cohort_id "
                    "= 77");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM class_quarter WHERE "
                    "cohort_id = 77");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM confidence_quarter WHERE "
                    "cohort_id = 77");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM latency_quarter WHERE "
                    "cohort_id = 77");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM entropy_quarter");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM margin_quarter");
    wait_for(world, "SELECT count(*) BETWEEN 400 AND 401 FROM node_hour WHERE cohort_id "
                    "= 77");
    wait_for(world, "SELECT count(*) = 3 FROM v_retention WHERE complete_from_ms > 0");
    assert_int_equal(number(world, "SELECT count(*) FROM class_minute WHERE minute_ms < "
                                   "(SELECT complete_from_ms FROM v_retention WHERE kind "
                                   "= 'minutes')"),
                     0);
    assert_int_equal(number(world, "SELECT count(*) FROM prediction"), 300);
}

/* From when on a step of these seconds says that it is complete. */
struct asked {
    int64_t step_s;
    int64_t complete_from_ms;
};

static enum status ask_volume(void *context, struct db *db, struct err *err)
{
    struct asked *asked = context;
    struct arena arena = ARENA_INIT(1 << 20);
    struct analytics_query query = {
        .from_ms = 0, .to_ms = 3600000, .step_s = asked->step_s};
    struct analytics_result result = {0};
    enum status status = analytics_volume(db, &query, &arena, &result, err);
    asked->complete_from_ms = result.complete_from_ms;
    arena_release(&arena);
    return status;
}

static void analytics_tell_which_counts_were_deleted(void **state)
{
    struct world *world = *state;
    query_execute(world->fixture->store,
                  "INSERT INTO class_minute VALUES (60000, 1, 0, 1);"
                  "INSERT INTO class_quarter VALUES (0, 1, 0, 1, 1)");
    struct retention_options options = {.minute_days = 14};
    keep(world, &options);
    wait_for(world, "SELECT count(*) = 0 FROM class_minute");
    struct asked minutes = {.step_s = 60};
    struct asked quarters = {.step_s = 900};
    struct store *store = world->fixture->store;
    assert_int_equal(store_call(store, JOB_READER, ask_volume, &minutes, NULL), OK);
    assert_int_equal(store_call(store, JOB_READER, ask_volume, &quarters, NULL), OK);
    assert_int_equal(
        minutes.complete_from_ms,
        number(world, "SELECT complete_from_ms FROM v_retention WHERE kind = 'minutes'"));
    assert_true(minutes.complete_from_ms > 0);
    assert_int_equal(quarters.complete_from_ms, 0);
}

static void the_oldest_rows_go_while_the_database_is_too_large(void **state)
{
    struct world *world = *state;
    fill(world, 1, 400);
    int64_t rollups = number(world, ROLLUPS_SQL);
    int64_t used = number(world, "SELECT (page_count - freelist_count) * page_size FROM "
                                 "pragma_page_count(), pragma_freelist_count(), "
                                 "pragma_page_size()");
    struct retention_options options = {.row_bytes = used - 500000};
    keep(world, &options);
    wait_for(world, "SELECT deleted > 0 FROM v_retention WHERE kind = 'rows'");
    for (int i = 0; i < WAIT_ROUNDS && used > options.row_bytes; i++) {
        struct retention_counters counters;
        retention_counters_read(world->retention, &counters);
        used = counters.used_bytes ? (int64_t)counters.used_bytes : used;
        (void)usleep(WAIT_US);
    }
    assert_true(used <= options.row_bytes);
    assert_true(number(world, "SELECT count(*) FROM prediction") > 20000);
    assert_int_equal(number(world, "SELECT max(seq) FROM report"), 400);
    assert_int_equal(number(world, "SELECT 400 - min(seq) + 1 = count(*) FROM report"),
                     1);
    assert_int_equal(number(world,
                            "SELECT count(*) = 100 * (SELECT count(*) FROM report) "
                            "FROM prediction"),
                     1);
    assert_int_equal(number(world, ROLLUPS_SQL), rollups);
}

static void a_step_that_fails_deletes_nothing(void **state)
{
    struct world *world = *state;
    fill(world, 1, REPORTS);
    query_execute(world->fixture->store, AGE_SQL);
    query_execute(world->fixture->store,
                  "CREATE TRIGGER broken BEFORE UPDATE ON retention BEGIN SELECT "
                  "RAISE(ABORT, 'a test'); END");
    struct retention_options options = {.row_days = 30};
    keep(world, &options);
    struct retention_counters counters = {0};
    for (int i = 0; i < WAIT_ROUNDS && counters.failures == 0; i++) {
        retention_counters_read(world->retention, &counters);
        (void)usleep(WAIT_US);
    }
    assert_true(counters.failures > 0);
    assert_int_equal(counters.kinds[0].deleted, 0);
    assert_int_equal(number(world, "SELECT count(*) FROM prediction"), 100 * REPORTS);
    fill(world, REPORTS + 1, REPORTS + 1); /* ingest goes on */
    query_execute(world->fixture->store, "DROP TRIGGER broken");
    wait_for(world, "SELECT count(*) = 100 FROM prediction");
}

static void ids_grow_although_all_rows_are_gone(void **state)
{
    struct world *world = *state;
    fill(world, 1, 1);
    query_execute(world->fixture->store,
                  "DELETE FROM prediction; DELETE FROM report; UPDATE retention SET "
                  "complete_from_ms = (unixepoch() + 3600) * 1000 WHERE kind = 'rows'");
    restart(world, &for_ever);
    fill(world, 2, 2);
    assert_int_equal(number(world, "SELECT min(id) > complete_from_ms << 12 FROM "
                                   "prediction, retention WHERE kind = 'rows'"),
                     1);
}

/* Free pages take new rows where the file cannot grow. */
static void retention_by_size_makes_room_on_a_full_disk(void **state)
{
    static const char FULL_SQL[] = "PRAGMA max_page_count = 1"; /* as large as it is */
    struct world *world = *state;
    query_execute(world->fixture->store, FULL_SQL);
    int64_t seq = 1;
    while (report(world, seq).status == OK) {
        seq++;
    }
    assert_true(seq > 100); /* the pages of the pre-sized WAL were free */
    struct retention_options options = {
        .row_bytes =
            number(world, "SELECT page_count * page_size / 2 FROM pragma_page_count(), "
                          "pragma_page_size()")};
    restart(world, &options);
    query_execute(world->fixture->store, FULL_SQL);
    wait_for(world, "SELECT min(seq) > 1 FROM report");
    for (int64_t i = 0; i < 300; i++) {
        while (report(world, seq + i).status != OK) {
            (void)usleep(WAIT_US);
        }
    }
    assert_int_equal(number(world, "SELECT sum(n) FROM class_quarter"),
                     100 * (seq - 1 + 300));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(old_rows_go_and_rollups_samples_and_new_rows_stay),
        WITH_WORLD(the_database_tells_from_when_on_it_is_complete),
        WITH_WORLD(samples_minutes_and_rollups_have_ages_of_their_own),
        WITH_WORLD(analytics_tell_which_counts_were_deleted),
        WITH_WORLD(the_oldest_rows_go_while_the_database_is_too_large),
        WITH_WORLD(a_step_that_fails_deletes_nothing),
        WITH_WORLD(ids_grow_although_all_rows_are_gone),
        WITH_WORLD(retention_by_size_makes_room_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
