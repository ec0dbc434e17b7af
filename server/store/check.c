/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/store/db.h"

enum { NAME_BYTES = 64, KEYS_MAX = 8, ROWS_PER_LOOK = 64 };

static const char NEXT_TABLE_SQL[] =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name > ?1 ORDER BY name";
static const char QUICK_SQL[] = "SELECT quick_check FROM pragma_quick_check(?1)"
                                " WHERE quick_check <> 'ok'";

/* Makes the statement that reads a table in order of its key, beyond a key; and tells
 * whether the table is one WITHOUT ROWID. */
static const char SCAN_MAKER_SQL[] =
    "SELECT iif(wr,"
    " (SELECT format('SELECT * FROM \"%w\" WHERE (%s) > (%s) ORDER BY %s',"
    "   ?1, group_concat(quoted), group_concat('?' || pk), group_concat(quoted))"
    "  FROM (SELECT format('\"%w\"', name) AS quoted, pk FROM pragma_table_info(?1)"
    "        WHERE pk > 0 ORDER BY pk)),"
    " format('SELECT rowid, * FROM \"%w\" NOT INDEXED WHERE rowid > ?1 ORDER BY rowid',"
    "   ?1)), wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";

/* Where the columns of the key stand in a row of a table WITHOUT ROWID. */
static const char KEY_SQL[] = "SELECT cid FROM pragma_table_info(?1) WHERE pk > 0"
                              " ORDER BY pk";

struct check {
    char table[NAME_BYTES]; /* the present one, "" at first */
    int steps;              /* in this table */
    int keys[KEYS_MAX];     /* columns of its key */
    int key_count;
    sqlite3_value *last[KEYS_MAX]; /* the key of the last row; NULL at first */
    int64_t rows;
};

static void forget_key(struct check *check)
{
    for (int i = 0; i < KEYS_MAX; i++) {
        sqlite3_value_free(check->last[i]);
        check->last[i] = NULL;
    }
}

struct check *check_new(void)
{
    return calloc(1, sizeof(struct check));
}

void check_free(struct check *check)
{
    if (check) {
        forget_key(check);
        free(check);
    }
}

int64_t check_rows(const struct check *check)
{
    return check->rows;
}

static enum status prepare(struct db *db, const char *sql, const char *table,
                           sqlite3_stmt **ret_stmt, struct err *err)
{
    enum status status = db_prepare_once(db, sql, ret_stmt, err);
    if (status == OK) {
        db_bind_text(*ret_stmt, 1, table);
    }
    return status;
}

/* Goes to the first table, or the next one; "" when there is none. */
static enum status next_table(struct check *check, struct db *db, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    char name[NAME_BYTES] = "";
    enum status status = prepare(db, NEXT_TABLE_SQL, check->table, &stmt, err);
    if (status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    if (status == OK && row) {
        (void)snprintf(name, sizeof name, "%s", db_column_text(stmt, 0));
    }
    if (status == OK) {
        memcpy(check->table, name, sizeof name);
        check->steps = 0;
        forget_key(check);
    }
    return status;
}

static enum status damaged(struct db *db, const char *table, const char *detail,
                           struct err *err)
{
    (void)err_set(err, ERR_DB_CORRUPT, "table %s: %.200s", table, detail);
    db_note_damage(db, err->detail);
    return ERR_DB_CORRUPT;
}

static enum status quick_check(const struct check *check, struct db *db, struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = prepare(db, QUICK_SQL, check->table, &stmt, err);
    if (status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    return status == OK && row ? damaged(db, check->table, db_column_text(stmt, 0), err)
                               : status;
}

/* In a table with a rowid it is the first column of the scan. */
static enum status find_key(struct check *check, struct db *db, bool without_rowid,
                            struct err *err)
{
    DB_ONCE stmt = NULL;
    bool row = true;
    check->keys[0] = 0;
    check->key_count = without_rowid ? 0 : 1;
    if (!without_rowid) {
        return OK;
    }
    enum status status = prepare(db, KEY_SQL, check->table, &stmt, err);
    while (status == OK && row) {
        status = db_step(db, stmt, &row, err);
        if (status == OK && row && check->key_count < KEYS_MAX) {
            check->keys[check->key_count++] = (int)db_column_int(stmt, 0);
        }
    }
    return status;
}

static void bind_key(const struct check *check, sqlite3_stmt *stmt)
{
    for (int i = 0; i < sqlite3_bind_parameter_count(stmt); i++) {
        if (check->last[i]) {
            (void)sqlite3_bind_value(stmt, i + 1, check->last[i]);
        } else {
            db_bind_int(stmt, i + 1, INT64_MIN); /* less than every key */
        }
    }
}

static enum status keep_key(struct check *check, sqlite3_stmt *stmt, struct err *err)
{
    forget_key(check);
    for (int i = 0; i < check->key_count; i++) {
        check->last[i] = sqlite3_value_dup(sqlite3_column_value(stmt, check->keys[i]));
        if (!check->last[i]) {
            forget_key(check);
            return err_set(err, ERR_NO_MEMORY, "no memory to check the database");
        }
    }
    return OK;
}

/* Decodes the row; false when its key is an integer that does not grow. */
static bool row_good(const struct check *check, sqlite3_stmt *stmt, int64_t *last)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        (void)sqlite3_column_type(stmt, i);
    }
    if (check->key_count != 1 ||
        sqlite3_column_type(stmt, check->keys[0]) != SQLITE_INTEGER) {
        return true;
    }
    int64_t key = db_column_int(stmt, check->keys[0]);
    bool grows = key > *last;
    *last = key;
    return grows;
}

