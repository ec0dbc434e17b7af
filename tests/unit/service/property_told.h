/* SPDX-License-Identifier: Apache-2.0 */
/* property_told: random summaries, and the predictions behind them, which the server
 * never sees one by one. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_TOLD_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_TOLD_H

#include <stdlib.h>

#include "format/report.h"
#include "tests/unit/format/summary_maker.h"

enum { TOLD_MAX = 60 };

/* A prediction that only its node knew; bins are -1 where it told no probabilities. */
struct hidden {
    uint16_t class_index, confidence;
    uint32_t latency_us;
    int entropy_bin, margin_bin;
};

struct told {
    struct summary_maker maker; /* first, and its summary is its first member */
    struct hidden hidden[TOLD_MAX];
    int count;
};

/* What is behind the summary of a report, or NULL. */
static inline const struct told *told_of(const struct report *report)
{
    return (const struct told *)report->summary;
}

static inline void told_add(struct told *told, const struct hidden *hidden)
{
    struct summary *summary = &told->maker.summary;
    (void)maker_add(&told->maker, hidden->class_index, hidden->confidence,
                    hidden->latency_us);
    if (hidden->entropy_bin >= 0) {
        maker_count(&summary->entropy, (uint32_t)hidden->entropy_bin, 0);
        maker_count(&summary->margin, (uint32_t)hidden->margin_bin, 0);
    }
    told->hidden[told->count++] = *hidden;
}

/* Gives a report the summary, and takes the rows away that it does not allow. */
static inline void told_finish(struct told *told, enum detail_mode mode, uint32_t every,
                               struct report *report)
{
    struct summary *summary = &told->maker.summary;
    summary->mode = mode;
    summary->every = mode == DETAIL_SAMPLED ? every : 1;
    size_t most = mode == DETAIL_SUMMARY   ? 0
                  : mode == DETAIL_CHANGES ? summary->changes
                                           : summary->n;
    report->rows = report->rows < most ? report->rows : most;
    summary_spread_latency(summary);
    assert_int_equal(summary_check(summary, NULL), OK);
    report->summary = summary;
}

/* What the protocol says of a bucket's sum: n times its middle, and what is missing goes
 * to the fullest bucket, the lowest of equals. *ret_first is one of its predictions. */
static inline int64_t told_missing_us(const struct told *told,
                                      uint32_t (*middle_of)(int64_t), int *ret_first)
{
    int64_t missing_us = 0;
    int most = 0;
    for (int i = 0; i < told->count; i++) {
        int64_t middle_us = middle_of(told->hidden[i].latency_us);
        int same = 0;
        for (int j = 0; j < told->count; j++) {
            same += middle_of(told->hidden[j].latency_us) == middle_us;
        }
        bool lower = middle_us < middle_of(told->hidden[*ret_first].latency_us);
        if (same > most || (same == most && lower)) {
            most = same;
            *ret_first = i;
        }
        missing_us += told->hidden[i].latency_us - middle_us;
    }
    return missing_us;
}

#endif
