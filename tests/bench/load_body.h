/* SPDX-License-Identifier: Apache-2.0 */
/* load_body: request bodies that are rendered once and stamped per request: numbers that
 * change (seq, times, node) have a fixed count of digits and are written over in place.
 *
 * The same predictions for every peer: classes, confidences and latencies of a body
 * depend on its variant alone. */
#ifndef MUSTER_TESTS_BENCH_LOAD_BODY_H
#define MUSTER_TESTS_BENCH_LOAD_BODY_H

#include "base/buf.h"
#include "tests/bench/load.h"

enum { BODY_ROWS_MAX = 2000, SEQ_FIRST = 1000000001, LINE_NODES_MAX = 10000 };

struct body {
    struct buf text;
    unsigned rows;
    size_t seq_at, sent_at;        /* offsets of 10 and 13 digits; 0: none */
    size_t from_at, to_at;         /* of a summary, 13 digits; 0: none */
    size_t time_at[BODY_ROWS_MAX]; /* offsets of 13 digits */
    size_t node_at[BODY_ROWS_MAX]; /* of 4 digits; 0: none */
};

/* A report in the columns of report_encode, or as rows. */
void body_report(struct body *body, const struct load_options *options, int64_t stream,
                 unsigned variant);

/* A report from a file, whose seq has 10 digits; it has no rows that are stamped. */
void body_file(struct body *body, const struct load_options *options, int64_t stream,
               unsigned variant);

/* The same rows in InfluxDB's line protocol, times in ms: class as a field or as a tag.
 */
void body_lines(struct body *body, const struct load_options *options, unsigned variant);

/* Prints the same rows as one INSERT into the table prediction of PostgreSQL. */
void body_print_sql(const struct load_options *options, unsigned variant);

/* Writes seq, sending time, node and row times (first_ms, + step_ms …) over the old. */
void body_stamp(struct body *body, int64_t seq, int64_t sent_ms);
void body_stamp_rows(struct body *body, int64_t first_ms, int64_t step_ms);
void body_stamp_node(struct body *body, int64_t node);

#endif
