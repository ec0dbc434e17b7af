/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/input.h"

#include <math.h>
#include <string.h>

enum { DENOISE_3 = 3 };

#define REFUSE(...) err_set(err, ERR_INVALID_ARGUMENT, __VA_ARGS__)

static enum muster_nn_colour colour_of(const struct import_options *options,
                                       const struct nn_shape *shape)
{
    switch (options->input) {
    case IMPORT_INPUT_AUTO:
        for (uint32_t d = 1; d < 4 && shape->rank == 4; d += 2) {
            if (shape->dims[d] == 1 || shape->dims[d] == 3) {
                return shape->dims[d] == 1 ? MUSTER_NN_GREY : MUSTER_NN_RGB;
            }
        }
        return MUSTER_NN_NO_COLOUR;
    case IMPORT_PLAIN:
    case IMPORT_SERIES:
        return MUSTER_NN_NO_COLOUR;
    case IMPORT_GREY:
        return MUSTER_NN_GREY;
    case IMPORT_RGB:
        return MUSTER_NN_RGB;
    case IMPORT_BGR:
        return MUSTER_NN_BGR;
    }
    return MUSTER_NN_NO_COLOUR;
}

/* Of the first `channels` channels; a scale of 0 is `scale`. */
static enum status describe_numbers(const struct import_options *options, float scale,
                                    struct muster_nn_preprocess *preprocess,
                                    struct err *err)
{
    preprocess->scale = options->scale != 0 ? options->scale : scale;
    if (!isfinite(preprocess->scale)) {
        return REFUSE("scale is not finite");
    }
    for (uint32_t c = 0; c < preprocess->channels && !preprocess->normalise_window; c++) {
        if (c >= MUSTER_NN_MAX_CHANNELS) {
            return REFUSE("%u channels: more than %d are normalised by the window's own "
                          "mean only",
                          preprocess->channels, MUSTER_NN_MAX_CHANNELS);
        }
        preprocess->mean[c] = options->mean[c];
        preprocess->std[c] = options->std[c] != 0 ? options->std[c] : 1;
        if (!isfinite(preprocess->mean[c]) || !isfinite(preprocess->std[c])) {
            return REFUSE("mean or std is not finite");
        }
    }
    return OK;
}

static enum status describe_fit(const struct import_options *options,
                                struct muster_nn_preprocess *preprocess, struct err *err)
{
    uint32_t side =
        preprocess->width > preprocess->height ? preprocess->width : preprocess->height;
    bool resizes = options->fit != MUSTER_NN_FIT_EXACT;
    bool crops = options->fit == MUSTER_NN_FIT_CROP;
    preprocess->fit = options->fit;
    preprocess->interpolation = options->interpolation;
    preprocess->denoise = options->denoise;
    preprocess->shorter_side = options->shorter_side;
    preprocess->fill = options->fill;
    if (resizes && options->interpolation == MUSTER_NN_NO_INTERPOLATION) {
        preprocess->interpolation = MUSTER_NN_ANTIALIAS;
    }
    if (crops && options->shorter_side == 0) {
        preprocess->shorter_side = side;
    }
    if (!resizes && options->interpolation != MUSTER_NN_NO_INTERPOLATION) {
        return REFUSE("an interpolation without a fit that resizes");
    }
    if (crops ? preprocess->shorter_side < side || preprocess->shorter_side > NN_MAX_DIM
              : options->shorter_side != 0) {
        return REFUSE("a shorter side of %u for an input of %ux%u", options->shorter_side,
                      preprocess->width, preprocess->height);
    }
    if (options->fit != MUSTER_NN_FIT_LETTERBOX && options->fill != 0) {
        return REFUSE("a fill without letterbox");
    }
    if (options->denoise != 0 && options->denoise != DENOISE_3) {
        return REFUSE("denoise is 3 or nothing, not %u", options->denoise);
    }
    return OK;
}

static enum status describe_image(const struct import_options *options,
                                  const struct nn_shape *shape,
                                  struct muster_nn_preprocess *preprocess,
                                  struct err *err)
{
    preprocess->content = MUSTER_NN_IMAGE;
    preprocess->channels = preprocess->colour == MUSTER_NN_GREY ? 1 : 3;
    bool first = shape->rank == 4 && shape->dims[1] == preprocess->channels;
    bool last = shape->rank == 4 && shape->dims[3] == preprocess->channels;
    if (!first && !last) {
        return REFUSE("the first input has not the shape of such an image");
    }
    preprocess->channels_last = !first;
    preprocess->height = shape->dims[first ? 2 : 1];
    preprocess->width = shape->dims[first ? 3 : 2];
    if (options->window || options->hop || options->normalise_window) {
        return REFUSE("windows are of a series, not of an image");
    }
    enum status status = describe_fit(options, preprocess, err);
    return status ? status : describe_numbers(options, 1.0f / 255.0f, preprocess, err);
}

