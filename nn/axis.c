/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/axis.h"

#include <math.h>

static const double unit = 4194304; /* 2^22: what weights with antialiasing sum to */

/* a * b / c, halves up. */
static uint32_t scaled(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t result = (uint32_t)((2 * (uint64_t)a * b + c) / (2 * (uint64_t)c));
    return result ? result : 1;
}

/* Half of what is too much, a half to the even number. */
static uint32_t skipped(uint32_t have, uint32_t want)
{
    uint32_t half = (have - want) / 2;
    return (have - want) % 2 ? half + half % 2 : half;
}

static void crop(uint32_t shorter_side, struct nn_axis *shorter, struct nn_axis *longer)
{
    shorter->scaled = shorter_side;
    longer->scaled = (uint32_t)((uint64_t)shorter_side * longer->in / shorter->in);
    shorter->skip = skipped(shorter->scaled, shorter->count);
    longer->skip = skipped(longer->scaled, longer->count);
}

/* `full` fills its side of the tensor. */
static void letterbox(struct nn_axis *full, struct nn_axis *other)
{
    full->scaled = full->count;
    uint32_t room = other->count;
    other->scaled = other->count = scaled(other->in, full->count, full->in);
    other->place = (room - other->count) / 2;
}

static bool ratio_fits(const struct nn_axis *axis)
{
    return axis->in <= (uint64_t)axis->scaled * NN_AXIS_RATIO;
}

bool nn_axes_of(const struct muster_nn_preprocess *preprocess, uint32_t width,
                uint32_t height, struct nn_axis *ret_x, struct nn_axis *ret_y)
{
    struct nn_axis x = {.in = width, .scaled = width, .count = preprocess->width};
    struct nn_axis y = {.in = height, .scaled = height, .count = preprocess->height};
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
        return false;
    }
    switch (preprocess->fit) {
    case MUSTER_NN_FIT_EXACT:
        if (width != x.count || height != y.count) {
            return false;
        }
        break;
    case MUSTER_NN_FIT_STRETCH:
        x.scaled = x.count;
        y.scaled = y.count;
        break;
    case MUSTER_NN_FIT_CROP:
        if ((uint64_t)preprocess->shorter_side * (width > height ? width : height) >
            (uint64_t)INT32_MAX * (width > height ? height : width)) {
            return false;
        }
        crop(preprocess->shorter_side, width <= height ? &x : &y,
             width <= height ? &y : &x);
        break;
    case MUSTER_NN_FIT_LETTERBOX:
        if ((uint64_t)x.count * height <= (uint64_t)y.count * width) {
            letterbox(&x, &y);
        } else {
            letterbox(&y, &x);
        }
        break;
    }
    *ret_x = x;
    *ret_y = y;
    return ratio_fits(&x) && ratio_fits(&y);
}

/* What one position is made of. */
struct reach {
    uint32_t first, count;
    double centre, support; /* antialias: in pixels */
};

static uint32_t clamped(double at, uint32_t most)
{
    return at <= 0 ? 0 : at >= most ? most : (uint32_t)at;
}

static struct reach reach_of(const struct nn_axis *axis,
                             enum muster_nn_interpolation interpolation, uint32_t output)
{
    uint32_t scaled_at = output + axis->skip;
    double ratio = (double)axis->in / axis->scaled;
    struct reach reach = {.centre = (scaled_at + 0.5) * ratio, .count = 1};
    reach.support = ratio > 1 ? ratio : 1;
    switch (interpolation) {
    case MUSTER_NN_NO_INTERPOLATION:
        reach.first = scaled_at;
        break;
    case MUSTER_NN_NEAREST:
        reach.first = (uint32_t)((2 * (uint64_t)scaled_at + 1) * axis->in /
                                 (2 * (uint64_t)axis->scaled));
        break;
    case MUSTER_NN_BILINEAR:
        reach.first = clamped(reach.centre - 0.5, axis->in - 1);
        reach.count = reach.first + 1 < axis->in ? 2 : 1;
        break;
    case MUSTER_NN_ANTIALIAS:
        reach.first = clamped(reach.centre - reach.support + 0.5, axis->in - 1);
        reach.count = clamped(reach.centre + reach.support + 0.5, axis->in) - reach.first;
        break;
    }
    return reach;
}

static void antialias_weights(const struct reach *reach, double *weights)
{
    double sum = 0;
    for (uint32_t k = 0; k < reach->count; k++) {
        double distance = fabs(reach->first + k + 0.5 - reach->centre) / reach->support;
        weights[k] = distance < 1 ? 1 - distance : 0;
        sum += weights[k];
    }
    for (uint32_t k = 0; k < reach->count; k++) {
        weights[k] = floor(weights[k] / sum * unit + 0.5);
    }
}

static void weights_of(const struct reach *reach,
                       enum muster_nn_interpolation interpolation, double *weights)
{
    if (interpolation == MUSTER_NN_ANTIALIAS) {
        antialias_weights(reach, weights);
        return;
    }
    weights[0] = 1;
    if (reach->count == 2) {
        double beyond = reach->centre - 0.5 - reach->first;
        weights[1] = beyond > 0 ? beyond : 0;
        weights[0] = 1 - weights[1];
    }
}

void nn_axis_taps(const struct nn_axis *axis, enum muster_nn_interpolation interpolation,
                  uint32_t from, uint32_t most, struct nn_taps *ret_taps)
{
    uint32_t used = 0, outputs = 0;
    for (; outputs < most && outputs < NN_AXIS_OUTPUTS && from + outputs < axis->count;
         outputs++) {
        struct reach reach = reach_of(axis, interpolation, from + outputs);
        if (reach.count > NN_AXIS_TAPS - used) {
            break;
        }
        ret_taps->first[outputs] = reach.first;
        ret_taps->count[outputs] = reach.count;
        ret_taps->at[outputs] = used;
        weights_of(&reach, interpolation, ret_taps->weights + used);
        used += reach.count;
    }
    ret_taps->outputs = outputs;
}
