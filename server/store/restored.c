/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/restored.h"

#include "server/store/db.h"

enum restored_statement {
    RESTORED_EPOCHS,
    RESTORED_SKIP,
    RESTORED_COUNT,
};

static const char *const sql[] = {
    [RESTORED_EPOCHS] = "UPDATE node SET epoch = min(epoch + 1, 4294967295)",
    /* The row of `node` is there even where no node is: makes sure of it. */
    [RESTORED_SKIP] = "INSERT OR REPLACE INTO sqlite_sequence(rowid, name, seq)"
                      " VALUES ((SELECT rowid FROM sqlite_sequence WHERE name = 'node'),"
                      " 'node', coalesce((SELECT seq FROM sqlite_sequence"
                      " WHERE name = 'node'), 0) + ?1)",
    [RESTORED_COUNT] = "SELECT (SELECT count(*) FROM node WHERE state <> 'revoked'),"
                       " (SELECT count(*) FROM api_token"
                       "  WHERE revoked_ms IS NULL AND expires_ms > ?1),"
                       " (SELECT count(*) FROM enrollment_token WHERE revoked_ms IS NULL"
                       "  AND expires_ms > ?1 AND uses < max_uses)",
};
const struct db_module_table restored_statements = DB_MODULE_TABLE(sql);

static enum status count(struct db *db, int64_t now_ms,
                         struct restored_counts *ret_counts, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_RESTORED, RESTORED_COUNT);
    bool row = false;
    db_bind_int(stmt, 1, now_ms);
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_counts = (struct restored_counts){
            .nodes = db_column_int(stmt, 0),
            .api_tokens = db_column_int(stmt, 1),
            .enrollment_tokens = db_column_int(stmt, 2),
        };
    }
    return status;
}

enum status restored_begin(struct db *db, int64_t now_ms,
                           struct restored_counts *ret_counts, struct err *err)
{
    DB_STMT epochs = db_statement(db, DB_RESTORED, RESTORED_EPOCHS);
    DB_STMT skip = db_statement(db, DB_RESTORED, RESTORED_SKIP);
    enum status status = db_run(db, epochs, err);
    if (status == OK) {
        db_bind_int(skip, 1, RESTORED_NODE_GAP);
        status = db_run(db, skip, err);
    }
    return status == OK ? count(db, now_ms, ret_counts, err) : status;
}
