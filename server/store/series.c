/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/series.h"

#include <string.h>

#include "format/histogram.h"
#include "server/store/cell_text.h"
#include "server/store/db.h"

/* The cohorts are chosen first and once: their versions cost a look-up each. */
#define CHOSEN                                                                           \
    "WITH chosen AS MATERIALIZED (SELECT cohort_id, model, version, seq, artifact"       \
    " FROM v_cohort WHERE (?4 IS NULL OR model = ?4)"                                    \
    " AND (?5 IS NULL OR version = ?5) AND (?6 IS NULL OR artifact = ?6)"                \
    " AND (?7 IS NULL OR label_1 = ?7) AND (?8 IS NULL OR label_2 = ?8)"                 \
    " AND (?9 IS NULL OR label_3 = ?9) AND (?10 IS NULL OR label_4 = ?10)) "

#define SELECT(time, slot, sum)                                                          \
    CHOSEN "SELECT c.model, c.version, c.artifact, (q." time " - ?1) / ?3 AS step,"      \
           " " slot " AS slot, sum_capped(q.n), " sum

#define GROUPED(view, time)                                                              \
    " FROM " view " AS q JOIN chosen AS c ON c.cohort_id = q.cohort_id"                  \
    " WHERE q." time " >= ?1 AND q." time " < ?2"                                        \
    " GROUP BY c.model, c.seq, c.artifact, step, slot"                                   \
    " ORDER BY c.model, c.seq, c.artifact, step, slot"

/* In the order of the table's key, so that no row waits for a later one. */
#define ROWS(table, time, slot, value)                                                   \
    CHOSEN "SELECT q." time ", q.cohort_id, " slot ", " value " FROM " table " AS q"     \
           " WHERE q." time " >= ?1 AND q." time " < ?2"                                 \
           " AND q.cohort_id IN (SELECT cohort_id FROM chosen) ORDER BY q." time         \
           ", q.cohort_id"

enum { ROWS_FIRST = SERIES_LATENCY + 1, COHORTS = ROWS_FIRST + SERIES_ROWS_NODE + 1 };

static const char *const sql[] = {
    [SERIES_VOLUME_MINUTE] =
        SELECT("minute_ms", "0", "0") GROUPED("v_class_minute", "minute_ms"),
    [SERIES_VOLUME_QUARTER] =
        SELECT("quarter_ms", "0", "0") GROUPED("v_class_quarter", "quarter_ms"),
    [SERIES_CLASS_MINUTE] =
        SELECT("minute_ms", "q.class", "0") GROUPED("v_class_minute", "minute_ms"),
    [SERIES_CLASS_QUARTER] =
        SELECT("quarter_ms", "q.class", "0") GROUPED("v_class_quarter", "quarter_ms"),
    [SERIES_CONFIDENCE] = SELECT("quarter_ms", "q.bin", "sum_capped(q.confidence_sum)")
        GROUPED("v_confidence_quarter", "quarter_ms"),
    [SERIES_LATENCY] = SELECT("quarter_ms", "q.bucket", "sum_capped(q.latency_sum_us)")
        GROUPED("v_latency_quarter", "quarter_ms"),
    [ROWS_FIRST + SERIES_ROWS_MINUTE] =
        ROWS("class_minute", "minute_ms", "q.class", "q.n") ", q.class",
    [ROWS_FIRST + SERIES_ROWS_QUARTER] =
        ROWS("class_quarter", "quarter_ms", "q.class", "q.n") ", q.class",
    [ROWS_FIRST + SERIES_ROWS_LATENCY] =
        ROWS("latency_quarter", "quarter_ms", "0", "q.buckets"),
    [ROWS_FIRST + SERIES_ROWS_NODE] = CHOSEN
    "SELECT hour_ms, cohort_id, 0, n FROM node_hour WHERE hour_ms >= ?1 AND hour_ms < ?2"
    " AND node_id = ?11 AND cohort_id IN (SELECT cohort_id FROM chosen)"
    " ORDER BY hour_ms, cohort_id",
    [COHORTS] = CHOSEN "SELECT cohort_id, artifact FROM chosen ORDER BY cohort_id",
};
const struct db_module_table series_statements = DB_MODULE_TABLE(sql);

