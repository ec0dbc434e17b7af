/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Reads digits at *text and moves it behind them; saturates. False without a digit. */
static bool take_number(const char **text, uint64_t *ret_value)
{
    const char *p = *text;
    uint64_t value = 0;
    while (*p >= '0' && *p <= '9') {
        uint64_t digit = (uint64_t)(*p++ - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (p == *text) {
        return false;
    }
    *text = p;
    *ret_value = value;
    return true;
}

static enum range_kind parse_suffix(const char *text, uint64_t size,
                                    struct range *ret_range)
{
    uint64_t count = 0;
    if (!take_number(&text, &count) || *text || count == 0 || size == 0) {
        return RANGE_UNSATISFIABLE;
    }
    uint64_t len = count < size ? count : size;
    *ret_range = (struct range){.offset = size - len, .len = len};
    return RANGE_PART;
}

enum range_kind range_parse(const char *text, uint64_t size, struct range *ret_range)
{
    if (!text || strncasecmp(text, "bytes=", 6) != 0) {
        *ret_range = (struct range){.offset = 0, .len = size};
        return RANGE_WHOLE;
    }
    text += 6;
    if (*text == '-') {
        return parse_suffix(text + 1, size, ret_range);
    }
    uint64_t first = 0;
    if (!take_number(&text, &first) || *text != '-') {
        return RANGE_UNSATISFIABLE;
    }
    text++;
    uint64_t last = UINT64_MAX;
    (void)take_number(&text, &last);
    if (*text || last < first || first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    uint64_t end = last < size ? last + 1 : size;
    *ret_range = (struct range){.offset = first, .len = end - first};
    return RANGE_PART;
}
