/* SPDX-License-Identifier: Apache-2.0 */
/* Summaries through admission: what is stored, what is counted, and when. */
#include "base/clock.h"
#include "tests/unit/format/summary_maker.h"
#include "tests/unit/service/ingest_fixture.h"

enum { ROWS = 3, MINUTE_MS = 60000 };

/* A report with a summary of 30 predictions of classes 0, 1 and 2 and three samples. */
struct told {
    struct summary_maker maker;
    struct report report;
    int64_t at_ms[ROWS], sample[ROWS];
    uint16_t class_index[ROWS], confidence[ROWS];
    uint32_t latency_us[ROWS];
    bool has_sample[ROWS];
};

static struct told *tell(int64_t seq, enum detail_mode mode, int64_t from_ms)
{
    struct told *told = test_calloc(1, sizeof *told);
    struct summary *summary = &told->maker.summary;
    maker_init(&told->maker, from_ms, from_ms + MINUTE_MS);
    for (unsigned i = 0; i < 30; i++) {
        (void)maker_add(&told->maker, i % 3, 9000 + i, 1000 + i * i);
        maker_count(&summary->entropy, i % 2, 0);
        maker_count(&summary->margin, 19, 0);
    }
    summary->mode = mode;
    summary->every = mode == DETAIL_SAMPLED ? 10 : 1;
    summary_spread_latency(summary);
    assert_int_equal(summary_check(summary, NULL), OK);
    for (unsigned i = 0; i < ROWS; i++) {
        told->at_ms[i] = from_ms + i;
        told->class_index[i] = (uint16_t)i;
        told->confidence[i] = (uint16_t)(9000 + i);
        told->latency_us[i] = 1000 + i * i;
        told->sample[i] = 70 + i;
        told->has_sample[i] = i > 0;
    }
    told->report = (struct report){
        .stream = 1,
        .seq = seq,
        .model = "fashion",
        .artifact = {1},
        .rows = mode == DETAIL_SUMMARY ? 0 : ROWS,
        .at_ms = told->at_ms,
        .class_index = told->class_index,
        .confidence = told->confidence,
        .latency_us = told->latency_us,
        .sample = told->sample,
        .has_sample = told->has_sample,
        .summary = summary,
        .body_hash = (uint32_t)seq,
    };
    return told;
}

static struct report_job apply(struct ingest_fixture *fixture,
                               const struct report *report)
{
    struct report_job job = report_job(fixture, 1, report);
    report_jobs_run(fixture, &job, 1);
    return job;
}

/* Tells one and expects it to be stored. */
static int64_t accept(struct ingest_fixture *fixture, int64_t seq, enum detail_mode mode,
                      int64_t from_ms)
{
    struct told *told = tell(seq, mode, from_ms);
    struct report_job job = apply(fixture, &told->report);
    assert_int_equal(job.status, OK);
    assert_int_equal(job.ack.rows, told->report.rows);
    test_free(told);
    return job.ack.first_id;
}

#define NUMBER(sql) query_number(fixture->store, sql)

static void a_summary_counts_and_the_rows_beside_it_do_not(void **state)
{
    struct ingest_fixture *fixture = *state;
    int64_t from_ms = clock_wall_ms() / MINUTE_MS * MINUTE_MS - MINUTE_MS;
    (void)accept(fixture, 1, DETAIL_SAMPLED, from_ms);
    assert_int_equal(NUMBER("SELECT count(*) FROM prediction"), ROWS);
    assert_int_equal(NUMBER("SELECT sum(n) FROM class_minute"), 30);
    assert_int_equal(NUMBER("SELECT min(minute_ms) FROM class_minute"), from_ms);
    assert_int_equal(NUMBER("SELECT count(*) FROM class_minute"), 3);
    assert_int_equal(NUMBER("SELECT sum(n) FROM class_quarter"), 30);
    assert_int_equal(NUMBER("SELECT sum(confidence_sum) FROM class_quarter"), 270435);
    assert_int_equal(NUMBER("SELECT sum(confidence_sum) FROM confidence_quarter"),
                     270435);
    assert_int_equal(NUMBER("SELECT sum(n) FROM v_latency_quarter"), 30);
    assert_int_equal(NUMBER("SELECT sum(latency_sum_us) FROM v_latency_quarter"), 38555);
    assert_int_equal(NUMBER("SELECT max(n) FROM entropy_quarter"), 15);
    assert_int_equal(NUMBER("SELECT n FROM margin_quarter WHERE bin = 19"), 30);
    assert_int_equal(NUMBER("SELECT sum(n) FROM node_hour"), 30);
    assert_int_equal(NUMBER("SELECT sum(confidence_sum) FROM node_hour"), 270435);
    assert_int_equal(NUMBER("SELECT sum(latency_sum_us) FROM node_hour"), 38555);
    assert_int_equal(NUMBER("SELECT sum(implausible) FROM node_hour"), 0);
    assert_int_equal(NUMBER("SELECT predictions FROM node_health"), 30);
}

