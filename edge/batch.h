/* SPDX-License-Identifier: Apache-2.0 */
/* batch: predictions in memory that become one report.
 *
 * Either every prediction is a row, or all are counted in an interval and some of them
 * are rows too, as the detail says. A batch of an interval holds predictions of one
 * window: one minute of the time that was best known when it was opened, or less. That
 * clock stays with the batch, so that a clock that is corrected by some milliseconds
 * later cannot move the summary to another minute. Times are monotonic ms. Not
 * thread-safe. */
#ifndef MUSTER_EDGE_BATCH_H
#define MUSTER_EDGE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/edge.h>

#include "base/buf.h"
#include "edge/interval.h"
#include "format/report.h"

/* What a row is made from. */
struct intake_row {
    const struct muster_prediction *prediction;
    const char *model;
    const uint8_t *artifact;
    const struct certainty *certainty; /* NULL: not known */
    bool below_floor;
    int64_t at_mono_ms;
    int64_t now_mono_ms;
};

/* Columns of one batch. */
struct batch {
    size_t rows, capacity;
    int64_t opened_ms; /* monotonic */
    char model[65];
    uint8_t artifact[32];
    bool below_floor;
    bool has_derived; /* the next made the predictions: built of the artifact */
    uint8_t derived[32];
    bool ended; /* takes nothing more, and is to be closed */
    bool has_value, has_sample_column;
    int64_t *at_ms; /* monotonic */
    uint16_t *class_index, *confidence;
    uint32_t *latency_us;
    double *value; /* NaN: none */
    int64_t *sample;
    bool *has_sample;

    struct interval *interval; /* owned; NULL: every prediction is a row */
    int64_t from_ms, to_ms;    /* with an interval: its window, monotonic */
    int64_t anchor_ms;         /* with an interval: the clock that cut the window */
    bool anchor_known;         /* that clock is the server's */
    bool by_clock;             /* ended with its window: every node's does then */
};

/* A batch for `row` and what can follow it, with room for `capacity` rows; `detail` says
 * whether it has an interval. NULL without memory. */
struct batch *batch_new(const struct intake_row *row, const struct detail *detail,
                        size_t capacity);
void batch_free(struct batch *batch);

/* Opens the window of an interval at `at_mono_ms` by a clock. */
void batch_cut(struct batch *batch, int64_t at_mono_ms, int64_t anchor_ms,
               bool anchor_known);

/* Whether a prediction of this detail belongs to it and still fits. */
bool batch_fits(const struct batch *batch, const struct intake_row *row,
                const struct detail *detail);

/* Counts a prediction that fits; it becomes a row too if `keep`. `changed`: its class is
 * not that of the one before. ERR_NO_MEMORY; nothing was added then. */
enum status batch_add(struct batch *batch, const struct intake_row *row, bool changed,
                      bool keep, struct err *err) MUST_USE;

/* Predictions in it. */
uint64_t batch_predictions(const struct batch *batch);

/* Whether no row can be added any more. */
bool batch_is_full(const struct batch *batch);

/* Appends it as a report with stream and seq 1 and monotonic times. ERR_NO_MEMORY, or
 * ERR_LIMIT by the buffer's ceiling. */
enum status batch_encode(const struct batch *batch, struct buf *ret_body,
                         struct err *err) MUST_USE;

#endif
