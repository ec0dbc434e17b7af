/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/registry_nodes.h"

#include <stdio.h>

#include "server/store/db.h"

enum nodes_statement {
    NODE_INSERT,
    NODE_UPDATE,
    NODE_SEEN,
    NODE_LOAD,
    LABEL_PUT,
    LABEL_REMOVE,
    LABELS_CLEAR,
    LABELS_LOAD,
    REPORTED_LOAD,
    LAGS_LOAD,
    HEALTH_GET,
    NODE_COUNT,
};

static const char *const sql[] = {
    [NODE_INSERT] = "INSERT INTO node(name, public_key, state, epoch, facts, enrolled_ms,"
                    " enrollment_token_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [NODE_UPDATE] = "UPDATE node SET name = ?2, state = ?3, epoch = ?4, facts = ?5"
                    " WHERE id = ?1",
    [NODE_SEEN] = "UPDATE node SET last_seen_ms = ?2 WHERE id = ?1",
    [NODE_LOAD] = "SELECT id, name, public_key, state, epoch, facts, enrolled_ms,"
                  " enrollment_token_id, last_seen_ms FROM node ORDER BY id",
    [LABEL_PUT] = "INSERT INTO node_label(node_id, key, source, value)"
                  " VALUES (?1, ?2, ?3, ?4)"
                  " ON CONFLICT DO UPDATE SET value = excluded.value",
    [LABEL_REMOVE] = "DELETE FROM node_label WHERE node_id = ?1 AND key = ?2",
    [LABELS_CLEAR] = "DELETE FROM node_label WHERE node_id = ?1 AND source = ?2",
    [LABELS_LOAD] = "SELECT node_id, key, source, value FROM node_label"
                    " ORDER BY node_id, key, source",
    [REPORTED_LOAD] = "SELECT h.node_id, h.report_ms, c.model, c.artifact, h.queued"
                      " FROM node_health AS h JOIN cohort AS c ON c.id = h.cohort_id"
                      " ORDER BY h.node_id",
    /* A summary is as late as its end. A look into the predictions for every node there
     * is would make the start of a large fleet five times as long. */
    [LAGS_LOAD] =
        "SELECT r.node_id, iif(s.first_id IS NOT NULL, s.lag_ms - s.length_ms,"
        "  (r.first_id >> 12) - (p.id >> 12) + p.lag_ms) AS lag"
        " FROM (SELECT first_id, node_id, rows FROM report"
        "  ORDER BY first_id DESC LIMIT 100000) AS r"
        " LEFT JOIN summary AS s ON s.first_id = r.first_id"
        " LEFT JOIN prediction AS p ON r.rows > 0 AND p.id = r.first_id + r.rows - 1"
        " WHERE lag IS NOT NULL ORDER BY r.first_id DESC",
    /* Ids are given in a row and nodes are never deleted: no need to count them. */
    [NODE_COUNT] = "SELECT coalesce(max(id), 0) FROM node",
    [HEALTH_GET] = "SELECT predictions, cpu_pct, rss_bytes, temp_c, power_mw, queued,"
                   " rejected, inferred, state, clock_doubt_ms, derived"
                   " FROM node_health WHERE node_id = ?1",
};
const struct db_module_table registry_nodes_statements = DB_MODULE_TABLE(sql);

static void bind_or_null(sqlite3_stmt *stmt, int index, int64_t value)
{
    if (value != 0) {
        db_bind_int(stmt, index, value);
    } else {
        db_bind_null(stmt, index);
    }
}

enum status node_row_insert(struct db *db, const struct node_row *row, int64_t *ret_id,
                            struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, NODE_INSERT);
    db_bind_text(stmt, 1, row->name);
    db_bind_blob(stmt, 2, row->public_key, sizeof row->public_key);
    db_bind_text(stmt, 3, row->state);
    db_bind_int(stmt, 4, row->epoch);
    db_bind_text(stmt, 5, row->facts);
    db_bind_int(stmt, 6, row->enrolled_ms);
    bind_or_null(stmt, 7, row->token_id);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status node_row_update(struct db *db, const struct node_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, NODE_UPDATE);
    db_bind_int(stmt, 1, row->id);
    db_bind_text(stmt, 2, row->name);
    db_bind_text(stmt, 3, row->state);
    db_bind_int(stmt, 4, row->epoch);
    db_bind_text(stmt, 5, row->facts);
    return db_run(db, stmt, err);
}

enum status node_row_seen(struct db *db, int64_t id, int64_t last_seen_ms,
                          struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, NODE_SEEN);
    db_bind_int(stmt, 1, id);
    db_bind_int(stmt, 2, last_seen_ms);
    return db_run(db, stmt, err);
}

enum status node_label_put(struct db *db, const struct node_label_row *row,
                           struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, LABEL_PUT);
    db_bind_int(stmt, 1, row->node_id);
    db_bind_text(stmt, 2, row->key);
    db_bind_text(stmt, 3, row->source);
    db_bind_text(stmt, 4, row->value);
    return db_run(db, stmt, err);
}

