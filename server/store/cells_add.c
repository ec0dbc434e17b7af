/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/cells_add.h"

#include <stdlib.h>

#include "server/store/cell_text.h"
#include "server/store/db.h"

/* One of the two texts, and the cell of it that is next. */
struct side {
    const char *at, *end;
    struct cell_value cell;
    enum cell_read state;
};

static void advance(struct side *side)
{
    int64_t before = side->cell.index;
    side->state = cell_text_read(&side->at, side->end, &side->cell);
    if (side->state == CELL_READ && side->cell.index <= before) {
        side->state = CELL_BROKEN;
    }
}

static struct side side_of(sqlite3_value *value)
{
    struct side side = {.cell.index = -1};
    side.at = (const char *)sqlite3_value_text(value);
    side.end = side.at ? side.at + sqlite3_value_bytes(value) : NULL;
    side.state = CELL_BROKEN;
    if (side.at) {
        advance(&side);
    }
    return side;
}

/* The lower of the two next cells, or both together. */
static struct cell_value take_next(struct db *db, struct side *a, struct side *b)
{
    bool has_a = a->state == CELL_READ;
    bool has_b = b->state == CELL_READ;
    bool from_a = has_a && (!has_b || a->cell.index <= b->cell.index);
    bool from_b = has_b && (!has_a || b->cell.index <= a->cell.index);
    struct cell_value cell = from_a ? a->cell : b->cell;
    if (from_a && from_b) {
        db_add_capped(db, &cell.n, b->cell.n);
        db_add_capped(db, &cell.sum, b->cell.sum);
    }
    if (from_a) {
        advance(a);
    }
    if (from_b) {
        advance(b);
    }
    return cell;
}

/* cells_add(old, more). */
static void cells_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct side a = side_of(values[0]);
    struct side b = side_of(values[1]);
    /* Each cell of the two texts has at least 9 bytes: {"0":[1,0 */
    size_t most = (size_t)(a.end - a.at + b.end - b.at) / 9 + 2;
    char *text = sqlite3_malloc64(most * CELL_TEXT_BYTES);
    if (!text) {
        sqlite3_result_error_nomem(context);
        return;
    }
    char *at = text;
    *at++ = '{';
    while (a.state == CELL_READ || b.state == CELL_READ) {
        struct cell_value cell = take_next(sqlite3_user_data(context), &a, &b);
        at = cell_text_put(at, &cell, true);
        *at++ = ',';
    }
    if (at[-1] == ',') {
        at--;
    }
    *at++ = '}';
    if (a.state == CELL_BROKEN || b.state == CELL_BROKEN) {
        sqlite3_free(text);
        sqlite3_result_error_code(context, SQLITE_CORRUPT);
        return;
    }
    sqlite3_result_text64(context, text, (sqlite3_uint64)(at - text), sqlite3_free,
                          SQLITE_UTF8);
}

enum status cells_add_register(struct db *db, struct err *err)
{
    int code = sqlite3_create_function_v2(db->handle, "cells_add", 2,
                                          SQLITE_UTF8 | SQLITE_DIRECTONLY, db, cells_add,
                                          NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : db_error(db, "register cells_add", err);
}
