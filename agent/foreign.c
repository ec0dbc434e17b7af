/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/foreign.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    PAUSE_MIN_MS = 250,
    PAUSE_MAX_MS = 60000,
    FRAME_FAILURES_MAX = 3,
    ANSWER_WAIT_MS = 5,
};

static bool has(const struct external *external, const struct muster_client_model *model)
{
    return external->state != EXTERNAL_NONE &&
           memcmp(external->artifact, model->artifact, sizeof external->artifact) == 0;
}

static enum status start(struct foreign *foreign, struct external *external,
                         const struct muster_client_model *model, struct err *err)
{
    struct engine engine = {0};
    enum status status = OK;
    if (foreign->rules.engine.command) {
        status =
            engine_obtain(&foreign->builder, &foreign->rules.engine, model, &engine, err);
    }
    return status == OK ? external_start(external, &foreign->rules, model, &engine, err)
                        : status;
}

/* An engine that its runtime does not want any more is built anew, once. */
static enum status ready(struct foreign *foreign, struct external *external,
                         const struct muster_client_model *model, struct err *err)
{
    struct err why = {0};
    enum status status = external_ready(external, &why);
    if (status == OK && external->engine.fresh) {
        foreign->builder.built = false;
    }
    if (status == ERR_ENGINE_STALE && !external->engine.fresh) {
        log_event(LOG_LEVEL_INFO, "engine", log_text("stale", why.detail));
        external_kill(external);
        engine_discard(model);
        return ERR_UNAVAILABLE;
    }
    return status == OK || status == ERR_UNAVAILABLE
               ? status
               : err_set(err, status, "%s", why.detail);
}

enum muster_client_result foreign_test(struct foreign *foreign,
                                       const struct muster_client_model *candidate,
                                       struct muster_client_error *error)
{
    struct err err = {0};
    if (!candidate) {
        engine_stop(&foreign->builder, NULL);
        external_leave(&foreign->spare, &foreign->leavers);
        return MUSTER_CLIENT_OK;
    }
    enum status status = OK;
    if (!has(&foreign->spare, candidate)) {
        external_leave(&foreign->spare, &foreign->leavers);
        status = start(foreign, &foreign->spare, candidate, &err);
    }
    if (status == OK) {
        status = ready(foreign, &foreign->spare, candidate, &err);
    }
    if (status == OK) {
        return MUSTER_CLIENT_OK;
    }
    if (status == ERR_UNAVAILABLE) {
        return MUSTER_CLIENT_AGAIN;
    }
    external_kill(&foreign->spare);
    (void)snprintf(error->code, sizeof error->code, "%s", status_name(status));
    (void)snprintf(error->text, sizeof error->text, "%s", err.detail);
    return MUSTER_CLIENT_FAILED;
}

/* One more failure: said, killed, and started again after a pause. */
static void failed(struct foreign *foreign, const struct err *err)
{
    external_kill(&foreign->current);
    foreign->pause_ms = foreign->pause_ms == 0 ? PAUSE_MIN_MS : 2 * foreign->pause_ms;
    foreign->pause_ms =
        foreign->pause_ms < PAUSE_MAX_MS ? foreign->pause_ms : PAUSE_MAX_MS;
    foreign->start_ms = clock_mono_ms() + foreign->pause_ms;
    log_event(LOG_LEVEL_WARNING, "runner_failed",
              log_text("code", status_name(err->status)), log_text("reason", err->detail),
              log_int("next_ms", foreign->pause_ms));
}

/* Sees to it that the process of this model is ready. */
static enum status prepare(struct foreign *foreign,
                           const struct muster_client_model *model, struct err *err)
{
    if (!has(&foreign->current, model)) {
        external_leave(&foreign->current, &foreign->leavers);
        if (has(&foreign->spare, model)) {
            foreign->current = foreign->spare;
            foreign->spare = (struct external){0};
            foreign->failures = 0;
        } else if (clock_mono_ms() < foreign->start_ms) {
            return ERR_UNAVAILABLE;
        } else {
            enum status status = start(foreign, &foreign->current, model, err);
            if (status != OK) {
                return status;
            }
        }
    }
    return ready(foreign, &foreign->current, model, err);
}

static enum status infer(struct foreign *foreign, const struct source_frame *frame,
                         struct err *err)
{
    const struct image_set *set = frame->set;
    struct runner_frame asked = {.pixels = image_at(set, frame->picture),
                                 .width = set->width,
                                 .height = set->height,
                                 .channels = set->channels};
    enum status status = OK;
    if (foreign->current.state == EXTERNAL_READY) {
        status = external_ask(&foreign->current, &foreign->rules, &asked, err);
    }
    return status == OK ? external_take(&foreign->current, ANSWER_WAIT_MS, err) : status;
}

static enum foreign_result leave_out(struct foreign *foreign, const char *reason)
{
    foreign->failures = 0;
    foreign->left_out++;
    log_event(LOG_LEVEL_WARNING, "frame_left_out", log_text("reason", reason),
              log_int("left_out", (int64_t)foreign->left_out));
    return FOREIGN_LEFT_OUT;
}

enum foreign_result foreign_infer(struct foreign *foreign,
                                  const struct muster_client_model *model,
                                  const struct source_frame *frame,
                                  const struct runner_answer **ret_answer)
{
    struct err err = {0};
    enum status status = prepare(foreign, model, &err);
    bool asked = status == OK;
    if (status == OK) {
        status = infer(foreign, frame, &err);
    }
    if (status == ERR_UNAVAILABLE) {
        return FOREIGN_WAIT;
    }
    if (status != OK) {
        failed(foreign, &err);
        foreign->failures += asked;
        return foreign->failures < FRAME_FAILURES_MAX
                   ? FOREIGN_WAIT
                   : leave_out(foreign, "the runner failed at it again and again");
    }
    foreign->pause_ms = 0;
    if (foreign->current.answer.kind == RUNNER_FRAME_ERROR) {
        return leave_out(foreign, foreign->current.answer.error);
    }
    foreign->failures = 0;
    *ret_answer = &foreign->current.answer;
    return FOREIGN_PREDICTION;
}

void foreign_rest(struct foreign *foreign)
{
    external_leave(&foreign->current, &foreign->leavers);
}

void foreign_step(struct foreign *foreign)
{
    leavers_step(&foreign->leavers);
}

void foreign_release(struct foreign *foreign)
{
    engine_stop(&foreign->builder, NULL);
    external_leave(&foreign->current, &foreign->leavers);
    external_leave(&foreign->spare, &foreign->leavers);
    leavers_kill(&foreign->leavers);
}
