/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/run.h"

/* Which sample of a pixel is channel `channel` of the tensor. */
static uint32_t sample_of(enum muster_nn_colour image, enum muster_nn_colour tensor,
                          uint32_t channel)
{
    return image == tensor ? channel : 2 - channel;
}

static enum muster_nn_status check_image(const struct nn_port *port,
                                         const struct nn_tensor *tensor,
                                         size_t batch_index,
                                         const struct muster_nn_image *image,
                                         struct muster_nn_error *error)
{
    const struct muster_nn_preprocess *wanted = &port->preprocess;
    if (wanted->content != MUSTER_NN_IMAGE || batch_index >= tensor->shape.dims[0]) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "no image input with batch index %zu",
                       batch_index);
    }
    if (image->width != wanted->width || image->height != wanted->height) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "the image is %ux%u, the model takes %ux%u", image->width,
                       image->height, wanted->width, wanted->height);
    }
    bool grey = image->colour == MUSTER_NN_GREY;
    if (image->colour == MUSTER_NN_NO_COLOUR ||
        grey != (wanted->colour == MUSTER_NN_GREY)) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "the image is %s, the model takes %s",
                       grey ? "grey" : "coloured", grey ? "colours" : "grey");
    }
    size_t row = (size_t)image->width * wanted->channels;
    if (!image->pixels || (image->stride_bytes != 0 && image->stride_bytes < row)) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "the image has no pixels or rows overlap");
    }
    return MUSTER_NN_OK;
}

/* One channel: `step` is from one value of the tensor to the next. */
static void set_channel(const struct nn_port *port, const struct muster_nn_image *image,
                        uint32_t channel, float *out, size_t step)
{
    const struct muster_nn_preprocess *wanted = &port->preprocess;
    float scale = wanted->scale, mean = wanted->mean[channel];
    float deviation = wanted->std[channel];
    size_t row_bytes = image->stride_bytes ? image->stride_bytes
                                           : (size_t)image->width * wanted->channels;
    uint32_t sample = sample_of(image->colour, wanted->colour, channel);
    for (uint32_t y = 0; y < image->height; y++) {
        const uint8_t *row = image->pixels + y * row_bytes + sample;
        for (uint32_t x = 0; x < image->width; x++, out += step) {
            *out = ((float)row[(size_t)x * wanted->channels] * scale - mean) / deviation;
        }
    }
}

enum muster_nn_status muster_nn_set_image(struct muster_nn_context *context, size_t input,
                                          size_t batch_index,
                                          const struct muster_nn_image *image,
                                          struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    if (input >= model->input_count) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "there is no input %zu", input);
    }
    const struct nn_port *port = &model->ports[input];
    const struct nn_tensor *tensor = &model->tensors[port->tensor];
    enum muster_nn_status status = check_image(port, tensor, batch_index, image, error);
    if (status) {
        return status;
    }
    uint32_t channels = port->preprocess.channels;
    size_t plane = (size_t)image->width * image->height;
    float *item = nn_context_values(context, tensor) + batch_index * plane * channels;
    for (uint32_t c = 0; c < channels; c++) {
        if (port->interleaved) {
            set_channel(port, image, c, item + c, channels);
        } else {
            set_channel(port, image, c, item + c * plane, 1);
        }
    }
    return MUSTER_NN_OK;
}
