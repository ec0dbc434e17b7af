/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/series.h"

#include "server/store/db.h"

/* The cohorts are chosen first and once: their versions cost a look-up each. */
#define CHOSEN                                                                           \
    "WITH chosen AS MATERIALIZED (SELECT cohort_id, model, version, seq, artifact"       \
    " FROM v_cohort WHERE (?4 IS NULL OR model = ?4)"                                    \
    " AND (?5 IS NULL OR version = ?5) AND (?6 IS NULL OR artifact = ?6)) "

#define SELECT(time, slot, sum)                                                          \
    CHOSEN "SELECT c.model, c.version, c.artifact, (q." time " - ?1) / ?3 AS step,"      \
           " " slot " AS slot, sum_capped(q.n), " sum

#define GROUPED(view, time)                                                              \
    " FROM " view " AS q JOIN chosen AS c ON c.cohort_id = q.cohort_id"                  \
    " WHERE q." time " >= ?1 AND q." time " < ?2"                                        \
    " GROUP BY c.model, c.seq, c.artifact, step, slot"                                   \
    " ORDER BY c.model, c.seq, c.artifact, step, slot"

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

enum status series_read(struct db *db, enum series series,
                        const struct series_filter *filter,
                        enum status (*each)(void *context, const struct series_cell *cell,
                                            struct err *err),
                        void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_SERIES, (int)series);
    db_bind_int(stmt, 1, filter->from_ms);
    db_bind_int(stmt, 2, filter->to_ms);
    db_bind_int(stmt, 3, filter->step_ms);
    db_bind_text(stmt, 4, filter->model);
    db_bind_text(stmt, 5, filter->version);
    db_bind_text(stmt, 6, filter->artifact);
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