static void what_was_told_can_be_read_again(void **state)
{
    struct ingest_fixture *fixture = *state;
    int64_t from_ms = clock_wall_ms() / MINUTE_MS * MINUTE_MS - MINUTE_MS;
    int64_t first_id = accept(fixture, 1, DETAIL_SAMPLED, from_ms);
    assert_int_equal(NUMBER("SELECT first_id FROM v_summary"), first_id);
    assert_int_equal(NUMBER("SELECT from_ms FROM v_summary"), from_ms);
    assert_int_equal(NUMBER("SELECT counted_ms FROM v_summary"), from_ms);
    assert_int_equal(NUMBER("SELECT to_ms - from_ms FROM v_summary"), MINUTE_MS);
    assert_int_equal(NUMBER("SELECT changes FROM v_summary"), 30);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_summary WHERE mode = 'sampled'"), 1);
    assert_int_equal(NUMBER("SELECT round(30 * mean_latency_us) FROM v_summary"), 38555);
    assert_int_equal(NUMBER("SELECT count(*) FROM (SELECT class, n, confidence_sum FROM"
                            " v_summary_class INTERSECT SELECT class, n, confidence_sum"
                            " FROM class_quarter)"),
                     3);
    assert_int_equal(NUMBER("SELECT count(*) FROM (SELECT bucket, n, latency_sum_us FROM"
                            " v_summary_latency EXCEPT SELECT bucket, n, latency_sum_us"
                            " FROM v_latency_quarter)"),
                     0);
    assert_int_equal(NUMBER("SELECT sum(n) FROM v_summary_latency"), 30);
    assert_int_equal(NUMBER("SELECT confidence_sum FROM v_summary_confidence"), 270435);
    assert_int_equal(NUMBER("SELECT predictions FROM v_reports"), 30);
}

static void samples_say_how_they_were_selected(void **state)
{
    struct ingest_fixture *fixture = *state;
    (void)accept(fixture, 1, DETAIL_SAMPLED, clock_wall_ms() - MINUTE_MS);
    (void)accept(fixture, 2, DETAIL_CHANGES, clock_wall_ms() - MINUTE_MS);
    (void)accept(fixture, 3, DETAIL_SUMMARY, clock_wall_ms() - MINUTE_MS);
    assert_int_equal(NUMBER("SELECT count(*) FROM sample WHERE reason = 'uniform' AND"
                            " probability = 0.1"),
                     2);
    assert_int_equal(NUMBER("SELECT count(*) FROM sample WHERE reason = 'change' AND"
                            " probability IS NULL"),
                     2);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_predictions WHERE counted"), 0);
    assert_int_equal(NUMBER("SELECT sum(weight) FROM v_predictions"), 30);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_predictions WHERE weight IS NULL"),
                     3);
}

