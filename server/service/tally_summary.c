/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tally.h"

#include "format/histogram.h"
#include "format/report.h"
#include "format/summary.h"

static const int64_t MINUTE_MS = 60000;
static const int64_t QUARTER_MS = 900000;

/* One histogram into one rollup. */
static enum status count_cells(struct tally *tally, enum rollup rollup,
                               const struct rollup_delta *where,
                               const struct summary_cells *cells, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < cells->count; i++) {
        const struct summary_cell *cell = &cells->cells[i];
        struct rollup_delta delta = *where;
        delta.slot = cell->index;
        delta.n = cell->n;
        delta.sum = cell->sum;
        status = tally_count(tally, rollup, &delta, err);
    }
    return status;
}

static enum status count_all(struct tally *tally, int64_t time_ms, int64_t cohort_id,
                             const struct summary *summary, struct err *err)
{
    const struct {
        enum rollup rollup;
        int64_t width_ms;
        const struct summary_cells *cells;
    } parts[] = {
        {ROLLUP_CLASS_MINUTE, MINUTE_MS, &summary->classes},
        {ROLLUP_CLASS_QUARTER, QUARTER_MS, &summary->classes},
        {ROLLUP_CONFIDENCE_QUARTER, QUARTER_MS, &summary->confidence},
        {ROLLUP_LATENCY_QUARTER, QUARTER_MS, &summary->latency},
        {ROLLUP_ENTROPY_QUARTER, QUARTER_MS, &summary->entropy},
        {ROLLUP_MARGIN_QUARTER, QUARTER_MS, &summary->margin},
    };
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof parts / sizeof parts[0]; i++) {
        struct rollup_delta where = {
            .bucket_ms = histogram_time_bucket(time_ms, parts[i].width_ms),
            .cohort_id = cohort_id,
        };
        status = count_cells(tally, parts[i].rollup, &where, parts[i].cells, err);
    }
    return status;
}

enum status tally_add_summary(struct tally *tally, const struct report_place *place,
                              const struct summary *summary, int64_t lag_ms,
                              int64_t *ret_implausible, struct err *err)
{
    int64_t received_ms = report_place_received_ms(place);
    bool plausible = tally_is_plausible(lag_ms);
    int64_t time_ms = plausible ? summary->from_ms : received_ms;
    struct node_hour_delta *hour = NULL;
    enum status status = count_all(tally, time_ms, place->cohort_id, summary, err);
    if (status == OK) {
        status = tally_hour(tally, place, time_ms, received_ms, &hour, err);
    }
    if (status != OK) {
        return status;
    }
    hour->n += summary->n;
    hour->latency_sum_us += summary->latency_sum_us;
    for (size_t i = 0; i < summary->classes.count; i++) {
        hour->confidence_sum += summary->classes.cells[i].sum;
    }
    hour->implausible += plausible ? 0 : summary->n;
    *ret_implausible = plausible ? 0 : summary->n;
    return OK;
}
