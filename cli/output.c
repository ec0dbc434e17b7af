/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"

enum { CELL_BYTES_MAX = 4096, DIGEST_SHOWN = 12, COLUMNS_MAX = 16 };

bool output_is_json(const struct output *output)
{
    return output->json || (!output->table && !isatty(STDOUT_FILENO));
}

static int end_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? CLI_OK : CLI_FAILED;
}

static int print_json(const json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    (void)fputc('\n', stdout);
    return end_output();
}

static const json_t *find_member(const json_t *object, const char *member)
{
    char part[64];
    const char *dot = strchr(member, '.');
    if (!dot) {
        return json_object_get(object, member);
    }
    (void)snprintf(part, sizeof part, "%.*s", (int)(dot - member), member);
    return json_object_get(json_object_get(object, part), dot + 1);
}

/* C0 and C1 controls, DEL, line separators and the characters that turn the direction of
 * text. */
static bool is_unsafe(unsigned long code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x61c || code == 0xfeff;
}

/* Length in bytes and code of the character at `p`; the text is valid UTF-8 (jansson
 * checked it). */
static size_t next_character(const char *p, unsigned long *ret_code)
{
    unsigned char first = (unsigned char)*p;
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned long code = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    }
    *ret_code = code;
    return len;
}

static void add_safe(struct buf *cell, const char *text)
{
    while (*text) {
        unsigned long code = 0;
        size_t len = next_character(text, &code);
        if (is_unsafe(code)) {
            buf_addc(cell, '?');
        } else {
            buf_add(cell, text, len);
        }
        text += len;
    }
}

static void add_plain(struct buf *cell, const json_t *value)
{
    if (json_is_string(value)) {
        add_safe(cell, json_string_value(value));
    } else if (json_is_integer(value)) {
        buf_addi(cell, json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_addf(cell, "%.4g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        buf_addstr(cell, json_is_true(value) ? "yes" : "no");
    } else {
        buf_addstr(cell, "-");
    }
}

static void add_list(struct buf *cell, const json_t *array)
{
    size_t at;
    json_t *value;
    json_array_foreach((json_t *)array, at, value)
    {
        buf_addstr(cell, at > 0 ? "," : "");
        add_plain(cell, value);
    }
    if (json_array_size(array) == 0) {
        buf_addc(cell, '-');
    }
}

/* A member of an object: a list stands in brackets, so that its commas are its own. */
static void add_member(struct buf *cell, const json_t *value)
{
    if (json_is_array(value)) {
        buf_addc(cell, '[');
        add_list(cell, value);
        buf_addc(cell, ']');
    } else {
        add_plain(cell, value);
    }
}

static void add_pairs(struct buf *cell, const json_t *object)
{
    const char *key;
    json_t *value;
    const char *separator = "";
    json_object_foreach((json_t *)object, key, value)
    {
        buf_addstr(cell, separator);
        add_safe(cell, key);
        buf_addc(cell, '=');
        add_member(cell, value);
        separator = ",";
    }
    if (*separator == '\0') {
        buf_addc(cell, '-');
    }
}

static void add_any(struct buf *cell, const json_t *value)
{
    if (json_is_object(value)) {
        add_pairs(cell, value);
    } else if (json_is_array(value)) {
        add_list(cell, value);
    } else {
        add_plain(cell, value);
    }
}

static void add_cell(struct buf *cell, const json_t *object, const struct column *column)
{
    const json_t *value = find_member(object, column->member);
    char utc[RFC3339_BYTES];
    if (!value || json_is_null(value)) {
        buf_addc(cell, '-');
        return;
    }
    switch (column->kind) {
    case CELL_PLAIN:
        add_any(cell, value);
        return;
    case CELL_TIME:
        clock_format_utc(json_integer_value(value), utc);
        buf_addstr(cell, utc);
        return;
    case CELL_PERCENT:
        buf_addf(cell, "%.1f %%", 100.0 * json_number_value(value));
        return;
    case CELL_DIGEST:
        add_any(cell, value);
        cell->len = cell->len > DIGEST_SHOWN ? DIGEST_SHOWN : cell->len;
        cell->data[cell->len] = '\0';
        return;
    }
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

/* The cell's text, to be freed. */
static char *make_cell(const json_t *object, const struct column *column)
{
    struct buf cell = BUF_INIT(CELL_BYTES_MAX);
    add_cell(&cell, object, column);
    return buf_take(&cell);
}

static void print_padded(const char *text, size_t width, bool last)
{
    (void)fputs(text, stdout);
    for (size_t i = width_of(text); !last && i < width + 2; i++) {
        (void)fputc(' ', stdout);
    }
}

static void print_row(const json_t *object, const struct column *columns, size_t count,
                      const size_t *widths)
{
    for (size_t i = 0; i < count; i++) {
        char *cell = object ? make_cell(object, &columns[i]) : NULL;
        print_padded(object ? (cell ? cell : "?") : columns[i].title, widths[i],
                     i + 1 == count);
        free(cell);
    }
    (void)fputc('\n', stdout);
}

static void measure_row(const json_t *object, const struct column *columns, size_t count,
                        size_t *widths)
{
    for (size_t i = 0; i < count; i++) {
        char *cell = make_cell(object, &columns[i]);
        size_t width = cell ? width_of(cell) : 0;
        widths[i] = width > widths[i] ? width : widths[i];
        free(cell);
    }
}

int output_list(const struct output *output, const json_t *items,
                const struct column *columns, size_t count)
{
    if (output_is_json(output)) {
        return print_json(items);
    }
    size_t widths[COLUMNS_MAX] = {0};
    count = count > COLUMNS_MAX ? COLUMNS_MAX : count;
    for (size_t i = 0; i < count; i++) {
        widths[i] = width_of(columns[i].title);
    }
    size_t at;
    json_t *item;
    json_array_foreach((json_t *)items, at, item)
    {
        measure_row(item, columns, count, widths);
    }
    print_row(NULL, columns, count, widths);
    json_array_foreach((json_t *)items, at, item)
    {
        print_row(item, columns, count, widths);
    }
    return end_output();
}

int output_object(const struct output *output, const json_t *object,
                  const struct column *columns, size_t count)
{
    if (output_is_json(output)) {
        return print_json(object);
    }
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = width_of(columns[i].title);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < count; i++) {
        char *cell = make_cell(object, &columns[i]);
        print_padded(columns[i].title, width, false);
        printf("%s\n", cell ? cell : "?");
        free(cell);
    }
    return end_output();
}
