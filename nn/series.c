/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/run.h"

size_t muster_nn_window_count(const struct muster_nn_model *model, size_t input,
                              size_t samples)
{
    if (input >= model->input_count ||
        model->ports[input].preprocess.content != MUSTER_NN_SERIES) {
        return 0;
    }
    const struct muster_nn_preprocess *wanted = &model->ports[input].preprocess;
    return samples < wanted->window ? 0 : (samples - wanted->window) / wanted->hop + 1;
}

/* One channel of a window: `in` from sample to sample, `out` from value to value. */
struct channel {
    const float *in;
    size_t in_step;
    float *out;
    size_t out_step;
    float mean, deviation;
};

static void set_channel(const struct muster_nn_preprocess *wanted,
                        const struct channel *channel)
{
    for (uint32_t i = 0; i < wanted->window; i++) {
        channel->out[i * channel->out_step] =
            (channel->in[i * channel->in_step] * wanted->scale - channel->mean) /
            channel->deviation;
    }
}

/* By the window's own mean and deviation; what does not vary is 0. */
static void set_own(const struct muster_nn_preprocess *wanted,
                    const struct channel *channel)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < wanted->window; i++) {
        sum += (double)(channel->in[i * channel->in_step] * wanted->scale);
    }
    double mean = sum / wanted->window;
    for (uint32_t i = 0; i < wanted->window; i++) {
        double from = (double)(channel->in[i * channel->in_step] * wanted->scale) - mean;
        squares += from * from;
    }
    double deviation = sqrt(squares / wanted->window);
    for (uint32_t i = 0; i < wanted->window; i++) {
        double from = (double)(channel->in[i * channel->in_step] * wanted->scale) - mean;
        channel->out[i * channel->out_step] =
            deviation > 0 ? (float)(from / deviation) : 0.0f;
    }
}

enum muster_nn_status muster_nn_set_window(struct muster_nn_context *context,
                                           size_t input, size_t batch_index,
                                           const struct muster_nn_series *series,
                                           size_t index, struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    size_t windows = muster_nn_window_count(model, input, series->count);
    if (index >= windows || !series->samples) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "input %zu takes no window %zu of %zu samples", input, index,
                       series->count);
    }
    const struct nn_port *port = &model->ports[input];
    const struct muster_nn_preprocess *wanted = &port->preprocess;
    const struct nn_tensor *tensor = &model->tensors[port->tensor];
    if (batch_index >= tensor->shape.dims[0]) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "input %zu has no batch index %zu",
                       input, batch_index);
    }
    size_t channels = wanted->channels;
    const float *in = series->samples + index * wanted->hop * channels;
    float *item =
        nn_context_values(context, tensor) + batch_index * wanted->window * channels;
    for (size_t c = 0; c < channels; c++) {
        struct channel channel = {
            .in = in + c,
            .in_step = channels,
            .out = item + (wanted->channels_last ? c : c * wanted->window),
            .out_step = wanted->channels_last ? channels : 1,
        };
        if (wanted->normalise_window) {
            set_own(wanted, &channel);
        } else {
            channel.mean = wanted->mean[c];
            channel.deviation = wanted->std[c];
            set_channel(wanted, &channel);
        }
    }
    return MUSTER_NN_OK;
}
