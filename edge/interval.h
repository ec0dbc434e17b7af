/* SPDX-License-Identifier: Apache-2.0 */
/* interval: the counters of all predictions of one interval, which become a summary.
 *
 * Histograms are dense but for the classes, so that counting one prediction is a few
 * additions and one binary search; about 8 KiB, and at most 16 KiB of classes. Times are
 * monotonic ms here and become corrected ones when the report is made final. Not
 * thread-safe: intake's lock guards the open one. */
#ifndef MUSTER_EDGE_INTERVAL_H
#define MUSTER_EDGE_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "edge/certainty.h"
#include "format/detail.h"
#include "format/histogram.h"
#include "format/summary.h"

struct interval {
    struct detail detail;   /* what it is counted for; never DETAIL_FULL */
    int64_t from_ms, to_ms; /* monotonic: the first prediction and behind the last */
    uint32_t n, changes;
    int64_t latency_sum_us;
    struct summary_cell *classes; /* owned, by class */
    size_t class_count, class_capacity;
    struct summary_cell confidence[CONFIDENCE_BINS];
    uint32_t latency[LATENCY_BUCKETS];
    uint32_t entropy[CONFIDENCE_BINS], margin[CONFIDENCE_BINS];
};

/* One prediction as it is counted. */
struct interval_event {
    int64_t at_ms; /* monotonic */
    uint16_t class_index;
    uint16_t confidence; /* 1/10,000 */
    uint32_t latency_us;
    bool changed;                      /* another class than the one before */
    const struct certainty *certainty; /* NULL: not known */
};

/* Begins with nothing counted; NULL without memory. */
struct interval *interval_new(const struct detail *detail);
void interval_free(struct interval *interval);

/* Whether one more prediction of this class can be counted within the limits of a
 * summary. */
bool interval_takes(const struct interval *interval, uint16_t class_index);

/* Counts a prediction that interval_takes. ERR_NO_MEMORY; nothing was counted then. */
enum status interval_add(struct interval *interval, const struct interval_event *event,
                         struct err *err) MUST_USE;

/* What was counted, with monotonic times and its cells in the arena. ERR_NO_MEMORY. */
enum status interval_summary(const struct interval *interval, struct arena *arena,
                             struct summary *ret_summary, struct err *err) MUST_USE;

#endif
