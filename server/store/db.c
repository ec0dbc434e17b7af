/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/db.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/store/cells_add.h"
#include "server/store/report_rows.h"

enum {
    PROGRESS_STEPS = 4000, /* virtual machine steps between looks at the clock: ~20 µs */
};

#define M(symbol, table) extern const struct db_module_table table;
#include "server/store/modules.def"
#undef M

static const struct db_module_table *const module_tables[DB_MODULES] = {
#define M(symbol, table) [symbol] = &table,
#include "server/store/modules.def"
#undef M
};

static enum status status_of(int code)
{
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
        code == SQLITE_CONSTRAINT_ROWID) {
        return ERR_EXISTS;
    }
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_IOERR:
        return ERR_IO;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_DB_CORRUPT;
    case SQLITE_INTERRUPT:
        return ERR_DB_DEADLINE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_UNAVAILABLE;
    case SQLITE_CANTOPEN:
        return ERR_IO;
    default:
        return ERR_DB;
    }
}

void db_note_damage(struct db *db, const char *detail)
{
    if (db->damaged && !atomic_exchange(db->damaged, true)) {
        log_event(LOG_LEVEL_ERROR, "database_damaged", log_text("detail", detail),
                  log_text("advice", "restore a backup, or save what can be read: "
                                     "docs/OPERATIONS.md, The database is damaged"));
    }
}

enum status db_error(struct db *db, const char *doing, struct err *err)
{
    int code = sqlite3_extended_errcode(db->handle);
    db->write_failed = db->writer;
    if (status_of(code) == ERR_DB_CORRUPT) {
        db_note_damage(db, sqlite3_errmsg(db->handle));
    }
    return err_set(err, status_of(code), "could not %s: %s (%d)", doing,
                   sqlite3_errmsg(db->handle), code);
}

enum status db_execute(struct db *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return db_error(db, "execute a statement", err);
    }
    return OK;
}

enum status db_prepare_once(struct db *db, const char *sql, sqlite3_stmt **ret_stmt,
                            struct err *err)
{
    if (sqlite3_prepare_v2(db->handle, sql, -1, ret_stmt, NULL) != SQLITE_OK) {
        return db_error(db, "prepare a statement", err);
    }
    return OK;
}

void db_finalize(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt);
}

static int past_deadline(void *context)
{
    const struct db *db = context;
    bool closed = db->gate_closed && atomic_load(db->gate_closed);
    int64_t deadline_us = closed ? db->gate_deadline_us : db->deadline_us;
    return deadline_us != 0 && clock_mono_us() > deadline_us;
}

static int note_wal_frames(void *context, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    struct db *db = context;
    db->wal_frames = frames;
    db->wal_commits++;
    return SQLITE_OK;
}

/* The writer syncs every commit and checkpoints at its own pace; secure_delete, on by
 * default in Debian, would write every freed page again. */
static const char WRITER_PRAGMAS[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=0;"
    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;";

static const char READER_PRAGMAS[] = "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;"
                                     "PRAGMA wal_autocheckpoint=0;";

static bool add_capped(int64_t *sum, int64_t more)
{
    bool capped = __builtin_add_overflow(*sum, more, sum) || *sum > DB_SUM_MAX;
    *sum = capped ? DB_SUM_MAX : *sum;
    return capped;
}

void db_add_capped(struct db *db, int64_t *sum, int64_t more)
{
    db->sums_capped += add_capped(sum, more) ? 1 : 0;
}

/* sum_capped(old, more). */
static void sum_capped(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t sum = sqlite3_value_int64(values[0]);
    db_add_capped(sqlite3_user_data(context), &sum, sqlite3_value_int64(values[1]));
    sqlite3_result_int64(context, sum);
}

/* sum_capped(value) is sum(value) of integers, of which there is at least one. */
static void sum_capped_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t *sum = sqlite3_aggregate_context(context, sizeof *sum);
    if (!sum) {
        sqlite3_result_error_nomem(context);
        return;
    }
    (void)add_capped(sum, sqlite3_value_int64(values[0]));
}

static void sum_capped_final(sqlite3_context *context)
{
    const int64_t *sum = sqlite3_aggregate_context(context, sizeof *sum);
    sqlite3_result_int64(context, sum ? *sum : 0);
}

static enum status register_functions(struct db *db, struct err *err)
{
    const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    int code = sqlite3_create_function_v2(db->handle, "sum_capped", 2, flags, db,
                                          sum_capped, NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_create_function_v2(db->handle, "sum_capped", 1, flags, db, NULL,
                                          sum_capped_step, sum_capped_final, NULL);
    }
    return code == SQLITE_OK ? OK : db_error(db, "register sum_capped", err);
}

static enum status configure(struct db *db, struct err *err)
{
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
    enum status status =
        db_execute(db, db->writer ? WRITER_PRAGMAS : READER_PRAGMAS, err);
    if (status == OK) {
        status = report_rows_register(db, err);
    }
    if (status == OK) {
        status = register_functions(db, err);
    }
    if (status == OK) {
        status = cells_add_register(db, err);
    }
    if (status != OK) {
        return status;
    }
    if (db->writer) {
        /* Keep the file of the WAL: making it anew costs the writes of pre-sizing it. */
        int persist = 1;
        (void)sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
        (void)sqlite3_wal_hook(db->handle, note_wal_frames, db);
    } else {
        sqlite3_progress_handler(db->handle, PROGRESS_STEPS, past_deadline, db);
    }
    return OK;
}

