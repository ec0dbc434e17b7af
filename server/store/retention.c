/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/retention.h"

#include "server/store/db.h"

enum retention_sql {
    ROWS_LAST_ID,
    ROWS_PREDICTIONS,
    ROWS_REPORTS,
    ROWS_SUMMARIES,
    SAMPLES_LAST_ID,
    SAMPLES,
    MINUTES,
    CLASS_QUARTERS,
    CONFIDENCE_QUARTERS,
    LATENCY_QUARTERS,
    ENTROPY_QUARTERS,
    MARGIN_QUARTERS,
    NODE_HOURS,
    NOTE,
    COMPLETE_FROM,
    USED_BYTES,
};

enum { ID_TIME_SHIFT = 12 };

/* Buckets of a table WITHOUT ROWID by the beginning of its key. */
#define DELETE_BUCKETS(table, key, start)                                                \
    "DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table               \
    " WHERE " start " < ?1 ORDER BY " start " LIMIT ?2)"

static const char *const sql[] = {
    [ROWS_LAST_ID] = "SELECT max(first_id + max(rows, 1) - 1), count(*) FROM (SELECT"
                     " first_id, rows FROM report WHERE first_id < ?1"
                     " ORDER BY first_id LIMIT ?2)",
    [ROWS_PREDICTIONS] = "DELETE FROM prediction WHERE id <= ?1",
    [ROWS_REPORTS] = "DELETE FROM report WHERE first_id <= ?1",
    [ROWS_SUMMARIES] = "DELETE FROM summary WHERE first_id <= ?1",
    [SAMPLES_LAST_ID] = "SELECT max(id), count(*) FROM (SELECT id FROM sample"
                        " WHERE id < ?1 ORDER BY id LIMIT ?2)",
    [SAMPLES] = "DELETE FROM sample WHERE id <= ?1",
    [MINUTES] =
        DELETE_BUCKETS("class_minute", "minute_ms, cohort_id, class", "minute_ms"),
    [CLASS_QUARTERS] =
        DELETE_BUCKETS("class_quarter", "quarter_ms, cohort_id, class", "quarter_ms"),
    [CONFIDENCE_QUARTERS] =
        DELETE_BUCKETS("confidence_quarter", "quarter_ms, cohort_id, bin", "quarter_ms"),
    [LATENCY_QUARTERS] =
        DELETE_BUCKETS("latency_quarter", "quarter_ms, cohort_id", "quarter_ms"),
    [ENTROPY_QUARTERS] =
        DELETE_BUCKETS("entropy_quarter", "quarter_ms, cohort_id, bin", "quarter_ms"),
    [MARGIN_QUARTERS] =
        DELETE_BUCKETS("margin_quarter", "quarter_ms, cohort_id, bin", "quarter_ms"),
    [NODE_HOURS] = DELETE_BUCKETS("node_hour", "hour_ms, node_id, cohort_id", "hour_ms"),
    [NOTE] = "UPDATE retention SET complete_from_ms = max(complete_from_ms, ?2),"
             " deleted = deleted + ?3, deleted_ms = ?4 WHERE kind = ?1",
    [COMPLETE_FROM] = "SELECT complete_from_ms FROM retention WHERE kind = ?1",
    [USED_BYTES] =
        "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(),"
        " pragma_freelist_count(), pragma_page_size()",
};
const struct db_module_table retention_statements = DB_MODULE_TABLE(sql);

static const char *const names[RETENTION_KINDS] = {
    [RETENTION_ROWS] = "rows",
    [RETENTION_SAMPLES] = "samples",
    [RETENTION_MINUTES] = "minutes",
    [RETENTION_ROLLUPS] = "rollups",
};

const char *retention_kind_name(enum retention_kind kind)
{
    return names[kind];
}

/* The oldest items below an id. */
struct oldest {
    int64_t last_id;
    int64_t count;
};

static enum status find_oldest(struct db *db, enum retention_sql index, int64_t before_id,
                               int64_t most, struct oldest *ret_oldest, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, (int)index);
    db_bind_int(stmt, 1, before_id);
    db_bind_int(stmt, 2, most);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_oldest = (struct oldest){.last_id = db_column_int(stmt, 0),
                                      .count = db_column_int(stmt, 1)};
    }
    return status;
}

