/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/examine.h"

#include <stdio.h>
#include <string.h>

#include "server/store/db.h"
#include "server/store/migration.h"

static const char FACTS_SQL[] =
    "SELECT (SELECT server_id FROM server WHERE id = 1),"
    " (SELECT max(number) FROM migration),"
    " max(coalesce((SELECT max(id) FROM prediction), 0),"
    "     coalesce((SELECT max(first_id) FROM report), 0)),"
    " (SELECT count(*) FROM node), (SELECT count(*) FROM prediction)";

/* Each answers with no row, or with what is wrong. */
static const char *const CHECKS[] = {
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that is "
    "not "
    "there' FROM pragma_foreign_key_check",
    "SELECT 'prediction ' || id || ' has no cohort' FROM prediction"
    " WHERE cohort_id NOT IN (SELECT id FROM cohort)",
    "SELECT 'sample ' || id || ' has no cohort' FROM sample"
    " WHERE cohort_id NOT IN (SELECT id FROM cohort)",
    "SELECT 'report ' || first_id || ' is of a node that is not there' FROM report"
    " WHERE node_id NOT IN (SELECT id FROM node)",
};

static const char ARTIFACTS_SQL[] =
    "SELECT DISTINCT lower(hex(sha256)) FROM artifact WHERE listed = 1 ORDER BY 1";

static void plain_close(struct db *db)
{
    (void)sqlite3_close(db->handle);
}

/* A connection without statements and pragmas. */
#define PLAIN_DB __attribute__((cleanup(plain_close))) struct db

static enum status plain_open(const char *path, struct db *ret_db, struct err *err)
{
    *ret_db = (struct db){0};
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &ret_db->handle, flags, NULL) == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(ret_db->handle, 1);
        return OK;
    }
    return ret_db->handle ? db_error(ret_db, "open the database", err)
                          : err_set(err, ERR_NO_MEMORY, "no memory for SQLite");
}

static enum status read_facts(struct db *db, struct database_facts *ret_facts,
                              struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = db_prepare_once(db, FACTS_SQL, &stmt, err);
    if (status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    if (status != OK) {
        return status;
    }
    if (!row || db_column_is_null(stmt, 0)) {
        return err_set(err, ERR_NOT_FOUND, "the database was never initialised");
    }
    struct database_facts facts = {
        .schema = db_column_int(stmt, 1),
        .newest_id = db_column_int(stmt, 2),
        .nodes = db_column_int(stmt, 3),
        .predictions = db_column_int(stmt, 4),
    };
    (void)snprintf(facts.server_id, sizeof facts.server_id, "%s",
                   db_column_text(stmt, 0));
    *ret_facts = facts;
    return OK;
}

enum status examine_facts(const char *path, struct database_facts *ret_facts,
                          struct err *err)
{
    PLAIN_DB db;
    enum status status = plain_open(path, &db, err);
    if (status == OK) {
        status = read_facts(&db, ret_facts, err);
    }
    err_prefix(err, "'%.100s'", path);
    return status;
}

static enum status check_one(struct db *db, const char *sql, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = db_prepare_once(db, sql, &stmt, err);
    if (status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    if (status == OK && row) {
        return err_set(err, ERR_DB_CORRUPT, "%.200s", db_column_text(stmt, 0));
    }
    return status;
}

enum status examine_check(const char *path, struct err *err)
{
    struct database_facts facts = {0};
    int known = migrations[migrations_count - 1].number;
    PLAIN_DB db;
    enum status status = plain_open(path, &db, err);
    for (size_t i = 0; status == OK && i < sizeof CHECKS / sizeof CHECKS[0]; i++) {
        status = check_one(&db, CHECKS[i], err);
    }
    if (status == OK) {
        status = read_facts(&db, &facts, err);
    }
    if (status == OK && facts.schema > known) {
        status = err_set(err, ERR_DB_NEWER,
                         "the database has migration %lld, this program knows up to %d",
                         (long long)facts.schema, known);
    }
    err_prefix(err, "'%.100s'", path);
    return status;
}

static enum status each_artifact(struct db *db,
                                 enum status (*each)(void *context, const char *sha256,
                                                     struct err *err),
                                 void *context, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = true;
    enum status status = db_prepare_once(db, ARTIFACTS_SQL, &stmt, err);
    while (status == OK && row) {
        status = db_step(db, stmt, &row, err);
        if (status == OK && row) {
            status = each(context, db_column_text(stmt, 0), err);
        }
    }
    return status;
}

enum status examine_artifacts(const char *path,
                              enum status (*each)(void *context, const char *sha256,
                                                  struct err *err),
                              void *context, struct err *err)
{
    PLAIN_DB db;
    enum status status = plain_open(path, &db, err);
    return status == OK ? each_artifact(&db, each, context, err) : status;
}