/* A summary, rows that count, a summary without rows: ids beside each other. */
static void rows_that_count_are_told_from_samples_beside_them(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct told *full = tell(2, DETAIL_SAMPLED, clock_wall_ms() - MINUTE_MS);
    full->report.summary = NULL;
    (void)accept(fixture, 1, DETAIL_SAMPLED, clock_wall_ms() - MINUTE_MS);
    struct report_job job = apply(fixture, &full->report);
    assert_int_equal(job.status, OK);
    (void)accept(fixture, 3, DETAIL_SUMMARY, clock_wall_ms() - MINUTE_MS);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_predictions"), 2 * ROWS);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_predictions WHERE counted"), ROWS);
    assert_int_equal(NUMBER("SELECT min(id) FROM v_predictions WHERE counted"),
                     job.ack.first_id);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_predictions WHERE weight = 1"), ROWS);
    assert_int_equal(NUMBER("SELECT sum(n) FROM class_quarter"), 60 + ROWS);
    test_free(full);
}

static void an_implausible_interval_counts_at_receipt(void **state)
{
    struct ingest_fixture *fixture = *state;
    int64_t first_id = accept(fixture, 1, DETAIL_SUMMARY, -5000);
    assert_int_equal(NUMBER("SELECT sum(implausible) FROM node_hour"), 30);
    assert_int_equal(NUMBER("SELECT DISTINCT minute_ms FROM class_minute"),
                     (first_id >> 12) / MINUTE_MS * MINUTE_MS);
    assert_int_equal(NUMBER("SELECT from_ms FROM v_summary"), -5000);
    assert_int_equal(NUMBER("SELECT counted_ms FROM v_summary"), first_id >> 12);
}

static void a_summary_sent_again_counts_once(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct told *told = tell(1, DETAIL_SUMMARY, clock_wall_ms() - MINUTE_MS);
    struct report_job first = apply(fixture, &told->report);
    struct report_job again = apply(fixture, &told->report);
    assert_int_equal(first.status, OK);
    assert_true(again.ack.duplicate);
    assert_int_equal(again.ack.first_id, first.ack.first_id);
    assert_int_equal(NUMBER("SELECT sum(n) FROM class_quarter"), 30);
    assert_int_equal(NUMBER("SELECT count(*) FROM summary"), 1);
    test_free(told);
}

static void a_class_that_the_model_lacks_is_refused_and_named(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct told *told = tell(1, DETAIL_SUMMARY, clock_wall_ms() - MINUTE_MS);
    told->maker.classes[2].index = 10;
    struct report_job job = apply(fixture, &told->report);
    assert_int_equal(job.status, ERR_REPORT_CLASS);
    assert_string_equal(job.err.pointer, "/summary/class/index/2");
    assert_int_equal(NUMBER("SELECT count(*) FROM report"), 0);
    told->report.artifact[0] = 9; /* never published: any class is fine */
    assert_int_equal(apply(fixture, &told->report).status, OK);
    test_free(told);
}

static void a_thousand_classes_fit(void **state)
{
    struct ingest_fixture *fixture = *state;
    struct told *told = tell(1, DETAIL_SUMMARY, clock_wall_ms() - MINUTE_MS);
    struct summary *summary = &told->maker.summary;
    maker_init(&told->maker, summary->from_ms, summary->to_ms);
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        (void)maker_add(&told->maker, 64000 + i % SUMMARY_CLASSES_MAX, i % 10001,
                        histogram_latency_lower(i));
    }
    for (size_t i = 0; i < SUMMARY_CLASSES_MAX; i++) {
        summary->n += 999999999;
        told->maker.classes[i].n += 999999999;
        told->maker.classes[i].sum += INT64_C(9999) * 999999999;
    }
    told->report.artifact[0] = 9;
    assert_int_equal(apply(fixture, &told->report).status, OK);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_summary_class"), 1000);
    assert_int_equal(NUMBER("SELECT count(*) FROM v_summary_latency"), LATENCY_BUCKETS);
    test_free(told);
}

int main(void)
{
#define TEST(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_summary_counts_and_the_rows_beside_it_do_not),
        TEST(what_was_told_can_be_read_again),
        TEST(samples_say_how_they_were_selected),
        TEST(rows_that_count_are_told_from_samples_beside_them),
        TEST(an_implausible_interval_counts_at_receipt),
        TEST(a_summary_sent_again_counts_once),
        TEST(a_class_that_the_model_lacks_is_refused_and_named),
        TEST(a_thousand_classes_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
