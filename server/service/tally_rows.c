/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tally_rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/histogram.h"
#include "format/report.h"
#include "server/service/tally.h"

static const int64_t MINUTE_MS = 60000;
static const int64_t QUARTER_MS = 900000;

enum {
    PAGES = 2,
    CLASSES = 256, /* higher ones go to the table at once */
    ID_TIME_SHIFT = 12,
};

struct counter {
    int64_t n, sum;
};

/* A minute of a cohort. All counters of a page that is not open are 0. */
struct page {
    bool open;
    int64_t minute_ms, cohort_id;
    struct counter classes[CLASSES];            /* sum of confidences */
    struct counter confidence[CONFIDENCE_BINS]; /* sum of confidences */
    struct counter latency[LATENCY_BUCKETS];    /* sum of latencies */
};

struct tally_rows {
    struct page pages[PAGES];
};

/* Rows in a row that lie in one minute. */
struct run {
    struct page *page;
    int64_t n, confidence_sum, latency_sum_us, implausible;
    int64_t first_received_ms, last_received_ms;
};

/* Adds counters to the table. */
static enum status move(struct tally *tally, enum rollup rollup, struct rollup_delta *key,
                        struct counter *counters, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (counters[i].n == 0) {
            continue;
        }
        key->slot = (int64_t)i;
        key->n = counters[i].n;
        key->sum = counters[i].sum;
        enum status status = tally_count(tally, rollup, key, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

static enum status close_page(struct tally *tally, struct page *page, struct err *err)
{
    struct rollup_delta minute = {.bucket_ms = page->minute_ms,
                                  .cohort_id = page->cohort_id};
    struct rollup_delta quarter = {
        .bucket_ms = histogram_time_bucket(page->minute_ms, QUARTER_MS),
        .cohort_id = page->cohort_id,
    };
    enum status status =
        move(tally, ROLLUP_CLASS_MINUTE, &minute, page->classes, CLASSES, err);
    if (status == OK) {
        status = move(tally, ROLLUP_CLASS_QUARTER, &quarter, page->classes, CLASSES, err);
    }
    if (status == OK) {
        status = move(tally, ROLLUP_CONFIDENCE_QUARTER, &quarter, page->confidence,
                      CONFIDENCE_BINS, err);
    }
    if (status == OK) {
        status = move(tally, ROLLUP_LATENCY_QUARTER, &quarter, page->latency,
                      LATENCY_BUCKETS, err);
    }
    memset(page, 0, sizeof *page);
    return status;
}

static enum status page_of(struct tally *tally, int64_t time_ms, int64_t cohort_id,
                           struct page **ret_page, struct err *err)
{
    int64_t minute_ms = histogram_time_bucket(time_ms, MINUTE_MS);
    if (!tally->rows) {
        tally->rows = calloc(1, sizeof *tally->rows);
        if (!tally->rows) {
            return err_set(err, ERR_NO_MEMORY, "no memory for rollup counters");
        }
    }
    struct page *page = &tally->rows->pages[minute_ms / MINUTE_MS % PAGES != 0];
    if (page->open && (page->minute_ms != minute_ms || page->cohort_id != cohort_id)) {
        enum status status = close_page(tally, page, err);
        if (status != OK) {
            return status;
        }
    }
    page->open = true;
    page->minute_ms = minute_ms;
    page->cohort_id = cohort_id;
    *ret_page = page;
    return OK;
}

/* A class beyond the page's. */
static enum status count_high_class(struct tally *tally, const struct page *page,
                                    unsigned class_index, int64_t confidence,
                                    struct err *err)
{
    struct rollup_delta delta = {.bucket_ms = page->minute_ms,
                                 .cohort_id = page->cohort_id,
                                 .slot = class_index,
                                 .n = 1,
                                 .sum = confidence};
    enum status status = tally_count(tally, ROLLUP_CLASS_MINUTE, &delta, err);
    delta.bucket_ms = histogram_time_bucket(page->minute_ms, QUARTER_MS);
    return status == OK ? tally_count(tally, ROLLUP_CLASS_QUARTER, &delta, err) : status;
}

static void add(struct counter *counter, int64_t value)
{
    counter->n++;
    counter->sum += value;
}

static enum status count_row(struct tally *tally, struct run *run,
                             const struct report *report, size_t row, struct err *err)
{
    unsigned class_index = report->class_index[row];
    unsigned confidence = report->confidence[row];
    uint32_t latency_us = report->latency_us[row];
    struct page *page = run->page;
    add(&page->confidence[histogram_confidence_bin(confidence)], confidence);
    add(&page->latency[histogram_latency_bucket(latency_us)], latency_us);
    run->n++;
    run->confidence_sum += confidence;
    run->latency_sum_us += latency_us;
    if (class_index >= CLASSES) {
        return count_high_class(tally, page, class_index, confidence, err);
    }
    add(&page->classes[class_index], confidence);
    return OK;
}

/* Adds what a run counted to its node's hour. */
static enum status end_run(struct tally *tally, const struct report_place *place,
                           const struct run *run, struct err *err)
{
    struct node_hour_delta *hour = NULL;
    if (run->n == 0) {
        return OK;
    }
    int64_t minute_ms = run->page->minute_ms;
    enum status status =
        tally_hour(tally, place, minute_ms, run->first_received_ms, &hour, err);
    if (status == OK) {
        status = tally_hour(tally, place, minute_ms, run->last_received_ms, &hour, err);
    }
    if (status != OK) {
        return status;
    }
    hour->n += run->n;
    hour->confidence_sum += run->confidence_sum;
    hour->latency_sum_us += run->latency_sum_us;
    hour->implausible += run->implausible;
    return OK;
}

enum status tally_rows_add(struct tally *tally, const struct report_place *place,
                           const struct report *report, const int64_t *lag_ms,
                           int64_t *ret_implausible, struct err *err)
{
    struct run run = {0};
    enum status status = OK;
    for (size_t row = 0; status == OK && row < report->rows; row++) {
        int64_t received_ms = (place->first_id + (int64_t)row) >> ID_TIME_SHIFT;
        bool plausible = tally_is_plausible(lag_ms[row]);
        int64_t time_ms = plausible ? report->at_ms[row] : received_ms;
        bool same = run.n > 0 && time_ms >= run.page->minute_ms &&
                    time_ms < run.page->minute_ms + MINUTE_MS;
        if (!same) {
            status = end_run(tally, place, &run, err);
            run = (struct run){.first_received_ms = received_ms};
        }
        if (!same && status == OK) {
            status = page_of(tally, time_ms, place->cohort_id, &run.page, err);
        }
        if (status != OK) {
            return status;
        }
        run.last_received_ms = received_ms;
        run.implausible += plausible ? 0 : 1;
        *ret_implausible += plausible ? 0 : 1;
        status = count_row(tally, &run, report, row, err);
    }
    return status == OK ? end_run(tally, place, &run, err) : status;
}

enum status tally_rows_move(struct tally *tally, struct err *err)
{
    enum status status = OK;
    for (int i = 0; tally->rows && status == OK && i < PAGES; i++) {
        struct page *page = &tally->rows->pages[i];
        status = page->open ? close_page(tally, page, err) : OK;
    }
    return status;
}

void tally_rows_reset(struct tally *tally)
{
    for (int i = 0; tally->rows && i < PAGES; i++) {
        struct page *page = &tally->rows->pages[i];
        if (page->open) {
            memset(page, 0, sizeof *page);
        }
    }
}
