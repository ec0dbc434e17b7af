/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/content_range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool read_number(const char **text, int64_t *ret_value)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *ret_value = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0;
}

void content_range_parse(const char *text, struct content_range *ret_range)
{
    struct content_range range = {.total = -1};
    *ret_range = (struct content_range){0};
    if (strncasecmp(text, "bytes ", 6) != 0) {
        return;
    }
    text += 6;
    bool whole = read_number(&text, &range.first) && *text++ == '-' &&
                 read_number(&text, &range.last) && *text++ == '/' &&
                 (strcmp(text, "*") == 0 || (read_number(&text, &range.total) && !*text));
    range.present = whole && range.first <= range.last &&
                    (range.total < 0 || range.last < range.total);
    if (range.present) {
        *ret_range = range;
    }
}

bool content_range_answers(const struct content_range *range, int64_t from, int64_t count,
                           int64_t length)
{
    return range->present && range->first == from && range->last - from < count &&
           (range->total < 0 || range->total == length);
}
