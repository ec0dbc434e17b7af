/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "format/json_plain.h"
#include "format/report_decoder.h"

enum { ROWS_AT_FIRST = 128, ROWS_GROWTH = 4 };

enum { REQUIRED_COUNT = COLUMN_LATENCY_US + 1 };

static const struct json_name column_names[COLUMN_COUNT] = {
    [COLUMN_AT_MS] = JSON_NAME("at_ms"),
    [COLUMN_CLASS] = JSON_NAME("class"),
    [COLUMN_CONFIDENCE] = JSON_NAME("confidence"),
    [COLUMN_LATENCY_US] = JSON_NAME("latency_us"),
    [COLUMN_VALUE] = JSON_NAME("value"),
    [COLUMN_SAMPLE] = JSON_NAME("sample"),
};

static const size_t item_bytes[STORAGE_COUNT] = {
    [COLUMN_AT_MS] = sizeof(int64_t),       [COLUMN_CLASS] = sizeof(uint16_t),
    [COLUMN_CONFIDENCE] = sizeof(uint16_t), [COLUMN_LATENCY_US] = sizeof(uint32_t),
    [COLUMN_VALUE] = sizeof(double),        [COLUMN_SAMPLE] = sizeof(int64_t),
    [COLUMN_HAS_SAMPLE] = sizeof(bool),
};

static enum status read_value(struct decoder *d, double *ret_value)
{
    bool null = false;
    enum status status = decoder_null(d, &null);
    if (status == OK && null) {
        *ret_value = NAN;
        return OK;
    }
    return status == OK ? decoder_double(d, "value", ret_value) : status;
}

static enum status read_sample(struct decoder *d, size_t at)
{
    static const struct integer_rule rule = {"sample", INT64_MIN, INT64_MAX};
    bool null = false;
    enum status status = decoder_null(d, &null);
    if (status == OK && !null) {
        status = decoder_integer(d, &rule, (int64_t *)d->columns[COLUMN_SAMPLE] + at);
    }
    ((bool *)d->columns[COLUMN_HAS_SAMPLE])[at] = !null;
    return status;
}

/* The short way for plain numbers in range; false, with nothing read, for all others. */
static inline __attribute__((always_inline)) bool
plain_item(struct decoder *d, enum column column, size_t at)
{
    static const uint64_t tens[] = {10000, 1000, 100, 10, 1};
    enum { EXACT_FRACTION = 4 };
    const char *from = d->scan.at;
    uint64_t digits = 0;
    unsigned fraction = 0;
    if (!json_scan_plain(&d->scan, &digits, &fraction)) {
        return false;
    }
    bool integer = fraction == 0;
    if (column == COLUMN_AT_MS && integer) {
        ((int64_t *)d->columns[column])[at] = (int64_t)digits;
    } else if (column == COLUMN_CLASS && integer && digits <= REPORT_CLASS_MAX) {
        ((uint16_t *)d->columns[column])[at] = (uint16_t)digits;
    } else if (column == COLUMN_LATENCY_US && integer && digits <= UINT32_MAX) {
        ((uint32_t *)d->columns[column])[at] = (uint32_t)digits;
    } else if (column == COLUMN_CONFIDENCE && fraction <= EXACT_FRACTION &&
               digits <= CONFIDENCE_ONE && digits * tens[fraction] <= CONFIDENCE_ONE) {
        ((uint16_t *)d->columns[column])[at] = (uint16_t)(digits * tens[fraction]);
    } else {
        d->scan.at = from;
        return false;
    }
    return true;
}

/* Reads item `at` of a column that has room for it. */
static enum status read_item(struct decoder *d, enum column column, size_t at)
{
    static const struct integer_rule at_ms = {"at_ms", INT64_MIN, INT64_MAX};
    static const struct integer_rule class_index = {"class", 0, REPORT_CLASS_MAX};
    static const struct integer_rule latency_us = {"latency_us", 0, UINT32_MAX};
    int64_t value = 0;
    enum status status = OK;
    if (plain_item(d, column, at)) {
        return OK;
    }
    switch (column) {
    case COLUMN_AT_MS:
        return decoder_integer(d, &at_ms, (int64_t *)d->columns[column] + at);
    case COLUMN_CLASS:
        status = decoder_integer(d, &class_index, &value);
        ((uint16_t *)d->columns[column])[at] = (uint16_t)value;
        return status;
    case COLUMN_CONFIDENCE:
        return decoder_confidence(d, (uint16_t *)d->columns[column] + at);
    case COLUMN_LATENCY_US:
        status = decoder_integer(d, &latency_us, &value);
        ((uint32_t *)d->columns[column])[at] = (uint32_t)value;
        return status;
    case COLUMN_VALUE:
        return read_value(d, (double *)d->columns[column] + at);
    case COLUMN_SAMPLE:
        return read_sample(d, at);
    case COLUMN_HAS_SAMPLE:
    case STORAGE_COUNT:
        break;
    }
    return err_set(d->scan.err, ERR_INTERNAL, "no such column");
}

