/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/preprocess.h"

#include <math.h>

#include "nn/format.h"
#include "nn/model.h"

enum {
    AT_CONTENT = 5,
    AT_COLOUR = 6,
    AT_LAYOUT = 7,
    AT_FIT = 8,
    AT_INTERPOLATION = 9,
    AT_DENOISE = 10,
    AT_SCALE = 12,
    AT_MEAN = 16,
    AT_STD = 32,
    AT_SHORTER_SIDE = 48,
    AT_WINDOW = 52,
    AT_HOP = 56,
    AT_FILL = 60,
    AT_NORMALISE = 61,
    AT_MEAN_MORE = 64,
    AT_STD_MORE = 96,
    FIRST_CHANNELS = 4,
    DENOISE_3 = 3
};

#define INVALID(...) nn_fail(error, MUSTER_NN_INVALID, __VA_ARGS__)

static float channel_value(const uint8_t *at, uint32_t channel, int first, int more)
{
    return nn_float_of(channel < FIRST_CHANNELS
                           ? le_u32(at + first + 4 * channel)
                           : le_u32(at + more + 4 * (channel - FIRST_CHANNELS)));
}

/* The first `used` channels have a mean and a std, the others zeros. */
static bool decode_normalisation(const uint8_t *at, uint32_t used,
                                 struct muster_nn_preprocess *preprocess)
{
    preprocess->scale = nn_float_of(le_u32(at + AT_SCALE));
    for (uint32_t c = 0; c < MUSTER_NN_MAX_CHANNELS; c++) {
        float mean = channel_value(at, c, AT_MEAN, AT_MEAN_MORE);
        float deviation = channel_value(at, c, AT_STD, AT_STD_MORE);
        if (!isfinite(mean) || !isfinite(deviation) || (c < used && deviation == 0) ||
            (c >= used && (mean != 0 || deviation != 0))) {
            return false;
        }
        preprocess->mean[c] = mean;
        preprocess->std[c] = deviation;
    }
    return isfinite(preprocess->scale) && used <= MUSTER_NN_MAX_CHANNELS;
}

static bool decode_fit(const uint8_t *at, struct muster_nn_preprocess *preprocess)
{
    if (at[AT_FIT] > MUSTER_NN_FIT_LETTERBOX ||
        at[AT_INTERPOLATION] > MUSTER_NN_ANTIALIAS ||
        (at[AT_DENOISE] != 0 && at[AT_DENOISE] != DENOISE_3)) {
        return false;
    }
    preprocess->fit = (enum muster_nn_fit)at[AT_FIT];
    preprocess->interpolation = (enum muster_nn_interpolation)at[AT_INTERPOLATION];
    preprocess->denoise = at[AT_DENOISE];
    preprocess->shorter_side = le_u32(at + AT_SHORTER_SIDE);
    preprocess->fill = at[AT_FILL];
    bool resizes = preprocess->fit != MUSTER_NN_FIT_EXACT;
    bool crops = preprocess->fit == MUSTER_NN_FIT_CROP;
    uint32_t side =
        preprocess->width > preprocess->height ? preprocess->width : preprocess->height;
    return resizes == (preprocess->interpolation != MUSTER_NN_NO_INTERPOLATION) &&
           (crops ? preprocess->shorter_side >= side &&
                        preprocess->shorter_side <= NN_MAX_DIM
                  : preprocess->shorter_side == 0) &&
           (preprocess->fit == MUSTER_NN_FIT_LETTERBOX || preprocess->fill == 0);
}

static enum muster_nn_status decode_image(const uint8_t *at, const struct nn_shape *shape,
                                          struct muster_nn_preprocess *preprocess,
                                          struct muster_nn_error *error)
{
    if (at[AT_COLOUR] < MUSTER_NN_GREY || at[AT_COLOUR] > MUSTER_NN_BGR) {
        return INVALID("an image input has a bad colour");
    }
    preprocess->colour = (enum muster_nn_colour)at[AT_COLOUR];
    preprocess->channels = at[AT_COLOUR] == MUSTER_NN_GREY ? 1 : 3;
    if (shape->rank != 4 ||
        shape->dims[preprocess->channels_last ? 3 : 1] != preprocess->channels) {
        return INVALID("an image input has another shape than its colour");
    }
    preprocess->height = shape->dims[preprocess->channels_last ? 1 : 2];
    preprocess->width = shape->dims[preprocess->channels_last ? 2 : 3];
    if (!decode_fit(at, preprocess) || le_u32(at + AT_WINDOW) || le_u32(at + AT_HOP) ||
        at[AT_NORMALISE] != 0) {
        return INVALID("an image input has a bad fit");
    }
    return decode_normalisation(at, preprocess->channels, preprocess)
               ? MUSTER_NN_OK
               : INVALID("an image input has a bad scale, mean or std");
}

static enum muster_nn_status decode_series(const uint8_t *at,
                                           const struct nn_shape *shape,
                                           struct muster_nn_preprocess *preprocess,
                                           struct muster_nn_error *error)
{
    preprocess->window = le_u32(at + AT_WINDOW);
    preprocess->hop = le_u32(at + AT_HOP);
    preprocess->normalise_window = at[AT_NORMALISE] == 1;
    uint32_t item = shape->rank ? nn_shape_elements(shape) / shape->dims[0] : 0;
    if (preprocess->window == 0 || preprocess->hop == 0 ||
        item % preprocess->window != 0 || item == 0) {
        return INVALID("a series input has a bad window or hop");
    }
    preprocess->channels = item / preprocess->window;
    if (at[AT_COLOUR] || at[AT_FIT] || at[AT_INTERPOLATION] || at[AT_DENOISE] ||
        le_u32(at + AT_SHORTER_SIDE) || at[AT_FILL] || at[AT_NORMALISE] > 1) {
        return INVALID("a series input has fields of an image");
    }
    return decode_normalisation(
               at, preprocess->normalise_window ? 0 : preprocess->channels, preprocess)
               ? MUSTER_NN_OK
               : INVALID("a series input has a bad scale, mean or std");
}

enum muster_nn_status nn_preprocess_decode(const uint8_t *at,
                                           const struct nn_shape *shape,
                                           struct muster_nn_preprocess *ret_preprocess,
                                           struct muster_nn_error *error)
{
    if (at[AT_CONTENT] > MUSTER_NN_SERIES || at[AT_LAYOUT] > 1 ||
        le_u16(at + AT_NORMALISE + 1) != 0) {
        return INVALID("an input has bad content, layout or reserved fields");
    }
    ret_preprocess->content = (enum muster_nn_content)at[AT_CONTENT];
    ret_preprocess->channels_last = at[AT_LAYOUT] == 1;
    return ret_preprocess->content == MUSTER_NN_IMAGE
               ? decode_image(at, shape, ret_preprocess, error)
               : decode_series(at, shape, ret_preprocess, error);
}

bool nn_preprocess_needs_fit(const struct muster_nn_preprocess *preprocess)
{
    return preprocess->fit != MUSTER_NN_FIT_EXACT || preprocess->denoise != 0 ||
           preprocess->content == MUSTER_NN_SERIES;
}
