/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/copy.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/store/db.h"

enum {
    TABLES_MAX = 128,
    NAME_BYTES = 64,
    SCHEMA_BYTES_MAX = 1024 * 1024,
    URI_BYTES_MAX = 3 * PATH_MAX,
    SLICE_US = 20000, /* aim for one read transaction */
    SLICE_ROWS_MIN = 256,
    SLICE_ROWS_MAX = 1000000,
};

/* Tables whose rows never change once they are committed, come in ascending order of
 * their rowid and are deleted from the lowest on, if ever. A table that is not listed is
 * copied right too: at the end, while the log file is pinned. `from` tells the rowid
 * below the first row received at ?1 or later. */
static const struct copied_ahead {
    const char *table;
    const char *from;
} COPIED_AHEAD[] = {
    {"prediction", "SELECT (?1 << 12) - 1"},
    {"sample", "SELECT (?1 << 12) - 1"},
    {"report", "SELECT max(first_id) - (first_id + max(rows, 1) - 1 >= ?1 << 12)"
               " FROM source.report WHERE first_id < ?1 << 12"},
    {"summary", "SELECT max(first_id) - (first_id + max(rows, 1) - 1 >= ?1 << 12)"
                " FROM source.summary WHERE first_id < ?1 << 12"},
};

/* Makes statements for any table, with its name as SQL itself quotes it. */
static const char SLICE_MAKER_SQL[] =
    "SELECT format('INSERT INTO main.\"%w\" SELECT * FROM source.\"%w\""
    " WHERE rowid > ?1 ORDER BY rowid LIMIT ?2', ?1, ?1)";
static const char TRIM_MAKER_SQL[] =
    "SELECT format('DELETE FROM main.\"%w\" WHERE rowid < coalesce("
    "(SELECT min(rowid) FROM source.\"%w\"), 9223372036854775807)', ?1, ?1)";
static const char WHOLE_MAKER_SQL[] =
    "SELECT format('INSERT INTO main.\"%w\" SELECT * FROM source.\"%w\"', ?1, ?1)";

/* The filler of the log file (wal.c) may be there for a moment. */
#define TABLES_OF_SOURCE                                                                 \
    "FROM source.sqlite_schema WHERE type = 'table' AND name <> 'wal_presize'"           \
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
static const char TABLES_SQL[] = "SELECT name, sql " TABLES_OF_SOURCE " ORDER BY rowid";
static const char OTHERS_SQL[] = "SELECT name, sql FROM source.sqlite_schema WHERE type "
                                 "IN ('index', 'view', 'trigger')"
                                 " AND sql IS NOT NULL ORDER BY type = 'trigger', rowid";
static const char HAS_SEQUENCE_SQL[] =
    "SELECT 1 FROM source.sqlite_schema WHERE name = 'sqlite_sequence'";
static const char COPY_SEQUENCE_SQL[] =
    "DELETE FROM main.sqlite_sequence;"
    "INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence";

/* The copy says of itself from when on it is complete. */
static const char COMPLETE_SINCE_SQL[] =
    "UPDATE main.retention SET complete_from_ms = max(complete_from_ms, ?1)"
    " WHERE kind IN ('rows', 'samples')";
static const char NEWEST_MS_SQL[] =
    "SELECT 1 + coalesce(max(first_id + max(rows, 1) - 1) >> 12, 0) FROM source.report";

static const char TARGET_PRAGMAS[] =
    "PRAGMA main.journal_mode=OFF; PRAGMA main.synchronous=OFF;"
    "PRAGMA main.locking_mode=EXCLUSIVE; PRAGMA secure_delete=0;"
    "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;";

struct table {
    char name[NAME_BYTES];
    const struct copied_ahead *ahead; /* NULL: copied at the end */
    int64_t last;                     /* rowid up to which it is copied */
};

