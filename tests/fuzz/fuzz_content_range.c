/* SPDX-License-Identifier: Apache-2.0 */
/* The Content-Range of an answer to a resumed download. Bytes of an input: how many are
 * there (8), the length of the whole (8), how many are asked for (8), then the text. What
 * is taken for an answer has no byte that was not asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/content_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS = 24, TEXT_BYTES = 256 };

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool same(const struct content_range *one, const struct content_range *other)
{
    return one->present == other->present && one->first == other->first &&
           one->last == other->last && one->total == other->total;
}

static void check_parsed(const struct content_range *range)
{
    char text[TEXT_BYTES], total[24] = "*";
    struct content_range again;
    check(range->first >= 0 && range->first <= range->last);
    check(range->total == -1 || range->last < range->total);
    if (range->total >= 0) {
        (void)snprintf(total, sizeof total, "%" PRId64, range->total);
    }
    (void)snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%s", range->first,
                   range->last, total);
    content_range_parse(text, &again);
    check(same(range, &again));
}

static void check_answer(const struct content_range *range, const int64_t *numbers)
{
    int64_t length = numbers[1] & INT64_MAX;
    int64_t from = length > 0 ? (numbers[0] & INT64_MAX) % length : 0;
    int64_t count = length > from ? (numbers[2] & INT64_MAX) % (length - from) + 1 : 0;
    if (content_range_answers(range, from, count, length)) {
        check(range->present && range->first == from && range->last < length);
        check(range->last - from < count);
        check(range->total == -1 || range->total == length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t numbers[3];
    char text[TEXT_BYTES] = "";
    struct content_range range;
    if (size < NUMBERS || size - NUMBERS >= TEXT_BYTES) {
        return 0;
    }
    memcpy(numbers, data, NUMBERS);
    memcpy(text, data + NUMBERS, size - NUMBERS);
    content_range_parse(text, &range);
    if (range.present) {
        check_parsed(&range);
    }
    check_answer(&range, numbers);
    return 0;
}
