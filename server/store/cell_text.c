/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/cell_text.h"

/* Writes digits at `at`; where they end. */
static char *put_number(char *at, int64_t value)
{
    char digits[20];
    char *first = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0) {
        *at++ = '-';
    }
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    while (first < digits + sizeof digits) {
        *at++ = *first++;
    }
    return at;
}

char *cell_text_put(char *at, const struct cell_value *cell, bool sums)
{
    *at++ = '"';
    at = put_number(at, cell->index);
    *at++ = '"';
    *at++ = ':';
    if (!sums) {
        return put_number(at, cell->n);
    }
    *at++ = '[';
    at = put_number(at, cell->n);
    *at++ = ',';
    at = put_number(at, cell->sum);
    *at++ = ']';
    return at;
}

static bool skip_text(const char **at, const char *end, const char *text)
{
    const char *p = *at;
    for (; *text; text++, p++) {
        if (p == end || *p != *text) {
            return false;
        }
    }
    *at = p;
    return true;
}

static bool read_number(const char **at, const char *end, int64_t *ret_value)
{
    const char *p = *at;
    bool negative = p < end && *p == '-';
    p += negative ? 1 : 0;
    const char *first = p;
    int64_t value = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value)) {
            return false;
        }
    }
    *ret_value = negative ? -value : value;
    *at = p;
    return p > first;
}

enum cell_read cell_text_read(const char **at, const char *end,
                              struct cell_value *ret_cell)
{
    if (skip_text(at, end, "}")) {
        return *at == end ? CELL_END : CELL_BROKEN;
    }
    bool good = (skip_text(at, end, "{\"") || skip_text(at, end, ",\"")) &&
                read_number(at, end, &ret_cell->index) && skip_text(at, end, "\":[") &&
                read_number(at, end, &ret_cell->n) && skip_text(at, end, ",") &&
                read_number(at, end, &ret_cell->sum) && skip_text(at, end, "]");
    return good ? CELL_READ : CELL_BROKEN;
}
