/* SPDX-License-Identifier: Apache-2.0 */
/* cell_text: histograms as JSON objects that json_each reads: {"7":3,"9":1}, or with sums
 * {"7":[3,210],"9":[1,90]}. */
#ifndef MUSTER_SERVER_STORE_CELL_TEXT_H
#define MUSTER_SERVER_STORE_CELL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Longest text of a cell: a key of 5 digits, two numbers of 20, and what is between. */
enum { CELL_TEXT_BYTES = 56 };

struct cell_value {
    int64_t index;
    int64_t n, sum;
};

/* Writes one cell without what comes between two, at most CELL_TEXT_BYTES; where it ends.
 * `sums`: with the sum. */
char *cell_text_put(char *at, const struct cell_value *cell, bool sums);

enum cell_read { CELL_READ, CELL_END, CELL_BROKEN };

/* Reads one cell with a sum from an object and moves *at behind it; at first *at is
 * before the brace. */
enum cell_read cell_text_read(const char **at, const char *end,
                              struct cell_value *ret_cell);

#endif
