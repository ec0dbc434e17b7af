/* SPDX-License-Identifier: Apache-2.0 */
/* property_rows: what single rows, samples, reports and summaries must look like in the
 * views, and the predictions behind summaries as raws that brute force can count. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_ROWS_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_ROWS_H

#include "tests/unit/service/property_send.h"

/* The accepted report of that id. */
static inline const struct sent *find_sent(const struct world *world, int64_t first_id)
{
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        if (sent->accepted && sent->first_id == first_id) {
            return sent;
        }
    }
    fail_msg("report %lld was never sent", (long long)first_id);
    return NULL;
}

/* The accepted report that brought a row. */
static inline const struct sent *sent_of_row(const struct world *world, int64_t id)
{
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        if (sent->accepted && sent->first_id <= id &&
            id < sent->first_id + (int64_t)sent->report.rows) {
            return sent;
        }
    }
    fail_msg("row %lld was never sent", (long long)id);
    return NULL;
}

static inline int64_t predictions_of(const struct report *report)
{
    return report->summary ? report->summary->n : (int64_t)report->rows;
}

/* Appends what is behind one summary, and marks its rows as not counted. */
static inline void tell_one(struct world *world, const struct sent *sent,
                            int64_t cohort_id)
{
    const struct told *told = told_of(&sent->report);
    int64_t received_ms = sent->first_id / 4096;
    int64_t from_ms = sent->report.summary->from_ms;
    bool plausible = is_plausible(received_ms - from_ms);
    for (size_t row = 0; row < sent->report.rows; row++) {
        ((struct raw *)(uintptr_t)find_raw(world, sent->first_id + (int64_t)row))
            ->counted = false;
    }
    int fullest = 0;
    int64_t missing_us = told_missing_us(told, middle_of, &fullest);
    for (int i = 0; i < told->count; i++) {
        const struct hidden *hidden = &told->hidden[i];
        assert(world->all_count < RAW_MAX);
        world->raw[world->all_count++] = (struct raw){
            .node_id = sent->node_id,
            .cohort_id = cohort_id,
            .artifact = sent->report.artifact[0],
            .class_index = hidden->class_index,
            .confidence = hidden->confidence,
            .latency_us = hidden->latency_us,
            .latency_sum_us =
                middle_of(hidden->latency_us) + (i == fullest ? missing_us : 0),
            .entropy_bin = hidden->entropy_bin,
            .margin_bin = hidden->margin_bin,
            .plausible = plausible,
            .counted = true,
            .received_ms = received_ms,
            .counted_ms = plausible ? from_ms : received_ms,
        };
    }
}

static enum status tell_all(void *context, struct db *db, struct err *err)
{
    struct world *world = context;
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(
        db, "SELECT first_id, cohort_id FROM report ORDER BY first_id", &stmt, err);
    bool row = true;
    while (status == OK && row) {
        status = db_step(db, stmt, &row, err);
        if (status == OK && row) {
            const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
            if (sent->report.summary) {
                tell_one(world, sent, db_column_int(stmt, 1));
            }
        }
    }
    return status;
}

/* Puts what is behind every stored summary behind the raw rows. */
static inline void world_tell(struct world *world)
{
    struct err err = {0};
    world->all_count = world->raw_count;
    assert_int_equal(
        store_call(world->fleet.fixture->store, JOB_READER, tell_all, world, &err), OK);
}

static int64_t row_of_predictions(struct world *world, sqlite3_stmt *stmt)
{
    const struct raw *raw = find_raw(world, db_column_int(stmt, 0));
    assert_non_null(raw);
    const struct summary *summary = sent_of_row(world, raw->id)->report.summary;
    assert_true(is_artifact(stmt, 2, raw->artifact));
    assert_int_equal(db_column_int(stmt, 1), raw->node_id);
    assert_int_equal(db_column_int(stmt, 5), raw->received_ms);
    assert_int_equal(db_column_int(stmt, 6), raw->received_ms - raw->lag_ms);
    assert_int_equal(db_column_int(stmt, 7), raw->counted_ms);
    assert_int_equal(db_column_int(stmt, 8), raw->plausible);
    assert_int_equal(db_column_int(stmt, 9), raw->class_index);
    assert_int_equal(db_column_int(stmt, 10), raw->confidence);
    assert_int_equal(db_column_int(stmt, 11), summary == NULL);
    assert_int_equal(db_column_is_null(stmt, 12),
                     summary && summary->mode == DETAIL_CHANGES);
    assert_int_equal(db_column_int(stmt, 12), !summary ? 1
                                              : summary->mode == DETAIL_SAMPLED
                                                  ? summary->every
                                                  : 0);
    return 1;
}

static int64_t row_of_samples(struct world *world, sqlite3_stmt *stmt)
{
    const struct raw *raw = find_raw(world, db_column_int(stmt, 0));
    assert_true(raw && raw->has_sample);
    const struct summary *summary = sent_of_row(world, raw->id)->report.summary;
    bool uniform = summary && summary->mode == DETAIL_SAMPLED;
    assert_true(is_artifact(stmt, 2, raw->artifact));
    assert_int_equal(db_column_int(stmt, 1), raw->node_id);
    assert_int_equal(db_column_int(stmt, 5), raw->sample);
    assert_int_equal(db_column_int(stmt, 6), raw->class_index);
    assert_int_equal(db_column_int(stmt, 7), raw->received_ms - raw->lag_ms);
    assert_string_equal(db_column_text(stmt, 8), uniform   ? "uniform"
                                                 : summary ? "change"
                                                           : "node");
    assert_int_equal(db_column_is_null(stmt, 9), !uniform);
    assert_true(!uniform || fabs(db_column_double(stmt, 9) * summary->every - 1) < 1e-9);
    return 1;
}

static int64_t row_of_reports(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
    const struct summary *summary = sent->report.summary;
    assert_int_equal(db_column_int(stmt, 1), sent->node_id);
    assert_true(is_artifact(stmt, 2, sent->report.artifact[0]));
    assert_int_equal(db_column_int(stmt, 5), sent->report.stream);
    assert_int_equal(db_column_int(stmt, 6), sent->report.seq);
    assert_int_equal(db_column_int(stmt, 7), sent->report.rows);
    assert_int_equal(db_column_int(stmt, 8), sent->report.artifact[0] != 9);
    assert_string_equal(db_column_text(stmt, 9),
                        summary ? detail_mode_name(summary->mode) : "full");
    assert_int_equal(db_column_int(stmt, 10), predictions_of(&sent->report));
    return 1;
}

#endif
