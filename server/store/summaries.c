/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/summaries.h"

#include "base/buf.h"
#include "format/histogram.h"
#include "format/report.h"
#include "format/summary.h"
#include "server/store/cell_text.h"
#include "server/store/db.h"
#include "server/store/reports.h"

enum { HISTOGRAMS_BYTES = CELL_TEXT_BYTES * (SUMMARY_CLASSES_MAX + 1900) };

enum { SUMMARY_INSERT };

static const char *const sql[] = {
    [SUMMARY_INSERT] =
        "INSERT INTO summary(first_id, node_id, cohort_id, lag_ms, length_ms, mode,"
        " every, rows, n, changes, confidence_sum, latency_sum_us, fullest_bucket,"
        " rest_us, classes, confidence, latency, entropy, margin) VALUES (?1, ?2, ?3, ?4,"
        " ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
};
const struct db_module_table summaries_statements = DB_MODULE_TABLE(sql);

/* A histogram as a JSON object. */
struct column {
    int parameter;
    const struct summary_cells *cells;
    bool sums; /* [n, sum] instead of n */
    size_t from, len;
};

static void write_column(struct buf *text, struct column *column)
{
    column->from = text->len;
    if (column->cells->count == 0) {
        return;
    }
    char *const from = buf_reserve(text, column->cells->count * CELL_TEXT_BYTES);
    char *at = from;
    for (size_t i = 0; from && i < column->cells->count; i++) {
        *at++ = i > 0 ? ',' : '{';
        const struct summary_cell *cell = &column->cells->cells[i];
        at = cell_text_put(at, &(struct cell_value){cell->index, cell->n, cell->sum},
                           column->sums);
    }
    if (from) {
        *at++ = '}';
        column->len = (size_t)(at - from);
        text->len += column->len;
    }
}

/* The fullest bucket, and how much more than n times its middle it has. */
static void bind_fullest(sqlite3_stmt *stmt, const struct summary_cells *latency)
{
    const struct summary_cell *fullest = latency->cells;
    for (size_t i = 1; i < latency->count; i++) {
        fullest = latency->cells[i].n > fullest->n ? &latency->cells[i] : fullest;
    }
    db_bind_int(stmt, 13, fullest->index);
    db_bind_int(stmt, 14,
                fullest->sum -
                    (int64_t)fullest->n * histogram_latency_middle(fullest->index));
}

static void bind_numbers(sqlite3_stmt *stmt, const struct report_place *place,
                         const struct report *report, int64_t lag_ms)
{
    const struct summary *summary = report->summary;
    int64_t confidence_sum = 0;
    for (size_t i = 0; i < summary->classes.count; i++) {
        confidence_sum += summary->classes.cells[i].sum;
    }
    db_bind_int(stmt, 1, place->first_id);
    db_bind_int(stmt, 2, place->node_id);
    db_bind_int(stmt, 3, place->cohort_id);
    db_bind_int(stmt, 4, lag_ms);
    db_bind_int(stmt, 5, summary->to_ms - summary->from_ms);
    db_bind_text(stmt, 6, detail_mode_name(summary->mode));
    db_bind_int(stmt, 7, summary->every);
    db_bind_int(stmt, 8, (int64_t)report->rows);
    db_bind_int(stmt, 9, summary->n);
    db_bind_int(stmt, 10, summary->changes);
    db_bind_int(stmt, 11, confidence_sum);
    db_bind_int(stmt, 12, summary->latency_sum_us);
    bind_fullest(stmt, &summary->latency);
}

enum status summary_insert(struct db *db, const struct report_place *place,
                           const struct report *report, int64_t lag_ms, struct err *err)
{
    const struct summary *summary = report->summary;
    struct column columns[] = {
        {.parameter = 15, .cells = &summary->classes, .sums = true},
        {.parameter = 16, .cells = &summary->confidence, .sums = true},
        {.parameter = 17, .cells = &summary->latency},
        {.parameter = 18, .cells = &summary->entropy},
        {.parameter = 19, .cells = &summary->margin},
    };
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    BUF_AUTO text = BUF_INIT(HISTOGRAMS_BYTES);
    for (int i = 0; i < COLUMNS; i++) {
        write_column(&text, &columns[i]);
    }
    enum status status = buf_status(&text, err);
    if (status != OK) {
        return status;
    }
    DB_STMT stmt = db_statement(db, DB_SUMMARIES, SUMMARY_INSERT);
    bind_numbers(stmt, place, report, lag_ms);
    for (int i = 0; i < COLUMNS; i++) {
        const struct column *column = &columns[i];
        if (column->len > 0) {
            db_bind_text_n(stmt, column->parameter, text.data + column->from,
                           column->len);
        }
    }
    return db_run(db, stmt, err);
}
