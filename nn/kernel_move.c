/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/kernel.h"

void nn_concat(const struct nn_call *call)
{
    const struct nn_shape *out = call->out_shape;
    uint32_t axis = (uint32_t)call->op->attrs[0];
    size_t outer = nn_shape_product(out, 0, axis);
    size_t row = nn_shape_product(out, axis, out->rank), at = 0;
    for (uint32_t i = 0; i < call->inputs; i++) {
        size_t piece = nn_shape_product(call->in[i].shape, axis, out->rank);
        for (size_t o = 0; o < outer; o++) {
            memcpy(call->out + o * row + at, call->in[i].data + o * piece,
                   piece * sizeof *call->out);
        }
        at += piece;
    }
}

void nn_odometer_next(struct nn_odometer *odometer, const struct nn_shape *shape)
{
    for (uint32_t d = shape->rank; d-- > 0;) {
        if (++odometer->at[d] < shape->dims[d]) {
            return;
        }
        odometer->at[d] = 0;
    }
}

void nn_transpose(const struct nn_call *call)
{
    const struct nn_shape *in = call->in[0].shape, *out = call->out_shape;
    size_t steps[NN_MAX_RANK] = {0};
    for (uint32_t d = 0; d < out->rank; d++) {
        uint32_t from = (uint32_t)call->op->attrs[d];
        steps[d] = nn_shape_product(in, from + 1, in->rank);
    }
    size_t total = nn_shape_product(out, 0, out->rank);
    struct nn_odometer odometer = {0};
    for (size_t i = 0; i < total; i++, nn_odometer_next(&odometer, out)) {
        size_t from = 0;
        for (uint32_t d = 0; d < out->rank; d++) {
            from += odometer.at[d] * steps[d];
        }
        call->out[i] = call->in[0].data[from];
    }
}

/* The input position that a padded position shows, or -1 for the constant. */
static int64_t padded_source(int64_t at, int64_t size, int32_t mode)
{
    if (at >= 0 && at < size) {
        return at;
    }
    switch (mode) {
    case NN_PAD_REFLECT:
        return at < 0 ? -at : 2 * (size - 1) - at;
    case NN_PAD_EDGE:
        return at < 0 ? 0 : size - 1;
    default: /* NN_PAD_CONSTANT; the file holds a plain number */
        return -1;
    }
}

void nn_pad(const struct nn_call *call)
{
    const struct nn_shape *in = call->in[0].shape, *out = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    float value = nn_attr_float(call->op, NN_P_VALUE);
    size_t total = nn_shape_product(out, 0, out->rank);
    struct nn_odometer odometer = {0};
    for (size_t i = 0; i < total; i++, nn_odometer_next(&odometer, out)) {
        int64_t from = 0;
        for (uint32_t d = 0; d < out->rank && from >= 0; d++) {
            int64_t source =
                padded_source((int64_t)odometer.at[d] - attrs[NN_P_BEGIN + d],
                              in->dims[d], attrs[NN_P_MODE]);
            from = source < 0 ? -1 : from * in->dims[d] + source;
        }
        call->out[i] = from < 0 ? value : call->in[0].data[from];
    }
}

void nn_slice(const struct nn_call *call)
{
    const struct nn_shape *in = call->in[0].shape, *out = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    size_t total = nn_shape_product(out, 0, out->rank);
    struct nn_odometer odometer = {0};
    for (size_t i = 0; i < total; i++, nn_odometer_next(&odometer, out)) {
        int64_t from = 0;
        for (uint32_t d = 0; d < out->rank; d++) {
            int64_t at =
                attrs[NN_L_START + d] + (int64_t)odometer.at[d] * attrs[NN_L_STEP + d];
            from = from * in->dims[d] + at;
        }
        call->out[i] = call->in[0].data[from];
    }
}