/* A window is the last dimension (by channel), or the first behind the batch. */
static enum status describe_series(const struct import_options *options,
                                   const struct nn_shape *shape,
                                   struct muster_nn_preprocess *preprocess,
                                   struct err *err)
{
    if (shape->rank < 2) {
        return REFUSE("the first input has not the shape of a window");
    }
    uint32_t item = nn_shape_elements(shape) / shape->dims[0];
    preprocess->content = MUSTER_NN_SERIES;
    preprocess->window = options->window ? options->window : shape->dims[shape->rank - 1];
    preprocess->hop = options->hop ? options->hop : preprocess->window;
    preprocess->normalise_window = options->normalise_window;
    preprocess->channels_last = shape->dims[shape->rank - 1] != preprocess->window;
    if (preprocess->channels_last && shape->dims[1] != preprocess->window) {
        return REFUSE("the first input has no dimension of %u samples",
                      preprocess->window);
    }
    preprocess->channels = item / preprocess->window;
    if (options->fit != MUSTER_NN_FIT_EXACT || options->interpolation ||
        options->denoise || options->shorter_side || options->fill) {
        return REFUSE("fit, interpolation and denoise are of images, not of a series");
    }
    return describe_numbers(options, 1.0f, preprocess, err);
}

static bool is_initializer(const struct onnx_model *model, const char *name)
{
    for (size_t i = 0; i < model->initializer_count; i++) {
        if (strcmp(model->initializers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The input of that name, or the first that is no initializer. */
static struct onnx_port *find_input(const struct onnx_model *model, const char *name)
{
    for (size_t i = 0; i < model->input_count; i++) {
        struct onnx_port *port = &model->inputs[i];
        if (name ? strcmp(port->name, name) == 0 : !is_initializer(model, port->name)) {
            return port;
        }
    }
    return NULL;
}

static enum status fix_shape(const struct import_shape *wanted, struct onnx_port *port,
                             struct err *err)
{
    const struct nn_shape *shape = &wanted->shape;
    if (port->has_shape && port->rank != shape->rank) {
        return REFUSE("input '%.80s' has %u dimensions, not %u", port->name, port->rank,
                      shape->rank);
    }
    for (uint32_t d = 0; d < shape->rank; d++) {
        if (port->has_shape && port->dims[d] > 0 &&
            port->dims[d] != (int64_t)shape->dims[d]) {
            return REFUSE("dimension %u of input '%.80s' is %lld, not %u", d, port->name,
                          (long long)port->dims[d], shape->dims[d]);
        }
        port->dims[d] = shape->dims[d];
    }
    port->rank = shape->rank;
    port->has_shape = true;
    return OK;
}

enum status input_fix_shapes(const struct import_options *options,
                             struct onnx_model *model, struct err *err)
{
    for (size_t i = 0; i < options->shape_count; i++) {
        const struct import_shape *wanted = &options->shapes[i];
        struct onnx_port *port = find_input(model, wanted->input);
        if (!port) {
            return REFUSE("no input '%.80s'", wanted->input ? wanted->input : "");
        }
        enum status status = fix_shape(wanted, port, err);
        if (status) {
            return status;
        }
    }
    return OK;
}

enum status input_describe(const struct import_options *options,
                           const struct nn_shape *shape,
                           struct muster_nn_preprocess *ret_preprocess, struct err *err)
{
    struct muster_nn_preprocess preprocess = {.colour = colour_of(options, shape)};
    enum status status = OK;
    if (preprocess.colour != MUSTER_NN_NO_COLOUR) {
        status = describe_image(options, shape, &preprocess, err);
    } else if (options->input == IMPORT_SERIES) {
        status = describe_series(options, shape, &preprocess, err);
    } else if (options->fit != MUSTER_NN_FIT_EXACT || options->denoise ||
               options->window) {
        status = REFUSE("the first input is neither an image nor a series");
    }
    if (!status) {
        *ret_preprocess = preprocess;
    }
    return status;
}
