/* SPDX-License-Identifier: Apache-2.0 */
/* summary: mergeable counters of all predictions that a node made in an interval, and
 * their JSON form inside a report (docs/PROTOCOL.md section 2, "Summaries").
 *
 * A histogram is a list of cells with ascending indices and no empty cell, so its size is
 * that of what happened. The lists belong to whoever made the summary: report_decode puts
 * them into its arena; an encoder's caller keeps them. */
#ifndef MUSTER_FORMAT_SUMMARY_H
#define MUSTER_FORMAT_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "format/detail.h"

enum {
    SUMMARY_CLASSES_MAX = 1000,
    SUMMARY_INTERVAL_MAX_MS = 3600000,
};

struct summary_cell {
    uint32_t index; /* class, bin or bucket (format/histogram.h) */
    uint32_t n;     /* predictions, at least 1 */
    int64_t sum;    /* of their confidences (1/10,000) or latencies (µs) */
};

struct summary_cells {
    struct summary_cell *cells;
    size_t count;
};

struct summary {
    int64_t from_ms, to_ms; /* corrected device time, [from, to) */
    enum detail_mode mode;  /* what the report's rows are: DETAIL_SAMPLED … _SUMMARY */
    uint32_t every;         /* 1 unless DETAIL_SAMPLED */
    uint32_t n;             /* predictions */
    uint32_t changes;       /* of them with another class than the one before */
    int64_t latency_sum_us; /* of all latencies */
    struct summary_cells classes;    /* by class; sums of confidences */
    struct summary_cells confidence; /* by bin; sums of confidences */
    struct summary_cells latency;    /* by bucket; sums see summary_spread_latency */
    struct summary_cells entropy;    /* by bin, no sums; no cells: nothing known */
    struct summary_cells margin;
};

/* Whether it says one thing only and within the limits, whoever made it. On failure `err`
 * points at "/summary/…": ERR_JSON_RANGE or ERR_JSON_LENGTH for a value beyond its limit,
 * ERR_REPORT_SUMMARY where members contradict each other. */
enum status summary_check(const struct summary *summary, struct err *err) MUST_USE;

/* Sets the sum of each latency cell as the rollups count it: n times the bucket's middle,
 * and what is then missing of latency_sum_us goes to the fullest cell (the lowest of
 * equals), so that the sums add up to latency_sum_us. */
void summary_spread_latency(struct summary *summary);

/* Appends the JSON object of a summary that summary_check passes. */
void summary_encode(const struct summary *summary, struct buf *ret_body);

#endif
