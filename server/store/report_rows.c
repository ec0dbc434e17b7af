/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/report_rows.h"

#include <stdlib.h>

#include "format/report.h"
#include "server/store/db.h"

enum rows_column {
    ROWS_CLASS,
    ROWS_CONFIDENCE,
    ROWS_LATENCY_US,
    ROWS_LAG_MS,
    ROWS_VALUE,
    ROWS_SAMPLE,
};

static const char COLUMNS_SQL[] = "CREATE TABLE report_row(class, confidence,"
                                  " latency_us, lag_ms, value, sample)";

struct rows_table {
    sqlite3_vtab base; /* first */
    struct db *db;
};

struct rows_cursor {
    sqlite3_vtab_cursor base; /* first */
    const struct report_rows *rows;
    size_t at, end;
};

// NOLINTNEXTLINE(readability-function-size): SQLite fixes the parameters
static int rows_connect(sqlite3 *handle, void *context, int argc, const char *const *argv,
                        sqlite3_vtab **ret_table, char **ret_error)
{
    (void)argc;
    (void)argv;
    (void)ret_error;
    struct rows_table *table = calloc(1, sizeof *table);
    if (!table) {
        return SQLITE_NOMEM;
    }
    table->db = context;
    int code = sqlite3_declare_vtab(handle, COLUMNS_SQL);
    if (code != SQLITE_OK) {
        free(table);
        return code;
    }
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

/* There is one way to read it: from the first row to the last. */
static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedRows = REPORT_ROWS_MAX;
    info->estimatedCost = REPORT_ROWS_MAX;
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    struct rows_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) {
        return SQLITE_NOMEM;
    }
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static int rows_filter(sqlite3_vtab_cursor *base, int index, const char *index_name,
                       int argc, sqlite3_value **argv)
{
    (void)index;
    (void)index_name;
    (void)argc;
    (void)argv;
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    const struct rows_table *table = (const struct rows_table *)base->pVtab;
    cursor->rows = table->db->report_rows;
    cursor->at = cursor->rows ? cursor->rows->from : 0;
    cursor->end = cursor->rows ? cursor->rows->report->rows : 0;
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    ((struct rows_cursor *)base)->at++;
    return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    return cursor->at >= cursor->end;
}

/* A column without a result is NULL; SQLite takes NaN for NULL as well, which is what it
 * stands for here. */
static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    const struct report_rows *rows = cursor->rows;
    const struct report *report = rows->report;
    size_t at = cursor->at;
    switch ((enum rows_column)column) {
    case ROWS_CLASS:
        sqlite3_result_int64(result, report->class_index[at]);
        break;
    case ROWS_CONFIDENCE:
        sqlite3_result_int64(result, report->confidence[at]);
        break;
    case ROWS_LATENCY_US:
        sqlite3_result_int64(result, report->latency_us[at]);
        break;
    case ROWS_LAG_MS:
        sqlite3_result_int64(result, rows->lag_ms[at]);
        break;
    case ROWS_VALUE:
        if (report->value) {
            sqlite3_result_double(result, report->value[at]);
        }
        break;
    case ROWS_SAMPLE:
        if (report_has_sample(report, at)) {
            sqlite3_result_int64(result, report->sample[at]);
        }
        break;
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id)
{
    *ret_id = (sqlite3_int64)((const struct rows_cursor *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = rows_connect, /* no xCreate: the table has its module's name only */
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

enum status report_rows_register(struct db *db, struct err *err)
{
    if (sqlite3_create_module(db->handle, "report_row", &module, db) != SQLITE_OK) {
        return db_error(db, "register a table", err);
    }
    return OK;
}
