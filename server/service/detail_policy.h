/* SPDX-License-Identifier: Apache-2.0 */
/* detail_policy: how much detail is asked of a model's nodes (docs/PROTOCOL.md section 3,
 * "Detail of a model"). Pure functions of the setting, what is known and what was asked
 * before. */
#ifndef MUSTER_SERVER_SERVICE_DETAIL_POLICY_H
#define MUSTER_SERVER_SERVICE_DETAIL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/detail.h"

/* What a person set. */
struct detail_setting {
    enum detail_mode mode;
    uint32_t every;       /* for DETAIL_SAMPLED */
    int64_t interval_s;   /* of summaries */
    int64_t rows_per_day; /* the budget of DETAIL_AUTO */
};

/* What a model does a day. */
struct detail_rates {
    bool known;         /* whether predictions is */
    bool changes_known; /* only summaries tell */
    double predictions, changes;
};

/* The setting of a model that has none: auto, 10,000,000 rows a day, 60 s. */
struct detail_setting detail_setting_default(void);

/* What to ask for, after `now`. `auto` asks for the first of full, sampled 1/2 … 1/100,
 * changes and summary that keeps the budget, but for more than now only where that would
 * use less than 80 % of it; it stays where nothing is known. */
struct detail detail_decide(const struct detail_setting *setting,
                            const struct detail_rates *rates, const struct detail *now);

/* The rows a day that come of it; false when that is not known. */
bool detail_rows_per_day(const struct detail *detail, const struct detail_rates *rates,
                         double *ret_rows);

#endif
