/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/intake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/env.h"

void intake_init(struct intake *ret_intake, size_t batch_rows, int64_t batch_age_ms)
{
    *ret_intake = (struct intake){.batch_rows = batch_rows, .batch_age_ms = batch_age_ms};
    pthread_mutex_init(&ret_intake->lock, NULL);
}

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
    free(batch);
}

void intake_release(struct intake *intake)
{
    batch_free(intake->open);
    for (size_t i = 0; i < intake->closed_count; i++) {
        batch_free(intake->closed[i]);
    }
    intake->open = NULL;
    intake->closed_count = 0;
    pthread_mutex_destroy(&intake->lock);
}

static struct batch *batch_new(size_t capacity)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch) {
        return NULL;
    }
    batch->capacity = capacity;
    batch->at_ms = calloc(capacity, sizeof *batch->at_ms);
    batch->class_index = calloc(capacity, sizeof *batch->class_index);
    batch->confidence = calloc(capacity, sizeof *batch->confidence);
    batch->latency_us = calloc(capacity, sizeof *batch->latency_us);
    batch->value = calloc(capacity, sizeof *batch->value);
    batch->sample = calloc(capacity, sizeof *batch->sample);
    batch->has_sample = calloc(capacity, sizeof *batch->has_sample);
    if (!batch->at_ms || !batch->class_index || !batch->confidence ||
        !batch->latency_us || !batch->value || !batch->sample || !batch->has_sample) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

static void batch_add(struct batch *batch, const struct intake_row *row)
{
    const struct muster_prediction *prediction = row->prediction;
    size_t i = batch->rows++;
    batch->at_ms[i] = row->at_mono_ms;
    batch->class_index[i] = prediction->class_index;
    batch->confidence[i] = report_confidence(prediction->confidence);
    batch->latency_us[i] = prediction->latency_us;
    batch->value[i] = prediction->has_value ? prediction->value : (double)NAN;
    batch->sample[i] = prediction->sample;
    batch->has_sample[i] = prediction->has_sample;
    batch->has_value = batch->has_value || prediction->has_value;
    batch->has_sample_column = batch->has_sample_column || prediction->has_sample;
}

static bool fits(const struct batch *batch, const struct intake_row *row)
{
    return batch->rows < batch->capacity && batch->below_floor == row->below_floor &&
           memcmp(batch->artifact, row->artifact, sizeof batch->artifact) == 0;
}

/* The lock is held. */
static bool close_open(struct intake *intake)
{
    if (!intake->open || intake->closed_count == INTAKE_CLOSED_MAX) {
        return !intake->open;
    }
    intake->closed[intake->closed_count++] = intake->open;
    intake->open = NULL;
    return true;
}

static enum status open_for(struct intake *intake, const struct intake_row *row,
                            struct err *err)
{
    if (intake->open && fits(intake->open, row)) {
        return OK;
    }
    if (!close_open(intake)) {
        return err_set(err, ERR_UNAVAILABLE, "%d batches wait to be written",
                       INTAKE_CLOSED_MAX);
    }
    struct batch *batch = batch_new(intake->batch_rows);
    if (!batch) {
        return err_set(err, ERR_NO_MEMORY, "could not open a batch");
    }
    batch->opened_ms = row->now_mono_ms;
    batch->below_floor = row->below_floor;
    snprintf(batch->model, sizeof batch->model, "%s", row->model);
    memcpy(batch->artifact, row->artifact, sizeof batch->artifact);
    intake->open = batch;
    return OK;
}

enum status intake_add(struct intake *intake, const struct intake_row *row,
                       bool *ret_news, struct err *err)
{
    pthread_mutex_lock(&intake->lock);
    const struct batch *before = intake->open;
    enum status status = open_for(intake, row, err);
    if (status == OK) {
        batch_add(intake->open, row);
        intake->recorded++;
        intake->waiting++;
        if (intake->open->rows == intake->open->capacity) {
            (void)close_open(intake);
        }
        *ret_news = intake->open != before;
    }
    pthread_mutex_unlock(&intake->lock);
    return status;
}

void intake_close(struct intake *intake, int64_t now_mono_ms, bool force)
{
    pthread_mutex_lock(&intake->lock);
    struct batch *open = intake->open;
    if (open && (force || now_mono_ms - open->opened_ms >= intake->batch_age_ms ||
                 open->rows == open->capacity)) {
        (void)close_open(intake);
    }
    pthread_mutex_unlock(&intake->lock);
}

struct batch *intake_take(struct intake *intake)
{
    struct batch *batch = NULL;
    pthread_mutex_lock(&intake->lock);
    if (intake->closed_count > 0) {
        batch = intake->closed[0];
        intake->closed_count--;
        memmove(intake->closed, intake->closed + 1,
                intake->closed_count * sizeof intake->closed[0]);
        intake->waiting -= batch->rows;
    }
    pthread_mutex_unlock(&intake->lock);
    return batch;
}

int64_t intake_wait_ms(struct intake *intake, int64_t now_mono_ms)
{
    int64_t wait = EDGE_NEVER_MS;
    pthread_mutex_lock(&intake->lock);
    if (intake->closed_count > 0) {
        wait = 0;
    } else if (intake->open) {
        int64_t left = intake->open->opened_ms + intake->batch_age_ms - now_mono_ms;
        wait = left > 0 ? left : 0;
    }
    pthread_mutex_unlock(&intake->lock);
    return wait;
}

void batch_encode(const struct batch *batch, struct buf *ret_body)
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
    report_encode(&report, ret_body);
}