static enum status read_rows(struct check *check, struct db *db, sqlite3_stmt *stmt,
                             int64_t until_us, bool *ret_end, struct err *err)
{
    int64_t last = INT64_MIN;
    bool row = true;
    for (int64_t read = 1; row; read++) {
        enum status status = db_step(db, stmt, &row, err);
        if (status != OK) {
            return status;
        }
        if (row && !row_good(check, stmt, &last)) {
            return damaged(db, check->table, "its rows are out of order", err);
        }
        check->rows += row;
        if (row && read % ROWS_PER_LOOK == 0 && clock_mono_us() >= until_us) {
            return keep_key(check, stmt, err);
        }
    }
    *ret_end = true;
    return OK;
}

static enum status scan(struct check *check, struct db *db, int64_t budget_us,
                        bool *ret_end, struct err *err)
{
    DB_ONCE maker = NULL;
    DB_ONCE stmt = NULL;
    bool row = false;
    enum status status = prepare(db, SCAN_MAKER_SQL, check->table, &maker, err);
    if (status == OK) {
        status = db_step(db, maker, &row, err);
    }
    if (status == OK && row) {
        status = find_key(check, db, db_column_int(maker, 1) != 0, err);
    }
    if (status == OK && row) {
        status = db_prepare_once(db, db_column_text(maker, 0), &stmt, err);
    }
    if (status != OK || !row) {
        *ret_end = status == OK; /* the table is gone */
        return status;
    }
    bind_key(check, stmt);
    return read_rows(check, db, stmt, clock_mono_us() + budget_us, ret_end, err);
}

/* One step within the present table; *ret_end when it is done. What fits into one step is
 * checked as a whole too: quick_check cannot be cut off. */
static enum status step_table(struct check *check, struct db *db, int64_t budget_us,
                              bool *ret_end, struct err *err)
{
    check->steps++;
    enum status status = scan(check, db, budget_us, ret_end, err);
    return status == OK && *ret_end && check->steps == 1 ? quick_check(check, db, err)
                                                         : status;
}

enum status check_step(struct check *check, struct db *db, int64_t budget_us,
                       bool *ret_done, struct err *err)
{
    enum status status = OK;
    bool end = false;
    *ret_done = false;
    db_set_deadline(db, 0, 0); /* the budget is ours, and shorter */
    if (check->table[0] == '\0') {
        status = next_table(check, db, err);
    }
    if (status == OK) {
        status = db_execute(db, "PRAGMA cell_size_check=ON", err);
    }
    if (status == OK) {
        status = step_table(check, db, budget_us, &end, err);
        db_discard(db_execute(db, "PRAGMA cell_size_check=OFF", NULL));
    }
    if (status == ERR_DB_CORRUPT) {
        err_clear(err); /* told; what else is damaged? */
        status = OK;
        end = true;
    }
    if (status == OK && end) {
        status = next_table(check, db, err);
        *ret_done = status == OK && check->table[0] == '\0';
    }
    return status;
}