static enum status no_memory(struct decoder *d)
{
    return err_set(d->scan.err, ERR_NO_MEMORY, "no memory for a report");
}

/* Gives every allocated column room for one more item than `used`. */
static enum status grow(struct decoder *d, size_t used)
{
    if (used < d->room) {
        return OK;
    }
    if (used == REPORT_ROWS_MAX) {
        return err_set(d->scan.err, ERR_REPORT_TOO_MANY,
                       "more than %d predictions in a report", REPORT_ROWS_MAX);
    }
    size_t room = d->room * ROWS_GROWTH;
    room = room > REPORT_ROWS_MAX ? REPORT_ROWS_MAX : room;
    for (int i = 0; i < STORAGE_COUNT; i++) {
        if (d->columns[i]) {
            void *larger = arena_array(d->arena, room, item_bytes[i]);
            if (!larger) {
                return no_memory(d);
            }
            memcpy(larger, d->columns[i], d->room * item_bytes[i]);
            d->columns[i] = larger;
        }
    }
    d->room = room;
    return OK;
}

static enum status add_column(struct decoder *d, size_t column)
{
    d->columns[column] = arena_array(d->arena, d->room, item_bytes[column]);
    return d->columns[column] ? OK : no_memory(d);
}

/* columnar form */

/* Reads the plain items that follow an item, while there is room; returns how many items
 * there are then. Inlined, so that a column's loop has no other column's branches. */
static inline __attribute__((always_inline)) size_t
plain_run(struct decoder *d, enum column column, size_t count)
{
    struct json_scan *scan = &d->scan;
    while (count < d->room && scan->at < scan->end && *scan->at == ',') {
        const char *comma = scan->at++;
        if (!plain_item(d, column, count)) {
            scan->at = comma;
            break;
        }
        count++;
    }
    return count;
}

static size_t plain_items(struct decoder *d, enum column column, size_t count)
{
    switch (column) {
    case COLUMN_AT_MS:
        return plain_run(d, COLUMN_AT_MS, count);
    case COLUMN_CLASS:
        return plain_run(d, COLUMN_CLASS, count);
    case COLUMN_CONFIDENCE:
        return plain_run(d, COLUMN_CONFIDENCE, count);
    case COLUMN_LATENCY_US:
        return plain_run(d, COLUMN_LATENCY_US, count);
    case COLUMN_VALUE:
    case COLUMN_SAMPLE:
    case COLUMN_HAS_SAMPLE:
    case STORAGE_COUNT:
        break;
    }
    return count;
}

static enum status read_column_items(struct decoder *d, enum column column)
{
    enum status status = json_scan_enter_list(&d->scan);
    size_t count = 0;
    bool more = true;
    while (status == OK) {
        status = json_scan_item(&d->scan, count == 0, &more);
        if (status != OK || !more) {
            break;
        }
        status = grow(d, count);
        if (status != OK) {
            err_set_pointer(d->scan.err, "/predictions/%s", column_names[column].text);
            return status;
        }
        status = read_item(d, column, count);
        if (status != OK) {
            err_set_pointer(d->scan.err, "/predictions/%s/%zu", column_names[column].text,
                            count);
        }
        count = plain_items(d, column, count + 1);
    }
    d->counts[column] = count;
    return status;
}

static enum status read_column(struct decoder *d, enum column column)
{
    if (json_scan_peek(&d->scan) != '[') {
        enum status status =
            json_scan_wrong_type(&d->scan, column_names[column].text, "a list");
        err_set_pointer(d->scan.err, "/predictions/%s", column_names[column].text);
        return status;
    }
    d->present |= 1u << column;
    enum status status = add_column(d, column);
    if (status == OK && column == COLUMN_SAMPLE) {
        status = add_column(d, COLUMN_HAS_SAMPLE);
    }
    return status == OK ? read_column_items(d, column) : status;
}

