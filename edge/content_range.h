/* SPDX-License-Identifier: Apache-2.0 */
/* content_range: what an answer 206 says of the bytes that it has, and whether they are
 * of those that were asked for. The text is foreign; no arithmetic here overflows. */
#ifndef MUSTER_EDGE_CONTENT_RANGE_H
#define MUSTER_EDGE_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* The total is -1 where it said "*". */
struct content_range {
    bool present;
    int64_t first, last, total;
};

/* Reads the value of a Content-Range; what is not "bytes FIRST-LAST/TOTAL" is none. */
void content_range_parse(const char *text, struct content_range *ret_range);

/* Whether it begins at `from`, has no byte beyond the `count` asked for, and is of a file
 * of this length, as far as it says. */
bool content_range_answers(const struct content_range *range, int64_t from, int64_t count,
                           int64_t length);

#endif
