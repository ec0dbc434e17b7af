/* SPDX-License-Identifier: Apache-2.0 */
/* property_summaries: what the views of summaries must show, by brute force over the
 * predictions behind them. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_SUMMARIES_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_SUMMARIES_H

#include "tests/unit/service/property_rows.h"

static int64_t row_of_summary(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
    const struct summary *summary = sent->report.summary;
    const struct told *told = told_of(&sent->report);
    int64_t received_ms = sent->first_id / 4096;
    bool plausible = is_plausible(received_ms - summary->from_ms);
    int64_t confidence = 0;
    int64_t latency_us = 0;
    for (int i = 0; i < told->count; i++) {
        confidence += told->hidden[i].confidence;
        latency_us += told->hidden[i].latency_us;
    }
    assert_int_equal(db_column_int(stmt, 1), sent->node_id);
    assert_true(is_artifact(stmt, 2, sent->report.artifact[0]));
    assert_int_equal(db_column_int(stmt, 5), summary->from_ms);
    assert_int_equal(db_column_int(stmt, 6), summary->to_ms);
    assert_int_equal(db_column_int(stmt, 7), plausible);
    assert_int_equal(db_column_int(stmt, 8), plausible ? summary->from_ms : received_ms);
    assert_string_equal(db_column_text(stmt, 9), detail_mode_name(summary->mode));
    assert_int_equal(db_column_int(stmt, 10), summary->every);
    assert_int_equal(db_column_int(stmt, 11), sent->report.rows);
    assert_int_equal(db_column_int(stmt, 12), told->count);
    assert_int_equal(db_column_int(stmt, 13), summary->changes);
    assert_int_equal(db_column_int(stmt, 14), confidence);
    assert_int_equal(db_column_int(stmt, 15), latency_us);
    return 1;
}

static int64_t row_of_summary_class(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
    const struct told *told = told_of(&sent->report);
    int64_t n = 0;
    int64_t confidence = 0;
    for (int i = 0; i < told->count; i++) {
        bool same = told->hidden[i].class_index == db_column_int(stmt, 1);
        n += same;
        confidence += same ? told->hidden[i].confidence : 0;
    }
    assert_int_equal(db_column_int(stmt, 2), n);
    assert_int_equal(db_column_int(stmt, 3), confidence);
    return n;
}

static int64_t row_of_summary_confidence(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
    const struct told *told = told_of(&sent->report);
    int64_t bin = db_column_int(stmt, 1);
    int64_t n = 0;
    int64_t confidence = 0;
    for (int i = 0; i < told->count; i++) {
        bool same = bin_of(told->hidden[i].confidence) == bin;
        n += same;
        confidence += same ? told->hidden[i].confidence : 0;
    }
    assert_int_equal(db_column_int(stmt, 2), n);
    assert_int_equal(db_column_int(stmt, 3), confidence);
    assert_int_equal(db_column_int(stmt, 4), bin * 5);
    assert_int_equal(db_column_int(stmt, 5), bin * 5 + 5);
    return n;
}

static int64_t row_of_summary_latency(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *sent = find_sent(world, db_column_int(stmt, 0));
    const struct told *told = told_of(&sent->report);
    int64_t middle_us = db_column_int(stmt, 1);
    int fullest = 0;
    int64_t missing_us = told_missing_us(told, middle_of, &fullest);
    int64_t n = 0;
    for (int i = 0; i < told->count; i++) {
        n += middle_of(told->hidden[i].latency_us) == middle_us;
    }
    bool is_fullest = middle_of(told->hidden[fullest].latency_us) == middle_us;
    assert_int_equal(db_column_int(stmt, 2), n);
    assert_int_equal(db_column_int(stmt, 3),
                     n * middle_us + (is_fullest ? missing_us : 0));
    return n;
}

static int64_t row_of_bin(struct world *world, sqlite3_stmt *stmt, bool entropy)
{
    int64_t n = 0;
    for (int i = 0; i < world->all_count; i++) {
        const struct raw *raw = &world->raw[i];
        int bin = entropy ? raw->entropy_bin : raw->margin_bin;
        n += bin == db_column_int(stmt, 2) && raw->cohort_id == db_column_int(stmt, 1) &&
             start_of(raw->counted_ms, QUARTER_MS) == db_column_int(stmt, 0);
    }
    assert_int_equal(db_column_int(stmt, 3), n);
    return n;
}

static int64_t row_of_entropy(struct world *world, sqlite3_stmt *stmt)
{
    return row_of_bin(world, stmt, true);
}

static int64_t row_of_margin(struct world *world, sqlite3_stmt *stmt)
{
    return row_of_bin(world, stmt, false);
}

#endif
