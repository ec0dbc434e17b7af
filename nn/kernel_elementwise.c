/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/kernel.h"

void nn_relu_over(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] < 0.0f ? 0.0f : values[i];
    }
}

void nn_clip_over(float *values, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++) {
        float value = values[i] < low ? low : values[i];
        values[i] = value > high ? high : value;
    }
}

static size_t copy_first(const struct nn_call *call)
{
    size_t count = nn_shape_product(call->out_shape, 0, call->out_shape->rank);
    if (call->out != call->in[0].data) {
        memcpy(call->out, call->in[0].data, count * sizeof *call->out);
    }
    return count;
}

void nn_relu(const struct nn_call *call)
{
    nn_relu_over(call->out, copy_first(call));
}

void nn_clip(const struct nn_call *call)
{
    nn_clip_over(call->out, copy_first(call), nn_attr_float(call->op, 0),
                 nn_attr_float(call->op, 1));
}

void nn_reshape(const struct nn_call *call)
{
    (void)copy_first(call);
}

/* Steps in floats of an operand along the output's dimensions; 0 where it is repeated. */
struct steps {
    size_t along[NN_MAX_RANK];
};

static struct steps steps_of(const struct nn_shape *shape, const struct nn_shape *out)
{
    struct steps steps = {0};
    size_t step = 1;
    for (uint32_t i = 1; i <= shape->rank; i++) {
        uint32_t size = shape->dims[shape->rank - i];
        steps.along[out->rank - i] = size == 1 ? 0 : step;
        step *= size;
    }
    return steps;
}

static void add_row(const struct nn_rows *rows)
{
    if (rows->a_step == 1 && rows->b_step == 1) {
        for (size_t i = 0; i < rows->count; i++) {
            rows->out[i] = rows->a[i] + rows->b[i];
        }
        return;
    }
    for (size_t i = 0; i < rows->count; i++) {
        rows->out[i] = rows->a[i * rows->a_step] + rows->b[i * rows->b_step];
    }
}

static void mul_row(const struct nn_rows *rows)
{
    if (rows->a_step == 1 && rows->b_step == 1) {
        for (size_t i = 0; i < rows->count; i++) {
            rows->out[i] = rows->a[i] * rows->b[i];
        }
        return;
    }
    for (size_t i = 0; i < rows->count; i++) {
        rows->out[i] = rows->a[i * rows->a_step] * rows->b[i * rows->b_step];
    }
}

/* The offset of an operand at row `row` of the output. */
static size_t row_offset(const struct steps *steps, const struct nn_shape *out,
                         size_t row)
{
    size_t offset = 0;
    for (uint32_t d = out->rank - 1; d-- > 0;) {
        offset += row % out->dims[d] * steps->along[d];
        row /= out->dims[d];
    }
    return offset;
}

void nn_broadcast(const struct nn_call *call, nn_row_function *row_of)
{
    const struct nn_shape *out = call->out_shape;
    struct nn_rows rows = {
        .a = call->in[0].data, .b = call->in[1].data, .out = call->out, .count = 1};
    if (out->rank == 0) {
        row_of(&rows);
        return;
    }
    struct steps a = steps_of(call->in[0].shape, out),
                 b = steps_of(call->in[1].shape, out);
    uint32_t last = out->rank - 1;
    rows.count = out->dims[last];
    rows.a_step = a.along[last];
    rows.b_step = b.along[last];
    size_t total = nn_shape_product(out, 0, last);
    for (size_t row = 0; row < total; row++, rows.out += rows.count) {
        rows.a = call->in[0].data + row_offset(&a, out, row);
        rows.b = call->in[1].data + row_offset(&b, out, row);
        row_of(&rows);
    }
}

void nn_add(const struct nn_call *call)
{
    nn_broadcast(call, add_row);
}

void nn_mul(const struct nn_call *call)
{
    nn_broadcast(call, mul_row);
}

void nn_affine(const struct nn_call *call)
{
    const struct nn_shape *x = call->out_shape;
    size_t size = nn_shape_product(x, 2, x->rank);
    const float *in = call->in[0].data;
    float *out = call->out;
    for (uint32_t n = 0; n < x->dims[0]; n++) {
        for (uint32_t c = 0; c < x->dims[1]; c++, in += size, out += size) {
            float scale = call->in[1].data[c], shift = call->in[2].data[c];
            for (size_t i = 0; i < size; i++) {
                out[i] = in[i] * scale + shift;
            }
        }
    }
}

void nn_softmax_over(const float *in, float *out, size_t count, size_t step)
{
    float most = in[0];
    for (size_t i = 1; i < count; i++) {
        most = in[i * step] > most ? in[i * step] : most;
    }
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        out[i * step] = expf(in[i * step] - most);
        sum += out[i * step];
    }
    for (size_t i = 0; i < count; i++) {
        out[i * step] /= sum;
    }
}

void nn_softmax(const struct nn_call *call)
{
    const struct nn_shape *x = call->out_shape;
    uint32_t axis = (uint32_t)call->op->attrs[0];
    bool flatten = call->op->attrs[1] != 0;
    size_t step = flatten ? 1 : nn_shape_product(x, axis + 1, x->rank);
    size_t count = flatten ? nn_shape_product(x, axis, x->rank) : x->dims[axis];
    size_t outer = nn_shape_product(x, 0, axis);
    for (size_t o = 0; o < outer; o++) {
        for (size_t s = 0; s < step; s++) {
            size_t at = o * count * step + s;
            nn_softmax_over(call->in[0].data + at, call->out + at, count, step);
        }
    }
}
