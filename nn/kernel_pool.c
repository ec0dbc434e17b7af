/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>

#include "nn/kernel.h"

/* One axis of a window. */
struct axis {
    int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;
};

struct pool {
    struct axis vertical, horizontal;
    bool average, count_pad;
};

/* Positions of the window at `out` along an axis: taps [begin, end) lie in the input,
 * `padded` of them in the padded input. */
struct reach {
    int64_t first, begin, end, padded;
};

static struct reach axis_reach(const struct axis *axis, int64_t out)
{
    struct reach reach = {.first = out * axis->stride - axis->pad_begin,
                          .begin = axis->kernel};
    for (int64_t k = 0; k < axis->kernel; k++) {
        int64_t at = reach.first + k * axis->dilation;
        if (at >= axis->in + axis->pad_end) {
            break;
        }
        reach.padded++;
        if (at >= 0 && at < axis->in) {
            reach.begin = reach.begin < k ? reach.begin : k;
            reach.end = k + 1;
        }
    }
    return reach;
}

static float pool_at(const struct pool *pool, const float *plane,
                     const struct reach *rows, const struct reach *columns)
{
    float most = -FLT_MAX, sum = 0;
    for (int64_t ky = rows->begin; ky < rows->end; ky++) {
        const float *row =
            plane + (rows->first + ky * pool->vertical.dilation) * pool->horizontal.in;
        for (int64_t kx = columns->begin; kx < columns->end; kx++) {
            float value = row[columns->first + kx * pool->horizontal.dilation];
            most = value > most ? value : most;
            sum += value;
        }
    }
    if (!pool->average) {
        return most;
    }
    int64_t inside = rows->end > rows->begin && columns->end > columns->begin
                         ? (rows->end - rows->begin) * (columns->end - columns->begin)
                         : 0;
    int64_t count = pool->count_pad ? rows->padded * columns->padded : inside;
    return count > 0 ? sum / (float)count : 0.0f;
}

static void pool_plane(const struct pool *pool, const float *plane, float *out)
{
    for (int64_t y = 0; y < pool->vertical.out; y++) {
        struct reach rows = axis_reach(&pool->vertical, y);
        for (int64_t x = 0; x < pool->horizontal.out; x++) {
            struct reach columns = axis_reach(&pool->horizontal, x);
            *out++ = pool_at(pool, plane, &rows, &columns);
        }
    }
}

static struct axis axis_of(const struct nn_call *call, unsigned axis)
{
    const struct nn_shape *x = call->in[0].shape, *y = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    bool absent = x->rank == 3 && axis == 0;
    unsigned dim = x->rank - 2 + axis;
    return (struct axis){
        .in = absent ? 1 : x->dims[dim],
        .out = absent ? 1 : y->dims[dim],
        .kernel = attrs[NN_W_KERNEL_H + axis],
        .stride = attrs[NN_W_STRIDE_H + axis],
        .dilation = attrs[NN_W_DILATION_H + axis],
        .pad_begin = attrs[NN_W_PAD_TOP + axis],
        .pad_end = attrs[NN_W_PAD_BOTTOM + axis],
    };
}

void nn_pool(const struct nn_call *call)
{
    struct pool pool = {.vertical = axis_of(call, 0),
                        .horizontal = axis_of(call, 1),
                        .average = call->op->code == NN_AVERAGE_POOL};
    pool.count_pad = pool.average && call->op->attrs[NN_W_COUNT_PAD] != 0;
    size_t planes = nn_shape_product(call->out_shape, 0, 2);
    int64_t in_step = pool.vertical.in * pool.horizontal.in;
    int64_t out_step = pool.vertical.out * pool.horizontal.out;
    for (size_t p = 0; p < planes; p++) {
        pool_plane(&pool, call->in[0].data + (int64_t)p * in_step,
                   call->out + (int64_t)p * out_step);
    }
}

void nn_global_average_pool(const struct nn_call *call)
{
    const struct nn_shape *x = call->in[0].shape;
    size_t planes = nn_shape_product(x, 0, 2), size = nn_shape_product(x, 2, x->rank);
    const float *in = call->in[0].data;
    for (size_t p = 0; p < planes; p++) {
        double sum = 0;
        for (size_t i = 0; i < size; i++) {
            sum += (double)*in++;
        }
        call->out[p] = (float)(sum / (double)size);
    }
}
