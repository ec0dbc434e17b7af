/* SPDX-License-Identifier: Apache-2.0 */
/* summary_difference: a summary as decoded against the oracle's. */
#ifndef MUSTER_TESTS_UNIT_FORMAT_SUMMARY_DIFFERENCE_H
#define MUSTER_TESTS_UNIT_FORMAT_SUMMARY_DIFFERENCE_H

#include "tests/unit/format/summary_oracle.h"

/* The first difference, or NULL. */
static const char *summary_part_differs(const struct summary_cells *cells,
                                        const struct oracle_part *part, bool sums)
{
    if (cells->count != part->count) {
        return "count";
    }
    for (size_t i = 0; i < part->count; i++) {
        const struct summary_cell *cell = &cells->cells[i];
        if (cell->index != part->index[i] || cell->n != part->n[i]) {
            return "index or n";
        }
        if (sums && cell->sum != part->sum[i]) {
            return "sum";
        }
    }
    return NULL;
}

static const char *summary_differs(const struct summary *summary,
                                   const struct oracle_summary *oracle)
{
    if ((summary != NULL) != oracle->present || !summary) {
        return summary || oracle->present ? "presence" : NULL;
    }
    if (summary->from_ms != oracle->from_ms || summary->to_ms != oracle->to_ms ||
        summary->every != oracle->every || summary->n != oracle->n ||
        summary->changes != oracle->changes ||
        summary->latency_sum_us != oracle->sum_us ||
        strcmp(detail_mode_name(summary->mode), oracle->mode) != 0) {
        return "head";
    }
    const char *found = summary_part_differs(&summary->classes, &oracle->classes, true);
    found = found ? found
                  : summary_part_differs(&summary->confidence, &oracle->confidence, true);
    found =
        found ? found : summary_part_differs(&summary->latency, &oracle->latency, true);
    found =
        found ? found : summary_part_differs(&summary->entropy, &oracle->entropy, false);
    return found ? found : summary_part_differs(&summary->margin, &oracle->margin, false);
}

#endif
