/* SPDX-License-Identifier: Apache-2.0 */
/* query: any SQL on the store's threads, for tests. */
#ifndef MUSTER_TESTS_UNIT_STORE_QUERY_H
#define MUSTER_TESTS_UNIT_STORE_QUERY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/store/db.h"
#include "server/store/store.h"

struct query {
    const char *sql;
    int64_t number;
};

/* For store_call: the first column of the first row of `((struct query *)context)->sql`.
 */
static enum status query_run(void *context, struct db *db, struct err *err)
{
    struct query *query = context;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db->handle, query->sql, -1, &stmt, NULL) != SQLITE_OK) {
        return db_error(db, "prepare", err);
    }
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    query->number = status == OK && row ? db_column_int(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    return status;
}

/* The number that a query answers on a reader; fails the test on an error. */
static inline int64_t query_number(struct store *store, const char *sql)
{
    struct query query = {.sql = sql};
    struct err err = {0};
    if (store_call(store, JOB_READER, query_run, &query, &err) != OK) {
        fail_msg("%s: %s", sql, err.detail);
    }
    return query.number;
}

/* For store_call: runs the SQL text that is its context. */
static enum status query_execute_run(void *context, struct db *db, struct err *err)
{
    return db_execute(db, context, err);
}

/* Runs SQL on the writer; fails the test on an error. */
static inline void query_execute(struct store *store, const char *sql)
{
    struct err err = {0};
    void *context = (void *)(uintptr_t)sql;
    if (store_call(store, JOB_WRITER, query_execute_run, context, &err) != OK) {
        fail_msg("%s: %s", sql, err.detail);
    }
}

#endif
