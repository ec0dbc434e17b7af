/* SPDX-License-Identifier: Apache-2.0 */
/* rollups: the statements that add counters to the rollup tables. They run on the writer,
 * in the transaction of the predictions that they count. */
#ifndef MUSTER_SERVER_STORE_ROLLUPS_H
#define MUSTER_SERVER_STORE_ROLLUPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

enum rollup {
    ROLLUP_CLASS_MINUTE,       /* slot: class; no sum */
    ROLLUP_CLASS_QUARTER,      /* slot: class; sum of confidences */
    ROLLUP_CONFIDENCE_QUARTER, /* slot: bin; sum of confidences */
    ROLLUP_LATENCY_QUARTER,    /* slot: bucket; sum of latencies in µs */
    ROLLUP_ENTROPY_QUARTER,    /* slot: bin; no sum */
    ROLLUP_MARGIN_QUARTER,     /* slot: bin; no sum */
    ROLLUPS
};

/* What is to be added to one row. */
struct rollup_delta {
    int64_t bucket_ms; /* start of the minute or quarter-hour */
    int64_t cohort_id;
    int64_t slot;
    int64_t n, sum;
};

struct node_hour_delta {
    int64_t hour_ms, node_id, cohort_id;
    int64_t n, confidence_sum, latency_sum_us, implausible, reports, dropped;
    int64_t first_received_ms, last_received_ms;
};

/* Adds to one row; not for ROLLUP_LATENCY_QUARTER. */
enum status rollup_add(struct db *db, enum rollup rollup,
                       const struct rollup_delta *delta, struct err *err) MUST_USE;

/* Adds `count` buckets of one quarter-hour and cohort, ascending by slot. */
enum status rollup_add_latencies(struct db *db, const struct rollup_delta *deltas,
                                 size_t count, struct err *err) MUST_USE;

enum status node_hour_add(struct db *db, const struct node_hour_delta *delta,
                          struct err *err) MUST_USE;

#endif