struct copy {
    const struct copy_options *options;
    struct db db; /* the target, with the source attached */
    struct table tables[TABLES_MAX];
    size_t table_count;
    struct copy_result result;
    struct buf created; /* the schema of the tables, as it was at the start */
    struct buf others;  /* what is made of the schema at the end */
    int64_t slice_rows;
};

static void copy_close(struct copy *copy)
{
    buf_release(&copy->created);
    buf_release(&copy->others);
    (void)sqlite3_close(copy->db.handle);
}

/* "file:<path>?mode=ro" with everything escaped that a URI might read otherwise. */
static enum status read_only_uri(const char *path, struct buf *ret_uri, struct err *err)
{
    buf_addstr(ret_uri, "file:");
    for (const char *p = path; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("/._-", *p)) {
            buf_add(ret_uri, p, 1);
        } else {
            buf_addf(ret_uri, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
    buf_addstr(ret_uri, "?mode=ro");
    return buf_status(ret_uri, err);
}

static enum status attach(struct copy *copy, struct err *err)
{
    BUF_AUTO uri = BUF_INIT(URI_BYTES_MAX);
    DB_ONCE stmt = NULL;
    enum status status = read_only_uri(copy->options->source, &uri, err);
    if (status == OK) {
        status = db_prepare_once(&copy->db, "ATTACH ?1 AS source", &stmt, err);
    }
    if (status != OK) {
        return status;
    }
    db_bind_text(stmt, 1, uri.data);
    return db_run(&copy->db, stmt, err);
}

static enum status open_target(struct copy *copy, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_URI;
    int code = sqlite3_open_v2(copy->options->target, &copy->db.handle, flags, NULL);
    if (code != SQLITE_OK) {
        return copy->db.handle ? db_error(&copy->db, "create the copy", err)
                               : err_set(err, ERR_NO_MEMORY, "no memory for SQLite");
    }
    (void)sqlite3_extended_result_codes(copy->db.handle, 1);
    (void)sqlite3_busy_timeout(copy->db.handle, DB_BUSY_TIMEOUT_MS);
    enum status status = db_execute(&copy->db, TARGET_PRAGMAS, err);
    return status == OK ? attach(copy, err) : status;
}

static enum status number_of(struct copy *copy, const char *sql, int64_t argument,
                             int64_t *ret_number, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = db_prepare_once(&copy->db, sql, &stmt, err);
    if (status != OK) {
        return status;
    }
    if (sqlite3_bind_parameter_count(stmt) > 0) {
        db_bind_int(stmt, 1, argument);
    }
    status = db_step(&copy->db, stmt, &row, err);
    if (status == OK) {
        *ret_number = row ? db_column_int(stmt, 0) : 0;
    }
    return status;
}

/* Prepares the statement that `maker` makes for a table. */
static enum status prepare_for(struct copy *copy, const char *maker, const char *table,
                               sqlite3_stmt **ret_stmt, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = db_prepare_once(&copy->db, maker, &stmt, err);
    if (status == OK) {
        db_bind_text(stmt, 1, table);
        status = db_step(&copy->db, stmt, &row, err);
    }
    return status == OK
               ? db_prepare_once(&copy->db, db_column_text(stmt, 0), ret_stmt, err)
               : status;
}

static enum status add_table(struct copy *copy, const char *name, struct err *err)
{
    struct table *table = &copy->tables[copy->table_count];
    if (copy->table_count == TABLES_MAX || strlen(name) >= sizeof table->name) {
        return err_set(err, ERR_LIMIT, "too many tables, or the name '%.80s' is too long",
                       name);
    }
    copy->table_count++;
    (void)snprintf(table->name, sizeof table->name, "%s", name);
    table->last = INT64_MIN;
    for (size_t i = 0; i < sizeof COPIED_AHEAD / sizeof COPIED_AHEAD[0]; i++) {
        if (strcmp(name, COPIED_AHEAD[i].table) == 0) {
            table->ahead = &COPIED_AHEAD[i];
        }
    }
    return OK;
}

/* Joins the statements of the schema that `sql` finds; the tables are noted. */
static enum status read_schema(struct copy *copy, const char *sql, bool tables,
                               struct buf *ret_sql, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = true;
    enum status status = db_prepare_once(&copy->db, sql, &stmt, err);
    while (status == OK && row) {
        status = db_step(&copy->db, stmt, &row, err);
        if (status == OK && row && tables) {
            status = add_table(copy, db_column_text(stmt, 0), err);
        }
        if (status == OK && row) {
            buf_addf(ret_sql, "%s\n;\n", db_column_text(stmt, 1));
        }
    }
    return status == OK ? buf_status(ret_sql, err) : status;
}

static enum status create_tables(struct copy *copy, struct err *err)
{
    enum status status = read_schema(copy, TABLES_SQL, true, &copy->created, err);
    return status == OK ? db_execute(&copy->db, copy->created.data, err) : status;
}

/* The server may make and drop its filler meanwhile, but nothing else. */
static enum status check_tables(struct copy *copy, struct err *err)
{
    BUF_AUTO now = BUF_INIT(SCHEMA_BYTES_MAX);
    enum status status = read_schema(copy, TABLES_SQL, false, &now, err);
    if (status == OK && (now.len != copy->created.len ||
                         memcmp(now.data, copy->created.data, now.len) != 0)) {
        return err_set(err, ERR_UNAVAILABLE,
                       "the schema changed meanwhile (a new server started?): try again");
    }
    return status;
}

/* Copies up to `limit` rows (all for -1) beyond table->last. */
static enum status copy_slice(struct copy *copy, struct table *table, sqlite3_stmt *stmt,
                              int64_t limit, struct err *err)
{
    db_bind_int(stmt, 1, table->last);
    db_bind_int(stmt, 2, limit);
    enum status status = db_run(&copy->db, stmt, err);
    int64_t rows = status == OK ? db_changes(&copy->db) : 0;
    if (rows > 0) {
        table->last = db_last_id(&copy->db);
        copy->result.rows += rows;
    }
    return status;
}

static void rest(int64_t us)
{
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&time, NULL);
}

/* The next slice has as many rows as take about SLICE_US. */
static void learn_slice(struct copy *copy, int64_t took_us)
{
    int64_t rows = copy->slice_rows * SLICE_US / (took_us > 0 ? took_us : 1);
    if (rows > 2 * copy->slice_rows) {
        rows = 2 * copy->slice_rows;
    }
    copy->slice_rows = rows < SLICE_ROWS_MIN   ? SLICE_ROWS_MIN
                       : rows > SLICE_ROWS_MAX ? SLICE_ROWS_MAX
                                               : rows;
}

static enum status copy_ahead(struct copy *copy, struct table *table, struct err *err)
{
    DB_ONCE stmt = NULL;
    const struct copy_options *options = copy->options;
    enum status status = OK;
    if (options->since_ms > 0) {
        status =
            number_of(copy, table->ahead->from, options->since_ms, &table->last, err);
    }
    if (status == OK) {
        status = prepare_for(copy, SLICE_MAKER_SQL, table->name, &stmt, err);
    }
    bool more = true;
    while (status == OK && more) {
        int64_t before = copy->result.rows;
        int64_t began_us = clock_mono_us();
        int64_t limit = copy->slice_rows;
        status = copy_slice(copy, table, stmt, limit, err);
        int64_t took_us = clock_mono_us() - began_us;
        more = copy->result.rows - before == limit;
        if (options->progress) {
            options->progress(options->context, copy->result.rows);
        }
        if (more) {
            learn_slice(copy, took_us);
            rest(took_us / 4); /* others want to read and write too */
        }
    }
    return status;
}

static enum status copy_at_end(struct copy *copy, struct table *table, struct err *err)
{
    DB_ONCE trim = NULL;
    DB_ONCE stmt = NULL;
    enum status status = prepare_for(
        copy, table->ahead ? SLICE_MAKER_SQL : WHOLE_MAKER_SQL, table->name, &stmt, err);
    if (status == OK && table->ahead) {
        status = prepare_for(copy, TRIM_MAKER_SQL, table->name, &trim, err);
    }
    if (status == OK && table->ahead) {
        status = db_run(&copy->db, trim, err);
    }
    if (status != OK) {
        return status;
    }
    if (table->ahead) {
        return copy_slice(copy, table, stmt, -1, err);
    }
    status = db_run(&copy->db, stmt, err);
    copy->result.rows += status == OK ? db_changes(&copy->db) : 0;
    return status;
}

static bool left_out(const struct copy *copy, const struct table *table)
{
    return table->ahead && copy->options->no_rows;
}

static enum status note_what_is_left_out(struct copy *copy, struct err *err)
{
    int64_t from_ms = copy->options->since_ms;
    enum status status = OK;
    bool known = false; /* the table came with a later migration */
    for (size_t i = 0; i < copy->table_count; i++) {
        known = known || strcmp(copy->tables[i].name, "retention") == 0;
    }
    if (!known || (from_ms <= 0 && !copy->options->no_rows)) {
        return OK;
    }
    if (copy->options->no_rows) {
        status = number_of(copy, NEWEST_MS_SQL, 0, &from_ms, err);
    }
    DB_ONCE stmt = NULL;
    if (status == OK) {
        status = db_prepare_once(&copy->db, COMPLETE_SINCE_SQL, &stmt, err);
    }
    if (status != OK) {
        return status;
    }
    db_bind_int(stmt, 1, from_ms);
    return db_run(&copy->db, stmt, err);
}

/* Within the last transaction, which begins with the first look at the source. */
static enum status copy_rest(struct copy *copy, struct err *err)
{
    int64_t has_sequence = 0;
    enum status status = check_tables(copy, err);
    for (size_t i = 0; status == OK && i < copy->table_count; i++) {
        if (!left_out(copy, &copy->tables[i])) {
            status = copy_at_end(copy, &copy->tables[i], err);
        }
    }
    if (status == OK) {
        status = note_what_is_left_out(copy, err);
    }
    if (status == OK) {
        status = number_of(copy, HAS_SEQUENCE_SQL, 0, &has_sequence, err);
    }
    if (status == OK && has_sequence) {
        status = db_execute(&copy->db, COPY_SEQUENCE_SQL, err);
    }
    return status == OK ? read_schema(copy, OTHERS_SQL, false, &copy->others, err)
                        : status;
}

static enum status copy_at_once(struct copy *copy, struct err *err)
{
    enum status status = db_execute(&copy->db, "BEGIN", err);
    int64_t began_us = clock_mono_us();
    if (status == OK) {
        status = copy_rest(copy, err);
    }
    if (status == OK) {
        status = db_execute(&copy->db, "COMMIT", err);
    }
    copy->result.pinned_us = clock_mono_us() - began_us;
    return status;
}

enum status copy_make(const struct copy_options *options, struct copy_result *ret_result,
                      struct err *err)
{
    __attribute__((cleanup(copy_close))) struct copy copy = {
        .options = options,
        .created = BUF_INIT(SCHEMA_BYTES_MAX),
        .others = BUF_INIT(SCHEMA_BYTES_MAX),
        .slice_rows = 4096,
    };
    enum status status = open_target(&copy, err);
    if (status == OK) {
        status = create_tables(&copy, err);
    }
    for (size_t i = 0; status == OK && i < copy.table_count; i++) {
        if (copy.tables[i].ahead && !options->no_rows) {
            status = copy_ahead(&copy, &copy.tables[i], err);
        }
    }
    if (status == OK) {
        status = copy_at_once(&copy, err);
    }
    if (status == OK) {
        status = db_execute(&copy.db, copy.others.data ? copy.others.data : "", err);
    }
    err_prefix(err, "could not copy the database");
    if (status == OK && ret_result) {
        *ret_result = copy.result;
    }
    return status;
}
