/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/detail_file.h"
#include "edge/env.h"

enum { STEP_MS = 1000 }; /* a clock that moves by more than this was wrong before */

void intake_init(struct intake *ret_intake, size_t batch_rows, int64_t batch_age_ms)
{
    *ret_intake = (struct intake){.batch_rows = batch_rows, .batch_age_ms = batch_age_ms};
    ret_intake->detail = (struct detail){.mode = DETAIL_FULL, .every = 1};
    draw_init(&ret_intake->draw);
    pthread_mutex_init(&ret_intake->lock, NULL);
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

/* The lock is held by the callers of these. */

/* Where there is no room it ends all the same, and is closed when there is. */
static bool close_open(struct intake *intake)
{
    if (intake->open && batch_predictions(intake->open) == 0) {
        batch_free(intake->open);
        intake->open = NULL;
    }
    if (!intake->open) {
        return true;
    }
    if (intake->closed_count == INTAKE_CLOSED_MAX) {
        intake->open->ended = true;
        return false;
    }
    intake->closed[intake->closed_count++] = intake->open;
    intake->open = NULL;
    return true;
}

static bool close_by_clock(struct intake *intake)
{
    if (intake->open) {
        intake->open->by_clock = intake->open->interval != NULL;
    }
    return close_open(intake);
}

/* Values are not summarised: what has one is always a row. */
static struct detail detail_of(const struct intake *intake, const struct intake_row *row)
{
    if (row->prediction->has_value || strcmp(row->model, intake->model) != 0) {
        return (struct detail){.mode = DETAIL_FULL, .every = 1};
    }
    return intake->detail;
}

static enum status open_for(struct intake *intake, const struct intake_row *row,
                            const struct detail *detail, struct err *err)
{
    if (intake->open && batch_fits(intake->open, row, detail)) {
        return OK;
    }
    bool over =
        intake->open && intake->open->interval && row->at_mono_ms >= intake->open->to_ms;
    if (!(over ? close_by_clock(intake) : close_open(intake))) {
        return err_set(err, ERR_UNAVAILABLE, "%d batches wait to be written",
                       INTAKE_CLOSED_MAX);
    }
    struct batch *batch = batch_new(row, detail, intake->batch_rows);
    if (!batch) {
        return err_set(err, ERR_NO_MEMORY, "could not open a batch");
    }
    if (batch->interval) {
        batch_cut(batch, row->at_mono_ms, intake->anchor_ms, intake->anchor_known);
    }
    intake->open = batch;
    return OK;
}

/* Whether its class differs from that of the prediction before by the same artifact. */
static bool is_change(const struct intake *intake, const struct intake_row *row)
{
    return intake->has_last && intake->last_class != row->prediction->class_index &&
           memcmp(intake->last_artifact, row->artifact, sizeof intake->last_artifact) ==
               0;
}

static bool is_kept(struct intake *intake, const struct detail *detail, bool changed)
{
    switch (detail->mode) {
    case DETAIL_SAMPLED:
        return draw_one_in(&intake->draw, detail->every);
    case DETAIL_CHANGES:
        return changed;
    case DETAIL_SUMMARY:
        return false;
    case DETAIL_FULL:
    case DETAIL_AUTO:
        return true;
    }
    return true;
}

static enum status add(struct intake *intake, const struct intake_row *row,
                       struct err *err)
{
    struct detail detail = detail_of(intake, row);
    enum status status = open_for(intake, row, &detail, err);
    if (status != OK) {
        return status;
    }
    bool changed = is_change(intake, row);
    bool keep = is_kept(intake, &detail, changed);
    status = batch_add(intake->open, row, changed, keep, err);
    if (status == OK) {
        intake->has_last = true;
        intake->last_class = row->prediction->class_index;
        memcpy(intake->last_artifact, row->artifact, sizeof intake->last_artifact);
        intake->has_derived = row->prediction->derived != NULL;
        if (intake->has_derived) {
            memcpy(intake->derived, row->prediction->derived, sizeof intake->derived);
        }
        intake->recorded++;
        intake->waiting++;
    }
    if (status == OK && batch_is_full(intake->open)) {
        (void)close_open(intake);
    }
    return status;
}

/* When the open batch is to be closed, monotonic. */
static int64_t due_ms(const struct intake *intake)
{
    const struct batch *open = intake->open;
    return open->interval ? open->to_ms + INTAKE_LATE_MS
                          : open->opened_ms + intake->batch_age_ms;
}

/* From here on the lock is taken. */

void intake_set_detail(struct intake *intake, const char *model,
                       const struct detail *detail)
{
    pthread_mutex_lock(&intake->lock);
    bool same = strcmp(intake->model, model) == 0 && detail_same(&intake->detail, detail);
    if (!same) {
        (void)close_open(intake);
        snprintf(intake->model, sizeof intake->model, "%s", model);
        intake->detail = *detail;
    }
    pthread_mutex_unlock(&intake->lock);
}

void intake_set_time(struct intake *intake, int64_t anchor_ms, bool known)
{
    pthread_mutex_lock(&intake->lock);
    const struct batch *open = intake->open;
    if (open && open->interval &&
        (open->anchor_known != known ||
         (known && llabs(open->anchor_ms - anchor_ms) > STEP_MS))) {
        (void)close_open(intake);
    }
    intake->anchor_ms = anchor_ms;
    intake->anchor_known = known;
    pthread_mutex_unlock(&intake->lock);
}

enum status intake_add(struct intake *intake, const struct intake_row *row,
                       bool *ret_news, struct err *err)
{
    pthread_mutex_lock(&intake->lock);
    const struct batch *before = intake->open;
    enum status status = add(intake, row, err);
    *ret_news = intake->open != before;
    pthread_mutex_unlock(&intake->lock);
    return status;
}

void intake_close(struct intake *intake, int64_t now_mono_ms)
{
    pthread_mutex_lock(&intake->lock);
    if (intake->open && now_mono_ms >= due_ms(intake)) {
        (void)close_by_clock(intake);
    } else if (intake->open && intake->open->ended) {
        (void)close_open(intake);
    }
    pthread_mutex_unlock(&intake->lock);
}

bool intake_derived(struct intake *intake, const uint8_t artifact[static 32],
                    uint8_t ret_derived[static 32])
{
    pthread_mutex_lock(&intake->lock);
    bool derived =
        intake->has_last && intake->has_derived &&
        memcmp(intake->last_artifact, artifact, sizeof intake->last_artifact) == 0;
    if (derived) {
        memcpy(ret_derived, intake->derived, sizeof intake->derived);
    }
    pthread_mutex_unlock(&intake->lock);
    return derived;
}

void intake_flush(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    if (intake->open) {
        intake->open->by_clock = false;
    }
    (void)close_open(intake);
    for (size_t i = 0; i < intake->closed_count; i++) {
        intake->closed[i]->by_clock = false;
    }
    intake->flushed = true;
    pthread_mutex_unlock(&intake->lock);
}

bool intake_was_flushed(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    bool flushed = intake->flushed;
    intake->flushed = false;
    pthread_mutex_unlock(&intake->lock);
    return flushed;
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
        intake->waiting -= batch_predictions(batch);
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
        int64_t left = due_ms(intake) - now_mono_ms;
        wait = left > 0 ? left : 0;
    }
    pthread_mutex_unlock(&intake->lock);
    return wait;
}
