/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/detail_file.h"

enum { MINUTE_MS = 60000, SUMMARY_BYTES = 256 * 1024 };

void batch_free(struct batch *batch)
{
    if (!batch) {
        return;
    }
    free(batch->at_ms);
    free(batch->class_index);
    free(batch->confidence);
    free(batch->latency_us);
    free(batch->value);
    free(batch->sample);
    free(batch->has_sample);
    interval_free(batch->interval);
    free(batch);
}

static bool add_columns(struct batch *batch, size_t capacity)
{
    batch->capacity = capacity;
    batch->at_ms = calloc(capacity, sizeof *batch->at_ms);
    batch->class_index = calloc(capacity, sizeof *batch->class_index);
    batch->confidence = calloc(capacity, sizeof *batch->confidence);
    batch->latency_us = calloc(capacity, sizeof *batch->latency_us);
    batch->value = calloc(capacity, sizeof *batch->value);
    batch->sample = calloc(capacity, sizeof *batch->sample);
    batch->has_sample = calloc(capacity, sizeof *batch->has_sample);
    return batch->at_ms && batch->class_index && batch->confidence && batch->latency_us &&
           batch->value && batch->sample && batch->has_sample;
}

struct batch *batch_new(const struct intake_row *row, const struct detail *detail,
                        size_t capacity)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch) {
        return NULL;
    }
    if (detail->mode != DETAIL_FULL) {
        batch->interval = interval_new(detail);
    }
    bool ok = detail->mode == DETAIL_FULL || batch->interval;
    if (!ok || (detail->mode != DETAIL_SUMMARY && !add_columns(batch, capacity))) {
        batch_free(batch);
        return NULL;
    }
    batch->opened_ms = row->now_mono_ms;
    batch->below_floor = row->below_floor;
    snprintf(batch->model, sizeof batch->model, "%s", row->model);
    memcpy(batch->artifact, row->artifact, sizeof batch->artifact);
    if (row->prediction->derived) {
        batch->has_derived = true;
        memcpy(batch->derived, row->prediction->derived, sizeof batch->derived);
    }
    return batch;
}

void batch_cut(struct batch *batch, int64_t at_mono_ms, int64_t anchor_ms,
               bool anchor_known)
{
    int64_t minute_ms =
        histogram_time_bucket(at_mono_ms + anchor_ms, MINUTE_MS) - anchor_ms;
    int64_t end_ms = at_mono_ms + batch->interval->detail.interval_s * 1000;
    batch->from_ms = minute_ms;
    batch->to_ms = end_ms < minute_ms + MINUTE_MS ? end_ms : minute_ms + MINUTE_MS;
    batch->anchor_ms = anchor_ms;
    batch->anchor_known = anchor_known;
}

static bool same_detail(const struct interval *interval, const struct detail *detail)
{
    if (!interval || detail->mode == DETAIL_FULL) {
        return !interval && detail->mode == DETAIL_FULL;
    }
    return detail_same(&interval->detail, detail);
}

bool batch_is_full(const struct batch *batch)
{
    return batch->capacity > 0 && batch->rows == batch->capacity;
}

static bool same_derived(const struct batch *batch, const uint8_t *derived)
{
    return batch->has_derived == (derived != NULL) &&
           (!derived || memcmp(batch->derived, derived, sizeof batch->derived) == 0);
}

bool batch_fits(const struct batch *batch, const struct intake_row *row,
                const struct detail *detail)
{
    if (batch->ended || batch_is_full(batch) || batch->below_floor != row->below_floor ||
        memcmp(batch->artifact, row->artifact, sizeof batch->artifact) != 0 ||
        !same_detail(batch->interval, detail) ||
        !same_derived(batch, row->prediction->derived)) {
        return false;
    }
    return !batch->interval ||
           (row->at_mono_ms >= batch->from_ms && row->at_mono_ms < batch->to_ms &&
            interval_takes(batch->interval, row->prediction->class_index));
}

static void add_row(struct batch *batch, const struct intake_row *row,
                    uint16_t confidence)
{
    const struct muster_prediction *prediction = row->prediction;
    size_t i = batch->rows++;
    batch->at_ms[i] = row->at_mono_ms;
    batch->class_index[i] = prediction->class_index;
    batch->confidence[i] = confidence;
    batch->latency_us[i] = prediction->latency_us;
    batch->value[i] = prediction->has_value ? prediction->value : (double)NAN;
    batch->sample[i] = prediction->sample;
    batch->has_sample[i] = prediction->has_sample;
    batch->has_value = batch->has_value || prediction->has_value;
    batch->has_sample_column = batch->has_sample_column || prediction->has_sample;
}

enum status batch_add(struct batch *batch, const struct intake_row *row, bool changed,
                      bool keep, struct err *err)
{
    const struct muster_prediction *prediction = row->prediction;
    uint16_t confidence = report_confidence(prediction->confidence);
    enum status status = OK;
    if (batch->interval) {
        struct interval_event event = {.at_ms = row->at_mono_ms,
                                       .class_index = prediction->class_index,
                                       .confidence = confidence,
                                       .latency_us = prediction->latency_us,
                                       .changed = changed,
                                       .certainty = row->certainty};
        status = interval_add(batch->interval, &event, err);
    }
    if (status == OK && keep) {
        add_row(batch, row, confidence);
    }
    return status;
}

uint64_t batch_predictions(const struct batch *batch)
{
    return batch->interval ? batch->interval->n : batch->rows;
}

enum status batch_encode(const struct batch *batch, struct buf *ret_body, struct err *err)
{
    struct report report = {.stream = 1,
                            .seq = 1,
                            .below_floor = batch->below_floor,
                            .rows = batch->rows,
                            .at_ms = batch->at_ms,
                            .class_index = batch->class_index,
                            .confidence = batch->confidence,
                            .latency_us = batch->latency_us,
                            .value = batch->has_value ? batch->value : NULL,
                            .sample = batch->has_sample_column ? batch->sample : NULL,
                            .has_sample =
                                batch->has_sample_column ? batch->has_sample : NULL};
    memcpy(report.model, batch->model, sizeof report.model);
    memcpy(report.artifact, batch->artifact, sizeof report.artifact);
    report.has_derived = batch->has_derived;
    memcpy(report.derived, batch->derived, sizeof report.derived);
    ARENA_AUTO arena = ARENA_INIT(SUMMARY_BYTES);
    struct summary summary;
    if (batch->interval) {
        enum status status = interval_summary(batch->interval, &arena, &summary, err);
        if (status != OK) {
            return status;
        }
        report.summary = &summary;
    }
    report_encode(&report, ret_body);
    return buf_status(ret_body, err);
}