/* All required columns are there, and all have the same length. */
static enum status check_columns(struct decoder *d)
{
    size_t rows = d->counts[COLUMN_AT_MS];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const char *name = column_names[i].text;
        bool present = (d->present & 1u << i) != 0;
        enum status status = OK;
        if (!present && i < REQUIRED_COUNT) {
            status = err_set(d->scan.err, ERR_JSON_MISSING, "the column '%s' is missing",
                             name);
        } else if (present && d->counts[i] != rows) {
            status = err_set(d->scan.err, ERR_JSON_LENGTH,
                             "at_ms has %zu items, %s has %zu", rows, name, d->counts[i]);
        }
        if (status != OK) {
            err_set_pointer(d->scan.err, "/predictions/%s", name);
            return status;
        }
    }
    d->report.rows = rows;
    return OK;
}

static enum status read_columns(struct decoder *d)
{
    struct json_members members;
    enum status status =
        json_scan_enter_object(&d->scan, column_names, COLUMN_COUNT, &members);
    while (status == OK) {
        int column = 0;
        status = json_scan_member(&d->scan, &members, &column);
        if (status != OK) {
            return status;
        }
        if (column == JSON_END) {
            return check_columns(d);
        }
        status = column == JSON_UNKNOWN ? json_scan_skip(&d->scan)
                                        : read_column(d, (enum column)column);
    }
    return status;
}

/* row form */

static enum status check_row(struct decoder *d, uint32_t seen, size_t row)
{
    for (int i = 0; i < REQUIRED_COUNT; i++) {
        if (!(seen & 1u << i)) {
            enum status status = err_set(d->scan.err, ERR_JSON_MISSING, "%s is missing",
                                         column_names[i].text);
            err_set_pointer(d->scan.err, "/predictions/%zu/%s", row,
                            column_names[i].text);
            return status;
        }
    }
    d->present |= seen;
    return OK;
}

static enum status read_row_members(struct decoder *d, struct json_members *members,
                                    size_t row)
{
    enum status status = OK;
    while (status == OK) {
        int column = 0;
        status = json_scan_member(&d->scan, members, &column);
        if (status != OK) {
            return status;
        }
        if (column == JSON_END) {
            return check_row(d, members->seen, row);
        }
        status = column == JSON_UNKNOWN ? json_scan_skip(&d->scan)
                                        : read_item(d, (enum column)column, row);
        if (status != OK && column != JSON_UNKNOWN) {
            err_set_pointer(d->scan.err, "/predictions/%zu/%s", row,
                            column_names[column].text);
        }
    }
    return status;
}

static enum status read_row(struct decoder *d, size_t row)
{
    enum status status = grow(d, row);
    if (status != OK) {
        err_set_pointer(d->scan.err, "/predictions");
        return status;
    }
    if (json_scan_peek(&d->scan) != '{') {
        status = json_scan_wrong_type(&d->scan, "a prediction", "an object");
        err_set_pointer(d->scan.err, "/predictions/%zu", row);
        return status;
    }
    ((double *)d->columns[COLUMN_VALUE])[row] = NAN;
    struct json_members members;
    status = json_scan_enter_object(&d->scan, column_names, COLUMN_COUNT, &members);
    return status == OK ? read_row_members(d, &members, row) : status;
}

static enum status read_rows(struct decoder *d)
{
    d->report.by_rows = true;
    enum status status = json_scan_enter_list(&d->scan);
    for (size_t i = 0; status == OK && i < STORAGE_COUNT; i++) {
        status = add_column(d, i);
    }
    bool more = true;
    size_t rows = 0;
    while (status == OK) {
        status = json_scan_item(&d->scan, rows == 0, &more);
        if (status != OK || !more) {
            break;
        }
        status = read_row(d, rows);
        rows++;
    }
    d->report.rows = rows;
    return status;
}

enum status decoder_predictions(struct decoder *d)
{
    d->room = ROWS_AT_FIRST;
    char c = json_scan_peek(&d->scan);
    if (c == '{') {
        return read_columns(d);
    }
    return c == '[' ? read_rows(d)
                    : json_scan_wrong_type(&d->scan, "predictions",
                                           "an object of columns or a list of rows");
}