static struct series_cell cell_of(sqlite3_stmt *stmt)
{
    return (struct series_cell){
        .model = db_column_text(stmt, 0),
        .version = db_column_is_null(stmt, 1) ? NULL : db_column_text(stmt, 1),
        .artifact = db_column_text(stmt, 2),
        .step = db_column_int(stmt, 3),
        .slot = db_column_int(stmt, 4),
        .n = db_column_int(stmt, 5),
        .sum = db_column_int(stmt, 6),
    };
}

static void bind_time(sqlite3_stmt *stmt, const struct series_filter *filter)
{
    db_bind_int(stmt, 1, filter->from_ms);
    db_bind_int(stmt, 2, filter->to_ms);
}

static void bind_choice(sqlite3_stmt *stmt, const struct series_filter *filter)
{
    db_bind_text(stmt, 4, filter->model);
    db_bind_text(stmt, 5, filter->version);
    db_bind_text(stmt, 6, filter->artifact);
    for (int i = 0; i < SERIES_LABELS; i++) {
        db_bind_text(stmt, 7 + i, filter->labels[i]);
    }
}

enum status series_read(struct db *db, enum series series,
                        const struct series_filter *filter,
                        enum status (*each)(void *context, const struct series_cell *cell,
                                            struct err *err),
                        void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_SERIES, (int)series);
    bind_time(stmt, filter);
    db_bind_int(stmt, 3, filter->step_ms);
    bind_choice(stmt, filter);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    while (status == OK && row) {
        struct series_cell cell = cell_of(stmt);
        status = each(context, &cell, err);
        if (status == OK) {
            status = db_step(db, stmt, &row, err);
        }
    }
    return status;
}

enum status series_cohorts(struct db *db, const struct series_filter *filter,
                           enum status (*each)(void *context,
                                               const struct series_cohort *cohort,
                                               struct err *err),
                           void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_SERIES, COHORTS);
    bind_choice(stmt, filter);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    while (status == OK && row) {
        struct series_cohort cohort = {.cohort_id = db_column_int(stmt, 0),
                                       .artifact = db_column_text(stmt, 1)};
        status = each(context, &cohort, err);
        if (status == OK) {
            status = db_step(db, stmt, &row, err);
        }
    }
    return status;
}

/* Who gets the rows of one statement. */
struct reader {
    enum status (*each)(void *context, const struct series_row *row, struct err *err);
    void *context;
};

/* The buckets of a histogram, a row each. */
static enum status hand_out_cells(const struct reader *reader, const char *text,
                                  struct series_row *row, struct err *err)
{
    const char *end = text + strlen(text);
    struct cell_value cell = {0};
    enum status status = OK;
    enum cell_read read = cell_text_read(&text, end, &cell);
    for (; status == OK && read == CELL_READ; read = cell_text_read(&text, end, &cell)) {
        if (cell.index < 0 || cell.index >= LATENCY_BUCKETS) {
            read = CELL_BROKEN;
            break;
        }
        row->slot = cell.index;
        row->n = cell.n;
        status = reader->each(reader->context, row, err);
    }
    if (status == OK && read == CELL_BROKEN) {
        status = err_set(err, ERR_DB_CORRUPT, "a histogram of latency is damaged");
    }
    return status;
}

enum status series_rows(struct db *db, enum series_rows rows,
                        const struct series_filter *filter,
                        enum status (*each)(void *context, const struct series_row *row,
                                            struct err *err),
                        void *context, struct err *err)
{
    const struct reader reader = {.each = each, .context = context};
    DB_STMT stmt = db_statement(db, DB_SERIES, ROWS_FIRST + (int)rows);
    bind_time(stmt, filter);
    bind_choice(stmt, filter);
    if (rows == SERIES_ROWS_NODE) {
        db_bind_int(stmt, 11, filter->node_id);
    }
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    while (status == OK && row) {
        struct series_row found = {.bucket_ms = db_column_int(stmt, 0),
                                   .cohort_id = db_column_int(stmt, 1),
                                   .slot = db_column_int(stmt, 2)};
        if (rows == SERIES_ROWS_LATENCY) {
            status = hand_out_cells(&reader, db_column_text(stmt, 3), &found, err);
        } else {
            found.n = db_column_int(stmt, 3);
            status = each(context, &found, err);
        }
        if (status == OK) {
            status = db_step(db, stmt, &row, err);
        }
    }
    return status;
}