static enum status delete_through(struct db *db, enum retention_sql index,
                                  int64_t last_id, struct retention_cut *cut,
                                  struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, (int)index);
    db_bind_int(stmt, 1, last_id);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        cut->deleted += db_changes(db);
    }
    return status;
}

/* What of a kind has ids: where its oldest end, and the tables that lose them. */
struct received {
    enum retention_sql last_id;
    enum retention_sql first_table, last_table;
};

static enum status delete_received(struct db *db, const struct received *received,
                                   int64_t before_ms, int64_t most,
                                   struct retention_cut *cut, struct err *err)
{
    struct oldest oldest = {0};
    enum status status = find_oldest(db, received->last_id, before_ms << ID_TIME_SHIFT,
                                     most, &oldest, err);
    if (status != OK || oldest.count == 0) {
        return status;
    }
    for (enum retention_sql i = received->first_table;
         status == OK && i <= received->last_table; i++) {
        status = delete_through(db, i, oldest.last_id, cut, err);
    }
    cut->complete_from_ms = (oldest.last_id >> ID_TIME_SHIFT) + 1;
    cut->more = oldest.count == most;
    return status;
}

static enum status delete_buckets(struct db *db, enum retention_sql index,
                                  int64_t before_ms, int64_t most,
                                  struct retention_cut *cut, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, (int)index);
    db_bind_int(stmt, 1, before_ms);
    db_bind_int(stmt, 2, most);
    enum status status = db_run(db, stmt, err);
    int64_t deleted = status == OK ? db_changes(db) : 0;
    cut->deleted += deleted;
    cut->more = cut->more || deleted == most;
    cut->complete_from_ms = cut->deleted > 0 ? before_ms : 0;
    return status;
}

enum status retention_delete(struct db *db, enum retention_kind kind, int64_t before_ms,
                             int64_t most, struct retention_cut *ret_cut, struct err *err)
{
    static const struct received rows = {ROWS_LAST_ID, ROWS_PREDICTIONS, ROWS_SUMMARIES};
    static const struct received samples = {SAMPLES_LAST_ID, SAMPLES, SAMPLES};
    struct retention_cut cut = {0};
    enum status status = OK;
    switch (kind) {
    case RETENTION_ROWS:
        status = delete_received(db, &rows, before_ms, most, &cut, err);
        break;
    case RETENTION_SAMPLES:
        status = delete_received(db, &samples, before_ms, most, &cut, err);
        break;
    case RETENTION_MINUTES:
        status = delete_buckets(db, MINUTES, before_ms, most, &cut, err);
        break;
    case RETENTION_ROLLUPS:
        for (enum retention_sql i = CLASS_QUARTERS; status == OK && i <= NODE_HOURS;
             i++) {
            status = delete_buckets(db, i, before_ms, most, &cut, err);
        }
        break;
    case RETENTION_KINDS:
        break;
    }
    if (status == OK) {
        *ret_cut = cut;
    }
    return status;
}

enum status retention_note(struct db *db, enum retention_kind kind,
                           const struct retention_cut *cut, int64_t now_ms,
                           struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, NOTE);
    db_bind_text(stmt, 1, names[kind]);
    db_bind_int(stmt, 2, cut->complete_from_ms);
    db_bind_int(stmt, 3, cut->deleted);
    db_bind_int(stmt, 4, now_ms);
    return db_run(db, stmt, err);
}

enum status retention_complete_from(struct db *db, enum retention_kind kind,
                                    int64_t *ret_ms, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, COMPLETE_FROM);
    db_bind_text(stmt, 1, names[kind]);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_ms = row ? db_column_int(stmt, 0) : 0;
    }
    return status;
}

enum status retention_used_bytes(struct db *db, uint64_t *ret_bytes, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RETENTION, USED_BYTES);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_bytes = (uint64_t)db_column_int(stmt, 0);
    }
    return status;
}
