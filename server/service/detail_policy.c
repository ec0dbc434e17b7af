/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/detail_policy.h"

#include <stddef.h>

static const int64_t ROWS_PER_DAY = 10000000;
static const double BACK = 0.8; /* share of the budget that more detail may use */

/* From the most detail to the least. */
static const struct level {
    enum detail_mode mode;
    uint32_t every;
} levels[] = {
    {DETAIL_FULL, 1},      {DETAIL_SAMPLED, 2},  {DETAIL_SAMPLED, 5},
    {DETAIL_SAMPLED, 10},  {DETAIL_SAMPLED, 20}, {DETAIL_SAMPLED, 50},
    {DETAIL_SAMPLED, 100}, {DETAIL_CHANGES, 1},  {DETAIL_SUMMARY, 1},
};

enum { LAST_LEVEL = sizeof levels / sizeof levels[0] - 1 };

struct detail_setting detail_setting_default(void)
{
    return (struct detail_setting){.mode = DETAIL_AUTO,
                                   .every = 10,
                                   .interval_s = DETAIL_INTERVAL_MAX_S,
                                   .rows_per_day = ROWS_PER_DAY};
}

bool detail_rows_per_day(const struct detail *detail, const struct detail_rates *rates,
                         double *ret_rows)
{
    switch (detail->mode) {
    case DETAIL_FULL:
    case DETAIL_SAMPLED:
        *ret_rows = rates->predictions / (double)detail->every;
        return rates->known;
    case DETAIL_CHANGES:
        *ret_rows = rates->changes;
        return rates->changes_known;
    case DETAIL_SUMMARY:
        *ret_rows = 0.0;
        return true;
    case DETAIL_AUTO:
        break;
    }
    return false;
}

/* Whether a level uses at most `rows_per_day`, as far as anybody knows. */
static bool is_within(size_t at, const struct detail_rates *rates, double rows_per_day)
{
    struct detail detail = {.mode = levels[at].mode, .every = levels[at].every};
    double rows = 0.0;
    return detail_rows_per_day(&detail, rates, &rows) && rows <= rows_per_day;
}

/* The first such level; the last one uses nothing. */
static size_t first_within(const struct detail_rates *rates, double rows_per_day)
{
    size_t at = 0;
    while (at < LAST_LEVEL && !is_within(at, rates, rows_per_day)) {
        at++;
    }
    return at;
}

/* The level of what is asked now: the first with at most its detail. */
static size_t level_of(const struct detail *now)
{
    size_t at = 0;
    while (at < LAST_LEVEL &&
           (levels[at].mode < now->mode ||
            (levels[at].mode == now->mode && levels[at].every < now->every))) {
        at++;
    }
    return at;
}

struct detail detail_decide(const struct detail_setting *setting,
                            const struct detail_rates *rates, const struct detail *now)
{
    struct detail detail = {.mode = setting->mode,
                            .every = setting->mode == DETAIL_SAMPLED ? setting->every : 1,
                            .interval_s = setting->interval_s};
    if (setting->mode != DETAIL_AUTO) {
        return detail;
    }
    size_t at = level_of(now);
    if (rates->known) {
        double budget = (double)setting->rows_per_day;
        size_t back = first_within(rates, budget * BACK);
        at = !is_within(at, rates, budget) ? first_within(rates, budget)
             : back < at                   ? back
                                           : at;
    }
    detail.mode = levels[at].mode;
    detail.every = levels[at].every;
    return detail;
}
