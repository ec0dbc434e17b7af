/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/registry_detail.h"

#include "format/histogram.h"
#include "server/store/db.h"

static const int64_t QUARTER_MS = 900000;

enum { DETAIL_PUT, DETAIL_LOAD, DETAIL_RATES };

static const char *const sql[] = {
    [DETAIL_PUT] =
        "INSERT INTO model_detail(model, mode, every, interval_s, rows_per_day,"
        " changed_ms, changed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT DO UPDATE SET mode = excluded.mode, every = excluded.every,"
        " interval_s = excluded.interval_s, rows_per_day = excluded.rows_per_day,"
        " changed_ms = excluded.changed_ms, changed_by = excluded.changed_by",
    [DETAIL_LOAD] = "SELECT model, mode, every, interval_s, rows_per_day"
                    " FROM model_detail ORDER BY model",
    /* ?1: the start of the quarter-hour that runs. The newest summaries are enough for a
     * ratio, however many there are. */
    [DETAIL_RATES] =
        "WITH newest AS (SELECT max(quarter_ms) AS quarter_ms FROM class_quarter"
        " WHERE quarter_ms < ?1),"
        " told AS (SELECT cohort_id, 0 AS n, n AS summarised, changes FROM summary"
        " ORDER BY first_id DESC LIMIT 10000),"
        " counted AS (SELECT cohort_id, n, 0, 0 FROM class_quarter WHERE quarter_ms"
        " BETWEEN (SELECT quarter_ms FROM newest) - 2700000"
        " AND (SELECT quarter_ms FROM newest))"
        " SELECT c.model, sum(n), sum(summarised), sum(changes)"
        " FROM (SELECT * FROM told UNION ALL SELECT * FROM counted) AS a"
        " JOIN cohort AS c ON c.id = a.cohort_id GROUP BY c.model",
};
const struct db_module_table registry_detail_statements = DB_MODULE_TABLE(sql);

enum status detail_row_put(struct db *db, const struct detail_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_DETAIL, DETAIL_PUT);
    db_bind_text(stmt, 1, row->model);
    db_bind_text(stmt, 2, row->mode);
    db_bind_int(stmt, 3, row->every);
    db_bind_int(stmt, 4, row->interval_s);
    db_bind_int(stmt, 5, row->rows_per_day);
    db_bind_int(stmt, 6, row->changed_ms);
    db_bind_text(stmt, 7, row->changed_by);
    return db_run(db, stmt, err);
}

enum status detail_rows_load(struct db *db,
                             enum status (*each)(void *context,
                                                 const struct detail_row *row,
                                                 struct err *err),
                             void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_DETAIL, DETAIL_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct detail_row row = {
            .model = db_column_text(stmt, 0),
            .mode = db_column_text(stmt, 1),
            .every = db_column_int(stmt, 2),
            .interval_s = db_column_int(stmt, 3),
            .rows_per_day = db_column_int(stmt, 4),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status detail_rates_load(struct db *db, int64_t now_ms,
                              enum status (*each)(void *context,
                                                  const struct detail_rate_row *row,
                                                  struct err *err),
                              void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_DETAIL, DETAIL_RATES);
    db_bind_int(stmt, 1, histogram_time_bucket(now_ms, QUARTER_MS));
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct detail_rate_row row = {
            .model = db_column_text(stmt, 0),
            .n = db_column_int(stmt, 1),
            .summarised = db_column_int(stmt, 2),
            .changes = db_column_int(stmt, 3),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
