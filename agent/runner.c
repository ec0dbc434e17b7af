/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { IDLE_MS = 100, BUSY_MS = 5, BEHIND_US = 1000000, VERSIONS_BYTES = 64 * 1024 };

void runner_init(struct runner *ret_runner, const struct agent_options *options,
                 const struct source *source, struct muster_client *client)
{
    *ret_runner = (struct runner){.options = options,
                                  .source = source,
                                  .client = client,
                                  .due_us = clock_mono_us(),
                                  .foreign = {.rules = options->external},
                                  .versions = BUF_INIT(VERSIONS_BYTES)};
}

static void drop_model(struct runner *runner)
{
    muster_nn_context_free(runner->context);
    runner->context = NULL;
    free(runner->probabilities);
    runner->probabilities = NULL;
    muster_client_model_release(runner->model);
    runner->model = NULL;
}

void runner_release(struct runner *runner)
{
    drop_model(runner);
    foreign_release(&runner->foreign);
    buf_release(&runner->versions);
}

static enum status from_nn(const struct muster_nn_error *error, struct err *err)
{
    return err_set(err,
                   error->status == MUSTER_NN_NO_MEMORY  ? ERR_NO_MEMORY
                   : error->status == MUSTER_NN_ARGUMENT ? ERR_IMAGE_FORMAT
                                                         : ERR_MNET_INVALID,
                   "%s", error->detail);
}

/* The last dimension of the first output is the classes. */
static enum status prepare(struct runner *runner, struct err *err)
{
    struct muster_nn_error error = {0};
    struct muster_nn_tensor output;
    enum muster_nn_meaning meaning;
    struct muster_nn_model *nn = runner->model->nn;
    if (muster_nn_context_new(nn, &runner->context, &error) != MUSTER_NN_OK) {
        return from_nn(&error, err);
    }
    if (muster_nn_describe_output(nn, 0, &output, &meaning) != MUSTER_NN_OK ||
        output.rank == 0) {
        return err_set(err, ERR_MNET_UNSUPPORTED, "the model has no output of classes");
    }
    runner->class_count = output.dims[output.rank - 1];
    runner->probabilities = calloc(runner->class_count, sizeof(float));
    return runner->probabilities ? OK : err_set(err, ERR_NO_MEMORY, "no memory");
}

static bool is_done(const struct runner *runner, const struct muster_client_model *model)
{
    return runner->options->once_per_version && runner->has_done &&
           memcmp(runner->done, model->artifact, sizeof runner->done) == 0;
}

/* Sees to it that a model is at hand; none is fine. */
static enum status take_model(struct runner *runner, struct err *err)
{
    bool keep =
        (runner->options->once_per_version && !runner->stopped) || !runner->model_changed;
    if (runner->model && keep) {
        return OK;
    }
    drop_model(runner);
    runner->model_changed = runner->stopped = false;
    runner->model = muster_client_model(runner->client);
    if (runner->model && is_done(runner, runner->model)) {
        drop_model(runner);
    } else if (!runner->model) {
        foreign_rest(&runner->foreign); /* it was withdrawn */
    }
    return runner->model && !runner->foreign.rules.command ? prepare(runner, err) : OK;
}

static enum status infer(struct runner *runner, const struct source_frame *frame,
                         struct err *err)
{
    struct muster_nn_error error = {0};
    const struct image_set *set = frame->set;
    struct muster_nn_image image = {.pixels = image_at(set, frame->picture),
                                    .width = set->width,
                                    .height = set->height,
                                    .colour = set->channels == 1 ? MUSTER_NN_GREY
                                                                 : MUSTER_NN_RGB};
    if (muster_nn_set_image(runner->context, 0, 0, &image, &error) != MUSTER_NN_OK ||
        muster_nn_run(runner->context, &error) != MUSTER_NN_OK ||
        muster_nn_probabilities(runner->context, 0, 0, runner->probabilities,
                                runner->class_count, &error) != MUSTER_NN_OK) {
        return from_nn(&error, err);
    }
    return OK;
}

static size_t best_class(const struct runner *runner)
{
    size_t best = 0;
    for (size_t i = 1; i < runner->class_count; i++) {
        if (runner->probabilities[i] > runner->probabilities[best]) {
            best = i;
        }
    }
    return best;
}

static double unit(double value)
{
    return value > 1 ? 1 : value >= 0 ? value : 0;
}

