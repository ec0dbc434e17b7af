/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/kernel.h"

enum { TAPS = 4 };

static const double far_away = 1e9; /* outside every input */

/* The input positions that one output position of a dimension is made of. */
struct taps {
    int64_t at[TAPS];
    float weight[TAPS];
    int count;
};

/* Where an output position lies in the input (ONNX: coordinate_transformation_mode). */
static double place_of(const struct nn_call *call, uint32_t d, uint32_t at)
{
    uint32_t in = call->in[0].shape->dims[d], out = call->out_shape->dims[d];
    double declared = (double)nn_attr_float(call->op, NN_R_SCALE + d), x = at, length;
    double scale = declared > 0 ? declared : (double)out / (double)in;
    switch (call->op->attrs[NN_R_PLACE]) {
    case NN_PYTORCH_HALF_PIXEL:
        return out > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case NN_ASYMMETRIC:
        return x / scale;
    case NN_ALIGN_CORNERS:
        /* By the length before it was rounded down, as ONNX's definition has it. */
        length = declared > 0 ? declared * (double)in : (double)out;
        return length != 1 ? x * (double)(in - 1) / (length - 1) : 0;
    case NN_TF_HALF_PIXEL:
        return (x + 0.5) / scale;
    default: /* a number from the file, checked when it was opened: half_pixel */
        return (x + 0.5) / scale - 0.5;
    }
}

static double rounded(double x, int32_t mode)
{
    switch (mode) {
    case NN_ROUND_PREFER_FLOOR:
        return ceil(x - 0.5);
    case NN_ROUND_PREFER_CEIL:
        return floor(x + 0.5);
    case NN_ROUND_FLOOR:
        return floor(x);
    default: /* a number from the file, checked when it was opened: ceil */
        return ceil(x);
    }
}

/* The cubic kernel of Keys at distance `x` with its parameter. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x <= 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static int64_t within(int64_t at, int64_t size)
{
    at = at < 0 ? 0 : at;
    return at < size ? at : size - 1;
}

/* Weights of the taps around `x`, which begin at `first`; those outside the input count
 * for its edge, or not at all where the model says so. */
static void weigh(const struct nn_call *call, double x, int64_t first, int64_t size,
                  struct taps *taps)
{
    bool linear = call->op->attrs[NN_R_MODE] == NN_LINEAR;
    bool exclude = call->op->attrs[NN_R_EXCLUDE] != 0;
    double sum = 0, weights[TAPS] = {0};
    for (int t = 0; t < taps->count; t++) {
        int64_t at = first + t;
        double distance = x - (double)at;
        double weight =
            linear ? 1 - fabs(distance)
                   : cubic(distance, (double)nn_attr_float(call->op, NN_R_CUBIC));
        weights[t] = exclude && (at < 0 || at >= size) ? 0 : weight;
        taps->at[t] = within(at, size);
        sum += weights[t];
    }
    sum = exclude && sum != 0 ? sum : 1;
    for (int t = 0; t < taps->count; t++) {
        taps->weight[t] = (float)(weights[t] / sum);
    }
}

static struct taps taps_of(const struct nn_call *call, uint32_t d, uint32_t at)
{
    int64_t size = call->in[0].shape->dims[d];
    float scale = nn_attr_float(call->op, NN_R_SCALE + d);
    if (size == call->out_shape->dims[d] && (scale == 0 || scale == 1)) {
        return (struct taps){.at = {at}, .weight = {1}, .count = 1};
    }
    struct taps taps = {.count = 1};
    double x = fmin(fmax(place_of(call, d, at), -far_away), far_away);
    if (call->op->attrs[NN_R_MODE] == NN_NEAREST) {
        taps.at[0] = within((int64_t)rounded(x, call->op->attrs[NN_R_ROUND]), size);
        taps.weight[0] = 1;
        return taps;
    }
    bool linear = call->op->attrs[NN_R_MODE] == NN_LINEAR;
    taps.count = linear ? 2 : TAPS;
    weigh(call, x, (int64_t)floor(x) - (linear ? 0 : 1), size, &taps);
    return taps;
}

/* The weighted sum over the taps of dimension `d` and those behind it. */
static float gather(const struct nn_shape *in, const float *data, const struct taps *taps)
{
    uint32_t choice[NN_MAX_RANK] = {0};
    float sum = 0;
    for (bool more = true; more;) {
        size_t from = 0;
        float weight = 1;
        for (uint32_t d = 0; d < in->rank; d++) {
            from = from * in->dims[d] + (size_t)taps[d].at[choice[d]];
            weight *= taps[d].weight[choice[d]];
        }
        sum += weight * data[from];
        more = false;
        for (uint32_t d = in->rank; d-- > 0 && !more;) {
            more = ++choice[d] < (uint32_t)taps[d].count;
            choice[d] = more ? choice[d] : 0;
        }
    }
    return sum;
}

void nn_resize(const struct nn_call *call)
{
    const struct nn_shape *out = call->out_shape;
    size_t total = nn_shape_product(out, 0, out->rank);
    struct nn_odometer odometer = {0};
    struct taps taps[NN_MAX_RANK];
    for (uint32_t d = 0; d < out->rank; d++) {
        taps[d] = taps_of(call, d, 0);
    }
    for (size_t i = 0; i < total; i++) {
        call->out[i] = gather(call->in[0].shape, call->in[0].data, taps);
        struct nn_odometer before = odometer;
        nn_odometer_next(&odometer, out);
        for (uint32_t d = 0; d < out->rank; d++) {
            if (odometer.at[d] != before.at[d]) {
                taps[d] = taps_of(call, d, odometer.at[d]);
            }
        }
    }
}
