/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/node_history.h"

#include "server/store/db.h"

enum { NODE_VERSIONS, NODE_REPORT };

static const char *const sql[] = {
    /* CROSS JOIN: hours first, each of them one search of node_hour's key. */
    [NODE_VERSIONS] =
        "WITH RECURSIVE hour(ms) AS (SELECT ?2 UNION ALL SELECT ms + 3600000 FROM hour"
        " WHERE ms + 3600000 < ?3)"
        " SELECT c.model, c.artifact, min(h.first_received_ms), max(h.last_received_ms),"
        " sum_capped(h.n), sum_capped(h.reports)"
        " FROM hour CROSS JOIN node_hour AS h CROSS JOIN cohort AS c"
        " WHERE h.hour_ms = hour.ms AND h.node_id = ?1 AND c.id = h.cohort_id"
        " GROUP BY c.model, c.artifact ORDER BY 4 DESC, 3 DESC LIMIT 100",
    [NODE_REPORT] =
        "SELECT r.stream, r.seq, r.rows, r.sent_ms, r.dropped, c.model, c.artifact,"
        " coalesce(s.mode, 'full'), coalesce(s.n, r.rows), r.known, r.below_floor"
        " FROM report AS r JOIN cohort AS c ON c.id = r.cohort_id"
        " LEFT JOIN summary AS s ON s.first_id = r.first_id"
        " WHERE r.first_id = ?2 AND r.node_id = ?1",
};
const struct db_module_table node_history_statements = DB_MODULE_TABLE(sql);

enum status node_versions_load(struct db *db, const struct node_hours *hours,
                               node_version_each *each, void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_NODE_HISTORY, NODE_VERSIONS);
    db_bind_int(stmt, 1, hours->node_id);
    db_bind_int(stmt, 2, hours->from_ms);
    db_bind_int(stmt, 3, hours->to_ms);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct node_version_row row = {
            .model = db_column_text(stmt, 0),
            .first_received_ms = db_column_int(stmt, 2),
            .last_received_ms = db_column_int(stmt, 3),
            .predictions = db_column_int(stmt, 4),
            .reports = db_column_int(stmt, 5),
        };
        db_column_blob(stmt, 1, row.artifact, sizeof row.artifact);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status node_report_load(struct db *db, int64_t node_id, int64_t first_id,
                             node_report_each *each, void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_NODE_HISTORY, NODE_REPORT);
    db_bind_int(stmt, 1, node_id);
    db_bind_int(stmt, 2, first_id);
    bool there = false;
    enum status status = db_step(db, stmt, &there, err);
    if (status != OK || !there) {
        return status;
    }
    struct node_report_row row = {
        .first_id = first_id,
        .stream = db_column_int(stmt, 0),
        .seq = db_column_int(stmt, 1),
        .rows = db_column_int(stmt, 2),
        .sent_ms = db_column_int(stmt, 3),
        .dropped = db_column_int(stmt, 4),
        .model = db_column_text(stmt, 5),
        .mode = db_column_text(stmt, 7),
        .predictions = db_column_int(stmt, 8),
        .known = db_column_int(stmt, 9) != 0,
        .below_floor = db_column_int(stmt, 10) != 0,
    };
    db_column_blob(stmt, 6, row.artifact, sizeof row.artifact);
    return each(context, &row, err);
}