enum status node_label_remove(struct db *db, int64_t node_id, const char *key,
                              struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, LABEL_REMOVE);
    db_bind_int(stmt, 1, node_id);
    db_bind_text(stmt, 2, key);
    return db_run(db, stmt, err);
}

enum status node_labels_clear(struct db *db, int64_t node_id, const char *source,
                              struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, LABELS_CLEAR);
    db_bind_int(stmt, 1, node_id);
    db_bind_text(stmt, 2, source);
    return db_run(db, stmt, err);
}

enum status node_rows_count(struct db *db, int64_t *ret_count, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, NODE_COUNT);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_count = db_column_int(stmt, 0);
    }
    return status;
}

enum status node_rows_load(struct db *db,
                           enum status (*each)(void *context, const struct node_row *row,
                                               struct err *err),
                           void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, NODE_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct node_row row = {
            .id = db_column_int(stmt, 0),
            .name = db_column_text(stmt, 1),
            .state = db_column_text(stmt, 3),
            .epoch = db_column_int(stmt, 4),
            .facts = db_column_text(stmt, 5),
            .enrolled_ms = db_column_int(stmt, 6),
            .token_id = db_column_int(stmt, 7),
            .last_seen_ms = db_column_int(stmt, 8),
        };
        db_column_blob(stmt, 2, row.public_key, sizeof row.public_key);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status node_labels_load(struct db *db,
                             enum status (*each)(void *context,
                                                 const struct node_label_row *row,
                                                 struct err *err),
                             void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, LABELS_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct node_label_row row = {
            .node_id = db_column_int(stmt, 0),
            .key = db_column_text(stmt, 1),
            .source = db_column_text(stmt, 2),
            .value = db_column_text(stmt, 3),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

static unsigned present_if(sqlite3_stmt *stmt, int column, unsigned bit)
{
    return db_column_is_null(stmt, column) ? 0 : bit;
}

static struct health column_health(sqlite3_stmt *stmt, int column)
{
    struct health health = {
        .present = present_if(stmt, column, HEALTH_CPU_PCT) |
                   present_if(stmt, column + 1, HEALTH_RSS_BYTES) |
                   present_if(stmt, column + 2, HEALTH_TEMP_C) |
                   present_if(stmt, column + 3, HEALTH_POWER_MW) |
                   present_if(stmt, column + 4, HEALTH_QUEUED) |
                   present_if(stmt, column + 5, HEALTH_REJECTED) |
                   present_if(stmt, column + 6, HEALTH_INFERRED) |
                   present_if(stmt, column + 7, HEALTH_STATE) |
                   present_if(stmt, column + 8, HEALTH_CLOCK_DOUBT_MS),
        .cpu_pct = db_column_double(stmt, column),
        .rss_bytes = db_column_int(stmt, column + 1),
        .temp_c = db_column_double(stmt, column + 2),
        .power_mw = db_column_double(stmt, column + 3),
        .queued = db_column_int(stmt, column + 4),
        .rejected = db_column_int(stmt, column + 5),
        .inferred = db_column_int(stmt, column + 6),
        .clock_doubt_ms = db_column_int(stmt, column + 8),
    };
    (void)snprintf(health.state, sizeof health.state, "%s",
                   db_column_text(stmt, column + 7));
    return health;
}

enum status node_newest_get(struct db *db, int64_t node_id,
                            struct node_newest *ret_newest, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, HEALTH_GET);
    db_bind_int(stmt, 1, node_id);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status != OK) {
        return status;
    }
    *ret_newest = (struct node_newest){0};
    if (row) {
        ret_newest->predictions = db_column_int(stmt, 0);
        ret_newest->health = column_health(stmt, 1);
        ret_newest->has_derived = !db_column_is_null(stmt, 10);
        db_column_blob(stmt, 10, ret_newest->derived, sizeof ret_newest->derived);
    }
    return OK;
}

enum status node_reported_load(struct db *db,
                               enum status (*each)(void *context,
                                                   const struct node_reported_row *row,
                                                   struct err *err),
                               void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, REPORTED_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct node_reported_row row = {
            .node_id = db_column_int(stmt, 0),
            .report_ms = db_column_int(stmt, 1),
            .model = db_column_text(stmt, 2),
            .has_queued = !db_column_is_null(stmt, 4),
            .queued = db_column_int(stmt, 4),
        };
        db_column_blob(stmt, 3, row.artifact, sizeof row.artifact);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status node_lags_load(struct db *db,
                           enum status (*each)(void *context, int64_t node_id,
                                               int64_t lag_ms, struct err *err),
                           void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_NODES, LAGS_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        status = each(context, db_column_int(stmt, 0), db_column_int(stmt, 1), err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