/* *ret_full: the client has no room now; nothing was recorded. */
static enum status record(struct runner *runner,
                          const struct muster_prediction *prediction, bool *ret_full,
                          struct err *err)
{
    struct muster_client_error error = {0};
    enum muster_client_result result =
        muster_client_record(runner->client, runner->model, prediction, &error);
    *ret_full = result == MUSTER_CLIENT_AGAIN;
    if (result == MUSTER_CLIENT_OK || *ret_full) {
        return OK;
    }
    return err_set(err, ERR_INTERNAL, "%s: %s", error.code, error.text);
}

/* By a runner process. *ret_full also while it has not answered. */
static enum status record_foreign(struct runner *runner, bool *ret_full, struct err *err)
{
    const struct source_frame *frame = &runner->source->frames[runner->next];
    const struct runner_answer *answer = NULL;
    switch (foreign_infer(&runner->foreign, runner->model, frame, &answer)) {
    case FOREIGN_WAIT:
        *ret_full = true;
        return OK;
    case FOREIGN_LEFT_OUT:
        return OK;
    case FOREIGN_PREDICTION:
        break;
    }
    struct muster_prediction prediction = {
        .class_index = answer->class_index,
        .confidence = answer->confidence,
        .latency_us = answer->latency_us,
        .has_value = answer->has_value,
        .value = answer->value,
        .has_sample = true,
        .sample = frame->sample,
        .probabilities = answer->probability_count > 0 ? answer->probabilities : NULL,
        .probability_count = answer->probability_count,
        .derived = runner->foreign.current.engine.path[0]
                       ? runner->foreign.current.engine.sha256
                       : NULL};
    return record(runner, &prediction, ret_full, err);
}

static enum status infer_and_record(struct runner *runner, bool *ret_full,
                                    struct err *err)
{
    const struct source_frame *frame = &runner->source->frames[runner->next];
    int64_t from_us = clock_mono_us();
    enum status status = infer(runner, frame, err);
    if (status != OK) {
        return status;
    }
    int64_t took_us = clock_mono_us() - from_us;
    size_t best = best_class(runner);
    struct muster_prediction prediction = {
        .class_index = (uint16_t)best,
        .confidence = unit((double)runner->probabilities[best]),
        .latency_us = (uint32_t)(took_us < UINT32_MAX ? took_us : UINT32_MAX),
        .has_sample = true,
        .sample = frame->sample,
        .probabilities = runner->probabilities,
        .probability_count = runner->class_count};
    return record(runner, &prediction, ret_full, err);
}

static void end_pass(struct runner *runner)
{
    runner->next = 0;
    runner->passes_done++;
    muster_client_flush(runner->client);
    if (runner->options->once_per_version) {
        runner->versions_done++;
        runner->has_done = true;
        memcpy(runner->done, runner->model->artifact, sizeof runner->done);
        buf_addstr(&runner->versions, runner->versions.len > 0 ? "," : "");
        buf_addstr(&runner->versions, runner->model->version);
        drop_model(runner);
    }
}

static void set_next_due(struct runner *runner, int64_t now_us)
{
    if (runner->options->rate <= 0) {
        runner->due_us = now_us;
        return;
    }
    runner->due_us += (int64_t)(1e6 / runner->options->rate);
    if (runner->due_us < now_us - BEHIND_US) {
        runner->due_us = now_us; /* frames that were missed are not caught up */
    }
}

enum status runner_work(struct runner *runner, int64_t budget_us, struct err *err)
{
    int64_t until_us = clock_mono_us() + budget_us;
    foreign_step(&runner->foreign);
    for (int64_t now_us = clock_mono_us();
         now_us < until_us && now_us >= runner->due_us && !runner_finished(runner);
         now_us = clock_mono_us()) {
        bool full = false;
        enum status status = take_model(runner, err);
        if (status == OK && !runner->model) {
            runner->due_us = now_us + IDLE_MS * INT64_C(1000);
            return OK;
        }
        if (status == OK) {
            status = runner->foreign.rules.command ? record_foreign(runner, &full, err)
                                                   : infer_and_record(runner, &full, err);
        }
        if (status != OK) {
            return status;
        }
        if (full) {
            runner->due_us = now_us + BUSY_MS * INT64_C(1000);
            return OK;
        }
        set_next_due(runner, now_us);
        if (++runner->next == runner->source->frame_count) {
            end_pass(runner);
        }
    }
    return OK;
}

bool runner_finished(const struct runner *runner)
{
    const struct agent_options *options = runner->options;
    if (options->once_per_version) {
        return options->versions > 0 && runner->versions_done >= options->versions;
    }
    return options->passes > 0 && runner->passes_done >= options->passes;
}

int64_t runner_wait_ms(const struct runner *runner)
{
    int64_t left_us = runner->due_us - clock_mono_us();
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}