/* SQLite's count of its memory costs a lock an allocation, and nobody reads it. Refused,
 * and of no consequence, when the program opened a database of its own before. */
static void set_up_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum status db_open(const char *path, bool writer, bool create, struct db **ret_db,
                    struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up_library);
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    db->writer = writer;
    db->disk = &db->own_disk;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    enum status status = OK;
    if (code != SQLITE_OK && db->handle) {
        status = db_error(db, "open the database", err);
    } else if (code != SQLITE_OK) {
        status = err_set(err, ERR_NO_MEMORY, "no memory to open '%s'", path);
    } else if (writer && sqlite3_db_readonly(db->handle, "main") == 1) {
        /* SQLite opens it for reading then, and says nothing. */
        status = err_set(err, ERR_IO, "the database cannot be written to");
    } else {
        status = configure(db, err);
    }
    if (status != OK) {
        err_prefix(err, "'%.100s'", path);
        db_close(db);
        return status;
    }
    *ret_db = db;
    return OK;
}

static enum status prepare_module(struct db *db, enum db_module module, struct err *err)
{
    const struct db_module_table *table = module_tables[module];
    db->statements[module] = calloc((size_t)table->count + 1, sizeof(sqlite3_stmt *));
    if (!db->statements[module]) {
        return err_set(err, ERR_NO_MEMORY, "no memory for prepared statements");
    }
    for (int i = 0; i < table->count; i++) {
        assert(table->sql[i] != NULL);
        int code =
            sqlite3_prepare_v3(db->handle, table->sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[module][i], NULL);
        if (code != SQLITE_OK) {
            enum status status = db_error(db, "prepare", err);
            err_prefix(err, "statement %d of module %d", i, (int)module);
            return status;
        }
    }
    return OK;
}

enum status db_prepare(struct db *db, struct err *err)
{
    for (int module = 0; module < DB_MODULES; module++) {
        enum status status = prepare_module(db, (enum db_module)module, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

static void finalize_module(struct db *db, int module)
{
    for (int i = 0; db->statements[module] && i < module_tables[module]->count; i++) {
        (void)sqlite3_finalize(db->statements[module][i]);
    }
    free(db->statements[module]);
}

void db_close(struct db *db)
{
    if (!db) {
        return;
    }
    for (int module = 0; module < DB_MODULES; module++) {
        finalize_module(db, module);
    }
    if (atomic_load(&db->disk->lost)) {
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    int code = sqlite3_close(db->handle);
    assert(code == SQLITE_OK);
    (void)code;
    free(db);
}

sqlite3_stmt *db_statement(struct db *db, enum db_module module, int index)
{
    assert(index >= 0 && index < module_tables[module]->count);
    sqlite3_stmt *stmt = db->statements[module][index];
    assert(stmt != NULL);
    return stmt;
}

void db_statement_reset(sqlite3_stmt **stmt)
{
    if (*stmt) {
        (void)sqlite3_reset(*stmt);
        (void)sqlite3_clear_bindings(*stmt);
    }
}

/* Static bindings allocate nothing, so only a wrong index or a busy statement can fail.
 */
static void bound(int code)
{
    assert(code == SQLITE_OK);
    (void)code;
}

void db_bind_int(sqlite3_stmt *stmt, int index, int64_t value)
{
    bound(sqlite3_bind_int64(stmt, index, value));
}

void db_bind_double(sqlite3_stmt *stmt, int index, double value)
{
    bound(sqlite3_bind_double(stmt, index, value));
}

void db_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    bound(sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC));
}

void db_bind_text_n(sqlite3_stmt *stmt, int index, const char *text, size_t len)
{
    assert(len <= INT_MAX);
    bound(sqlite3_bind_text(stmt, index, text, (int)len, SQLITE_STATIC));
}

void db_bind_blob(sqlite3_stmt *stmt, int index, const void *data, size_t len)
{
    assert(len <= INT_MAX);
    bound(sqlite3_bind_blob(stmt, index, data, (int)len, SQLITE_STATIC));
}

void db_bind_null(sqlite3_stmt *stmt, int index)
{
    bound(sqlite3_bind_null(stmt, index));
}

enum status db_step(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err)
{
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return db_error(db, "carry out a statement", err);
    }
    *ret_row = code == SQLITE_ROW;
    return OK;
}

enum status db_run(struct db *db, sqlite3_stmt *stmt, struct err *err)
{
    bool row = true;
    enum status status = OK;
    while (row && status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

int64_t db_column_int(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}

double db_column_double(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_double(stmt, column);
}

const char *db_column_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    return text ? (const char *)text : "";
}

void db_column_blob(sqlite3_stmt *stmt, int column, void *ret_data, size_t len)
{
    const void *data = sqlite3_column_blob(stmt, column);
    if (data && (size_t)sqlite3_column_bytes(stmt, column) == len) {
        memcpy(ret_data, data, len);
    } else {
        memset(ret_data, 0, len);
    }
}

bool db_column_is_null(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

void db_set_deadline(struct db *db, int64_t deadline_us, int64_t gate_deadline_us)
{
    db->deadline_us = deadline_us;
    db->gate_deadline_us = gate_deadline_us;
}
