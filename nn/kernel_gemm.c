/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/kernel.h"

enum { LANES = 8 };

/* One product out[m][n] = sum over k of a * b; steps are in floats. */
struct product {
    size_t rows, columns, inner;
    const float *a, *b;
    size_t a_row, a_inner;
    size_t b_inner, b_column;
    float *out; /* rows end to end */
};

static float dot(const float *a, const float *b, size_t count)
{
    float sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            sums[l] += a[i + (size_t)l] * b[i + (size_t)l];
        }
    }
    float sum = 0;
    for (; i < count; i++) {
        sum += a[i] * b[i];
    }
    for (int l = 0; l < LANES; l++) {
        sum += sums[l];
    }
    return sum;
}

/* out[n] += factor * b[n * step] */
static void add_scaled(float *out, const float *b, size_t step, size_t count,
                       float factor)
{
    if (step == 1) {
        for (size_t n = 0; n < count; n++) {
            out[n] += factor * b[n];
        }
        return;
    }
    for (size_t n = 0; n < count; n++) {
        out[n] += factor * b[n * step];
    }
}

static void multiply(const struct product *product)
{
    for (size_t m = 0; m < product->rows; m++) {
        const float *a = product->a + m * product->a_row;
        float *out = product->out + m * product->columns;
        if (product->a_inner == 1 && product->b_inner == 1) {
            for (size_t n = 0; n < product->columns; n++) {
                out[n] = dot(a, product->b + n * product->b_column, product->inner);
            }
            continue;
        }
        memset(out, 0, product->columns * sizeof *out);
        for (size_t k = 0; k < product->inner; k++) {
            add_scaled(out, product->b + k * product->b_inner, product->b_column,
                       product->columns, a[k * product->a_inner]);
        }
    }
}

/* out = alpha * out + beta * c, where c broadcasts to rows x columns. */
static void add_third(const struct nn_call *call, float alpha, float beta)
{
    size_t rows = call->out_shape->dims[0], columns = call->out_shape->dims[1];
    const struct nn_value *c = call->inputs > 2 && call->in[2].data ? &call->in[2] : NULL;
    static const float zero;
    const float *values = c ? c->data : &zero;
    size_t row_step = 0, column_step = 0;
    if (c && c->shape->rank > 0 && c->shape->dims[c->shape->rank - 1] > 1) {
        column_step = 1;
    }
    if (c && c->shape->rank == 2 && c->shape->dims[0] > 1) {
        row_step = c->shape->dims[1];
    }
    for (size_t m = 0; m < rows; m++) {
        float *out = call->out + m * columns;
        for (size_t n = 0; n < columns; n++) {
            out[n] = alpha * out[n] + beta * values[m * row_step + n * column_step];
        }
    }
}

void nn_gemm(const struct nn_call *call)
{
    const struct nn_shape *a = call->in[0].shape, *b = call->in[1].shape;
    bool trans_a = call->op->attrs[NN_G_TRANS_A] != 0;
    bool trans_b = call->op->attrs[NN_G_TRANS_B] != 0;
    struct product product = {
        .rows = call->out_shape->dims[0],
        .columns = call->out_shape->dims[1],
        .inner = a->dims[trans_a ? 0 : 1],
        .a = call->in[0].data,
        .b = call->in[1].data,
        .a_row = trans_a ? 1 : a->dims[1],
        .a_inner = trans_a ? a->dims[1] : 1,
        .b_inner = trans_b ? 1 : b->dims[1],
        .b_column = trans_b ? b->dims[1] : 1,
        .out = call->out,
    };
    multiply(&product);
    add_third(call, nn_attr_float(call->op, NN_G_ALPHA),
              nn_attr_float(call->op, NN_G_BETA));
}

/* The index of a factor's matrix for batch item `item` of the output. */
static size_t batch_index(const struct nn_shape *factor, const struct nn_shape *batch,
                          size_t item)
{
    size_t index = 0, step = 1;
    for (uint32_t d = batch->rank; d-- > 0;) {
        size_t at = item % batch->dims[d];
        item /= batch->dims[d];
        uint32_t missing = batch->rank + 2 - factor->rank;
        if (d < missing || factor->rank < 2) {
            continue;
        }
        uint32_t size = factor->dims[d - missing];
        index += size == 1 ? 0 : at * step;
        step *= size;
    }
    return index;
}

void nn_mat_mul(const struct nn_call *call)
{
    struct nn_shape a = *call->in[0].shape, b = *call->in[1].shape;
    struct nn_shape batch = *call->out_shape;
    batch.rank -= (a.rank > 1 ? 1u : 0u) + (b.rank > 1 ? 1u : 0u);
    if (a.rank == 1) {
        a = (struct nn_shape){.rank = 2, .dims = {1, a.dims[0]}};
    }
    if (b.rank == 1) {
        b = (struct nn_shape){.rank = 2, .dims = {b.dims[0], 1}};
    }
    struct product product = {
        .rows = a.dims[a.rank - 2],
        .columns = b.dims[b.rank - 1],
        .inner = a.dims[a.rank - 1],
        .a_row = a.dims[a.rank - 1],
        .a_inner = 1,
        .b_inner = b.dims[b.rank - 1],
        .b_column = 1,
        .out = call->out,
    };
    size_t items = nn_shape_product(&batch, 0, batch.rank);
    for (size_t i = 0; i < items; i++, product.out += product.rows * product.columns) {
        product.a =
            call->in[0].data + batch_index(&a, &batch, i) * product.rows * product.inner;
        product.b = call->in[1].data +
                    batch_index(&b, &batch, i) * product.inner * product.columns;
        multiply(&product);
    }
}
