/* SPDX-License-Identifier: Apache-2.0 */
/* db: one SQLite connection with its prepared statements. Internal to server/store.
 *
 * Each file of this folder that talks SQL has a const table of whole statements, indexed
 * by its own enum, and a line in modules.def. All of them are prepared when a connection
 * opens, so that a typo fails at start. A connection belongs to one thread at a time.
 *
 *   DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_INSERT);
 *   db_bind_int(stmt, 1, id);
 *   return db_run(db, stmt, err);
 *
 * Parameters are numbered ?1, ?2 … in the SQL. Text and blobs are bound without a copy:
 * they must live until the statement is reset, which DB_STMT does when it leaves scope.
 */
#ifndef MUSTER_SERVER_STORE_DB_H
#define MUSTER_SERVER_STORE_DB_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct report_rows;

enum { DB_BUSY_TIMEOUT_MS = 1000 };

enum db_module {
#define M(symbol, table) symbol,
#include "server/store/modules.def"
#undef M
    DB_MODULES
};

/* The statements of one file: `sql[i]` for every value i of its enum. */
struct db_module_table {
    const char *const *sql;
    int count;
};

/* Where upserts stop adding, as a sum that left 64 bits would fail and take the whole
 * group with it: the statements say sum_capped(old, more), or sum_capped(value) where sum
 * would fail. One transaction adds at most 2^62. */
#define DB_SUM_MAX ((INT64_C(1) << 62) - 1)

/* For SQL functions: adds up to there, and counts where more was to be added. */
void db_add_capped(struct db *db, int64_t *sum, int64_t more);

#define DB_MODULE_TABLE(array)                                                           \
    {                                                                                    \
        .sql = (array), .count = (int)(sizeof(array) / sizeof((array)[0]))               \
    }

/* What connections that copy the WAL find out about the disk; see wal.h. */
struct disk_state {
    atomic_bool checkpoint_failed; /* the last one, other than because of readers */
    atomic_bool lost;              /* no more transactions */
};

struct db {
    sqlite3 *handle;
    bool writer;
    bool write_failed; /* a statement failed since the writer last looked */
    sqlite3_stmt **statements[DB_MODULES];
    /* Readers: monotonic µs after which statements stop; 0: none. */
    int64_t deadline_us;
    int64_t gate_deadline_us; /* the same, once *gate_closed */
    const atomic_bool *gate_closed;
    atomic_bool *damaged;                  /* the store's; may be NULL */
    const struct report_rows *report_rows; /* what table report_row holds; may be NULL */
    int wal_frames;          /* writer: frames in the WAL after the last commit */
    uint64_t wal_commits;    /* writer: commits that wrote */
    uint64_t sums_capped;    /* writer: sums that were to grow beyond DB_SUM_MAX */
    struct disk_state *disk; /* writer: its own, or of the connection beside it */
    struct disk_state own_disk;
};

#define DB_STMT __attribute__((cleanup(db_statement_reset))) sqlite3_stmt *

/* Opens `path` (an existing file unless `create`), sets the pragmas, no statements yet.
 * ERR_NOT_FOUND, ERR_DB_CORRUPT, ERR_IO. */
enum status db_open(const char *path, bool writer, bool create, struct db **ret_db,
                    struct err *err) MUST_USE;

/* Prepares the statements of all modules; the schema must be complete. */
enum status db_prepare(struct db *db, struct err *err) MUST_USE;

/* Finalises everything. NULL is allowed. */
void db_close(struct db *db);

/* The prepared statement, ready for its first bind. Never NULL. */
sqlite3_stmt *db_statement(struct db *db, enum db_module module, int index);

/* Resets and unbinds; for DB_STMT. */
void db_statement_reset(sqlite3_stmt **stmt);

/* Binds parameter `index` (from 1). A wrong index is a programming error. */
void db_bind_int(sqlite3_stmt *stmt, int index, int64_t value);
void db_bind_double(sqlite3_stmt *stmt, int index, double value);
void db_bind_text(sqlite3_stmt *stmt, int index, const char *text); /* NULL: SQL NULL */
void db_bind_text_n(sqlite3_stmt *stmt, int index, const char *text, size_t len);
void db_bind_blob(sqlite3_stmt *stmt, int index, const void *data, size_t len);
void db_bind_null(sqlite3_stmt *stmt, int index);

/* Steps to the next row: *ret_row tells whether there is one. */
enum status db_step(struct db *db, sqlite3_stmt *stmt, bool *ret_row,
                    struct err *err) MUST_USE;

/* Runs to the end, dropping rows, then resets (bindings stay, so that a loop may bind
 * only what changes). */
enum status db_run(struct db *db, sqlite3_stmt *stmt, struct err *err) MUST_USE;

/* Columns of the present row, from 0. Text is "" for NULL and lives until the next step.
 * db_column_blob copies exactly `len` bytes, or zeroes when the length differs. */
int64_t db_column_int(sqlite3_stmt *stmt, int column);
double db_column_double(sqlite3_stmt *stmt, int column);
const char *db_column_text(sqlite3_stmt *stmt, int column);
void db_column_blob(sqlite3_stmt *stmt, int column, void *ret_data, size_t len);
bool db_column_is_null(sqlite3_stmt *stmt, int column);

/* The rowid of the last INSERT and the rows that the last statement changed. */
int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

/* A statement that is used once, outside the tables of modules.def (the schema may not be
 * complete yet); DB_ONCE finalises it. */
#define DB_ONCE __attribute__((cleanup(db_finalize))) sqlite3_stmt *
enum status db_prepare_once(struct db *db, const char *sql, sqlite3_stmt **ret_stmt,
                            struct err *err) MUST_USE;
void db_finalize(sqlite3_stmt **stmt);

/* Runs constant SQL (several statements are allowed) without preparing it for later. */
enum status db_execute(struct db *db, const char *sql, struct err *err) MUST_USE;

/* Turns the connection's last error into a status: SQLITE_FULL is ERR_DISK_FULL, IOERR
 * ERR_IO, NOMEM ERR_NO_MEMORY, CORRUPT and NOTADB ERR_DB_CORRUPT, a broken UNIQUE or
 * PRIMARY KEY ERR_EXISTS, INTERRUPT ERR_DB_DEADLINE, BUSY ERR_UNAVAILABLE, else ERR_DB.
 * `doing` completes "could not …". */
enum status db_error(struct db *db, const char *doing, struct err *err);

/* The database is damaged: remembers it and logs it, the first time. */
void db_note_damage(struct db *db, const char *detail);

/* Says that a status is of no interest: a rollback on the way out of another failure. */
static inline void db_discard(enum status status)
{
    (void)status;
}

/* Readers: sets the deadlines, in monotonic µs, for the statements that follow. */
void db_set_deadline(struct db *db, int64_t deadline_us, int64_t gate_deadline_us);

#endif
