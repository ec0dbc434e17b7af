/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/rollups.h"

#include "base/buf.h"
#include "format/histogram.h"
#include "server/store/cell_text.h"
#include "server/store/db.h"

enum { NODE_HOUR = ROLLUPS };

static const char *const sql[] = {
    [ROLLUP_CLASS_MINUTE] =
        "INSERT INTO class_minute(minute_ms, cohort_id, class, n) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET n = sum_capped(n, excluded.n)",
    [ROLLUP_CLASS_QUARTER] =
        "INSERT INTO class_quarter(quarter_ms, cohort_id, class, n, confidence_sum)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET n = sum_capped(n, "
        "excluded.n),"
        " confidence_sum = sum_capped(confidence_sum, excluded.confidence_sum)",
    [ROLLUP_CONFIDENCE_QUARTER] =
        "INSERT INTO confidence_quarter(quarter_ms, cohort_id, bin, n, confidence_sum)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET n = sum_capped(n, "
        "excluded.n),"
        " confidence_sum = sum_capped(confidence_sum, excluded.confidence_sum)",
    [ROLLUP_LATENCY_QUARTER] =
        "INSERT INTO latency_quarter(quarter_ms, cohort_id, buckets) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET buckets = cells_add(buckets, excluded.buckets)",
    [ROLLUP_ENTROPY_QUARTER] =
        "INSERT INTO entropy_quarter(quarter_ms, cohort_id, bin, n)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n = sum_capped(n, "
        "excluded.n)",
    [ROLLUP_MARGIN_QUARTER] = "INSERT INTO margin_quarter(quarter_ms, cohort_id, bin, n)"
                              " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n = "
                              "sum_capped(n, excluded.n)",
    [NODE_HOUR] =
        "INSERT INTO node_hour(hour_ms, node_id, cohort_id, n, confidence_sum,"
        " latency_sum_us, implausible, reports, dropped, first_received_ms,"
        " last_received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO UPDATE SET n = sum_capped(n, excluded.n),"
        " confidence_sum = sum_capped(confidence_sum, excluded.confidence_sum),"
        " latency_sum_us = sum_capped(latency_sum_us, excluded.latency_sum_us),"
        " implausible = sum_capped(implausible, excluded.implausible),"
        " reports = reports + excluded.reports, dropped = sum_capped(dropped, "
        "excluded.dropped),"
        " first_received_ms = min(first_received_ms, excluded.first_received_ms),"
        " last_received_ms = max(last_received_ms, excluded.last_received_ms)",
};
const struct db_module_table rollups_statements = DB_MODULE_TABLE(sql);

enum status rollup_add(struct db *db, enum rollup rollup,
                       const struct rollup_delta *delta, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_ROLLUPS, (int)rollup);
    db_bind_int(stmt, 1, delta->bucket_ms);
    db_bind_int(stmt, 2, delta->cohort_id);
    db_bind_int(stmt, 3, delta->slot);
    db_bind_int(stmt, 4, delta->n);
    if (rollup == ROLLUP_CLASS_QUARTER || rollup == ROLLUP_CONFIDENCE_QUARTER) {
        db_bind_int(stmt, 5, delta->sum);
    }
    return db_run(db, stmt, err);
}

enum status rollup_add_latencies(struct db *db, const struct rollup_delta *deltas,
                                 size_t count, struct err *err)
{
    BUF_AUTO text = BUF_INIT(CELL_TEXT_BYTES * (LATENCY_BUCKETS + 1));
    char *const from = buf_reserve(&text, CELL_TEXT_BYTES * (count + 1));
    if (!from) {
        return buf_status(&text, err);
    }
    char *at = from;
    for (size_t i = 0; i < count; i++) {
        const struct cell_value cell = {deltas[i].slot, deltas[i].n, deltas[i].sum};
        *at++ = i > 0 ? ',' : '{';
        at = cell_text_put(at, &cell, true);
    }
    *at++ = '}';
    DB_STMT stmt = db_statement(db, DB_ROLLUPS, ROLLUP_LATENCY_QUARTER);
    db_bind_int(stmt, 1, deltas[0].bucket_ms);
    db_bind_int(stmt, 2, deltas[0].cohort_id);
    db_bind_text_n(stmt, 3, from, (size_t)(at - from));
    return db_run(db, stmt, err);
}

enum status node_hour_add(struct db *db, const struct node_hour_delta *delta,
                          struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_ROLLUPS, NODE_HOUR);
    db_bind_int(stmt, 1, delta->hour_ms);
    db_bind_int(stmt, 2, delta->node_id);
    db_bind_int(stmt, 3, delta->cohort_id);
    db_bind_int(stmt, 4, delta->n);
    db_bind_int(stmt, 5, delta->confidence_sum);
    db_bind_int(stmt, 6, delta->latency_sum_us);
    db_bind_int(stmt, 7, delta->implausible);
    db_bind_int(stmt, 8, delta->reports);
    db_bind_int(stmt, 9, delta->dropped);
    db_bind_int(stmt, 10, delta->first_received_ms);
    db_bind_int(stmt, 11, delta->last_received_ms);
    return db_run(db, stmt, err);
}
