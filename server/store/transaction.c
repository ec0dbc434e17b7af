/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/transaction.h"

#include "server/store/db.h"

enum transaction_sql {
    TRANSACTION_WRITE,
    TRANSACTION_READ,
    TRANSACTION_COMMIT,
    TRANSACTION_ROLLBACK,
    TRANSACTION_SAVEPOINT,
    TRANSACTION_RELEASE,
    TRANSACTION_ROLLBACK_TO,
};

static const char *const sql[] = {
    [TRANSACTION_WRITE] = "BEGIN IMMEDIATE",
    [TRANSACTION_READ] = "BEGIN",
    [TRANSACTION_COMMIT] = "COMMIT",
    [TRANSACTION_ROLLBACK] = "ROLLBACK",
    [TRANSACTION_SAVEPOINT] = "SAVEPOINT job",
    [TRANSACTION_RELEASE] = "RELEASE job",
    [TRANSACTION_ROLLBACK_TO] = "ROLLBACK TO job",
};
const struct db_module_table transaction_statements = DB_MODULE_TABLE(sql);

static enum status run(struct db *db, enum transaction_sql index, struct err *err)
{
    return db_run(db, db_statement(db, DB_TRANSACTION, (int)index), err);
}

enum status transaction_begin(struct db *db, struct err *err)
{
    if (atomic_load(&db->disk->lost)) {
        return err_set(err, ERR_IO, "the database was lost");
    }
    return run(db, db->writer ? TRANSACTION_WRITE : TRANSACTION_READ, err);
}

enum status transaction_commit(struct db *db, struct err *err)
{
    return run(db, TRANSACTION_COMMIT, err);
}

bool transaction_is_open(struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

void transaction_rollback(struct db *db)
{
    if (transaction_is_open(db)) {
        db_discard(run(db, TRANSACTION_ROLLBACK, NULL));
    }
}

enum status savepoint_begin(struct db *db, struct err *err)
{
    return run(db, TRANSACTION_SAVEPOINT, err);
}

enum status savepoint_release(struct db *db, struct err *err)
{
    return run(db, TRANSACTION_RELEASE, err);
}

enum status savepoint_rollback(struct db *db, struct err *err)
{
    enum status status = run(db, TRANSACTION_ROLLBACK_TO, err);
    return status == OK ? run(db, TRANSACTION_RELEASE, err) : status;
}
