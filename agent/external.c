/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/external.h"

#include <string.h>

#include "base/clock.h"

static const size_t FRAME_BYTES = (size_t)64 * 1024 * 1024;

enum { MODEL_BYTES = 64 * 1024, READY_WAIT_MS = 1 };

enum status external_start(struct external *external, const struct external_rules *rules,
                           const struct muster_client_model *model,
                           const struct engine *engine, struct err *err)
{
    struct runner_model told = {.path = model->path,
                                .name = model->name,
                                .version = model->version,
                                .artifact = model->artifact_hex,
                                .format = model->format,
                                .engine = engine->path[0] ? engine->path : NULL,
                                .seq = model->seq,
                                .length = model->length};
    BUF_AUTO line = BUF_INIT(MODEL_BYTES);
    enum status status =
        process_start(&external->process, rules->command, NULL, RUNNER_LINE_BYTES, err);
    external->state = EXTERNAL_NONE;
    if (status == OK) {
        runner_model_encode(&told, &line);
        status = process_send(&external->process, &line, err);
    }
    if (status != OK) {
        external_kill(external);
        return status;
    }
    memcpy(external->artifact, model->artifact, sizeof external->artifact);
    external->engine = *engine;
    external->class_count = 0;
    external->frame = 0;
    external->deadline_ms = clock_mono_ms() + rules->start_ms;
    external->state = EXTERNAL_STARTING;
    return OK;
}

/* The next line as an answer, before the deadline. */
static enum status receive(struct external *external, int64_t wait_ms, struct err *err)
{
    const char *line = NULL;
    size_t len = 0;
    enum status status = process_receive(&external->process, wait_ms, &line, &len, err);
    if (status == ERR_UNAVAILABLE && clock_mono_ms() >= external->deadline_ms) {
        return err_set(err, ERR_RUNNER_FAILED, "it did not answer in time");
    }
    return status == OK ? runner_answer_parse(line, len, &external->answer, err) : status;
}

enum status external_ready(struct external *external, struct err *err)
{
    struct err why = {0};
    if (external->state != EXTERNAL_STARTING) {
        return OK;
    }
    enum status status = receive(external, READY_WAIT_MS, &why);
    if (status == ERR_UNAVAILABLE) {
        return status;
    }
    if (status == OK && external->answer.kind == RUNNER_REFUSAL) {
        return err_set(err, ERR_RUNNER_REFUSED, "%s", external->answer.error);
    }
    if (status == OK && external->answer.kind == RUNNER_REBUILD &&
        external->engine.path[0]) {
        return err_set(err, ERR_ENGINE_STALE, "%s", external->answer.error);
    }
    if (status == OK && external->answer.kind != RUNNER_READY) {
        (void)err_set(&why, ERR_RUNNER_PROTOCOL,
                      "'ready' expected, something else found");
    }
    if (why.status != OK) {
        return err_set(err, ERR_RUNNER_START, "%s", why.detail);
    }
    external->class_count = external->answer.class_count;
    external->state = EXTERNAL_READY;
    return OK;
}

enum status external_ask(struct external *external, const struct external_rules *rules,
                         const struct runner_frame *frame, struct err *err)
{
    BUF_AUTO line = BUF_INIT(FRAME_BYTES);
    struct runner_frame numbered = *frame;
    numbered.number = ++external->frame;
    runner_frame_encode(&numbered, &line);
    external->asked_us = clock_mono_us();
    external->deadline_ms = clock_mono_ms() + rules->frame_ms;
    external->state = EXTERNAL_BUSY;
    return process_send(&external->process, &line, err);
}

static enum status check(const struct external *external, struct err *err)
{
    const struct runner_answer *answer = &external->answer;
    bool frame = answer->kind == RUNNER_PREDICTION || answer->kind == RUNNER_FRAME_ERROR;
    if (!frame || answer->frame != external->frame) {
        return err_set(err, ERR_RUNNER_PROTOCOL, "an answer to frame %lld expected",
                       (long long)external->frame);
    }
    if (answer->kind == RUNNER_FRAME_ERROR || external->class_count == 0) {
        return OK;
    }
    if (answer->class_index >= external->class_count) {
        return err_set(err, ERR_RUNNER_PROTOCOL, "a class below %lld expected, %u found",
                       (long long)external->class_count, (unsigned)answer->class_index);
    }
    if (answer->probability_count > 0 &&
        answer->probability_count != (size_t)external->class_count) {
        return err_set(err, ERR_RUNNER_PROTOCOL, "%lld probabilities expected, %zu found",
                       (long long)external->class_count, answer->probability_count);
    }
    return OK;
}

enum status external_take(struct external *external, int64_t wait_ms, struct err *err)
{
    enum status status = receive(external, wait_ms, err);
    if (status == OK) {
        status = check(external, err);
    }
    if (status != OK) {
        return status;
    }
    if (external->answer.kind == RUNNER_PREDICTION && !external->answer.has_latency) {
        int64_t took_us = clock_mono_us() - external->asked_us;
        external->answer.latency_us =
            (uint32_t)(took_us < UINT32_MAX ? took_us : UINT32_MAX);
    }
    external->state = EXTERNAL_READY;
    return OK;
}

void external_leave(struct external *external, struct leavers *leavers)
{
    if (external->state != EXTERNAL_NONE) {
        process_leave(&external->process, leavers);
        external->state = EXTERNAL_NONE;
    }
}

void external_kill(struct external *external)
{
    process_kill(&external->process);
    external->state = EXTERNAL_NONE;
}
