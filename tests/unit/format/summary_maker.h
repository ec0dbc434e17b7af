/* SPDX-License-Identifier: Apache-2.0 */
/* summary_maker: counts predictions into a summary, slowly and plainly, for tests. */
#ifndef MUSTER_TESTS_UNIT_FORMAT_SUMMARY_MAKER_H
#define MUSTER_TESTS_UNIT_FORMAT_SUMMARY_MAKER_H

#include <string.h>

#include "format/histogram.h"
#include "format/summary.h"

struct summary_maker {
    struct summary summary; /* its lists are the arrays below */
    struct summary_cell classes[SUMMARY_CLASSES_MAX], confidence[CONFIDENCE_BINS];
    struct summary_cell latency[LATENCY_BUCKETS];
    struct summary_cell entropy[CONFIDENCE_BINS], margin[CONFIDENCE_BINS];
    int last_class; /* -1: none yet */
};

static void maker_init(struct summary_maker *maker, int64_t from_ms, int64_t to_ms)
{
    memset(maker, 0, sizeof *maker);
    maker->last_class = -1;
    maker->summary = (struct summary){
        .from_ms = from_ms,
        .to_ms = to_ms,
        .mode = DETAIL_SUMMARY,
        .every = 1,
        .classes.cells = maker->classes,
        .confidence.cells = maker->confidence,
        .latency.cells = maker->latency,
        .entropy.cells = maker->entropy,
        .margin.cells = maker->margin,
    };
}

static void maker_count(struct summary_cells *cells, uint32_t index, int64_t sum)
{
    size_t at = 0;
    while (at < cells->count && cells->cells[at].index < index) {
        at++;
    }
    struct summary_cell *cell = &cells->cells[at];
    if (at == cells->count || cell->index != index) {
        memmove(cell + 1, cell, (cells->count - at) * sizeof *cell);
        *cell = (struct summary_cell){.index = index};
        cells->count++;
    }
    cell->n++;
    cell->sum += sum;
}

/* Counts one prediction; true when its class differs from the one before. */
static bool maker_add(struct summary_maker *maker, unsigned class_index,
                      unsigned confidence, uint32_t latency_us)
{
    struct summary *summary = &maker->summary;
    bool changed = maker->last_class != (int)class_index;
    maker->last_class = (int)class_index;
    summary->n++;
    summary->changes += changed;
    summary->latency_sum_us += latency_us;
    maker_count(&summary->classes, class_index, confidence);
    maker_count(&summary->confidence, histogram_confidence_bin(confidence), confidence);
    maker_count(&summary->latency, histogram_latency_bucket(latency_us), latency_us);
    return changed;
}

#endif
