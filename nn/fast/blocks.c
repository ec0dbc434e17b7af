/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, means, sums and products over blocks, and the family's table. */
#include <float.h>

#include "nn/fast/vec.h"

/* Taps [begin, end) of one axis lie in the input, `padded` of them in the padded input.
 */
struct span {
    int64_t first, begin, end, padded;
};

static struct span span_of(int64_t first, int64_t kernel, int64_t dilation, int64_t in,
                           int64_t pad_end)
{
    struct span span = {.first = first, .begin = kernel};
    for (int64_t k = 0; k < kernel; k++) {
        int64_t at = first + k * dilation;
        if (at >= in + pad_end) {
            break;
        }
        span.padded++;
        if (at >= 0 && at < in) {
            span.begin = span.begin < k ? span.begin : k;
            span.end = k + 1;
        }
    }
    return span;
}

static void pool_pixel(const struct nn_fast_conv *pool, const float *plane, float *out,
                       const struct span *rows, const struct span *columns)
{
    vec most[PARTS], sum[PARTS];
    for (int v = 0; v < PARTS; v++) {
        most[v] = vec_all(-FLT_MAX);
        sum[v] = vec_all(0.0f);
    }
    for (int64_t ky = rows->begin; ky < rows->end; ky++) {
        const float *row =
            plane +
            ((rows->first + ky * pool->dilation_h) * pool->in_width + columns->first) *
                NN_BLOCK;
        for (int64_t kx = columns->begin; kx < columns->end; kx++) {
            for (int v = 0; v < PARTS; v++) {
                vec value = vec_load(row + kx * pool->dilation_w * NN_BLOCK + v * LANES);
                if (pool->average) {
                    sum[v] += value;
                } else {
                    most[v] = vec_max(value, most[v]);
                }
            }
        }
    }
    int64_t inside = rows->end > rows->begin && columns->end > columns->begin
                         ? (rows->end - rows->begin) * (columns->end - columns->begin)
                         : 0;
    int64_t count = pool->count_pad ? rows->padded * columns->padded : inside;
    vec divisor = vec_all(count > 0 ? (float)count : 1.0f);
    for (int v = 0; v < PARTS; v++) {
        vec result = most[v];
        if (pool->average) {
            result = sum[v] / divisor;
        }
        vec_store(out + v * LANES, result);
    }
}

void NN_OF(nn_fast_pool)(const struct nn_fast_conv *pool)
{
    const int64_t reach = (pool->kernel_w - 1) * pool->dilation_w;
    for (size_t block = 0; block < pool->blocks; block++) {
        const float *plane = pool->in + block * pool->in_plane;
        float *out = pool->out + block * pool->out_plane;
        for (int64_t y = 0; y < pool->out_height; y++) {
            struct span rows =
                span_of(y * pool->stride_h - pool->pad_top, pool->kernel_h,
                        pool->dilation_h, pool->in_height, pool->pad_bottom);
            for (int64_t x = 0; x < pool->out_width; x++, out += NN_BLOCK) {
                int64_t first = x * pool->stride_w - pool->pad_left;
                struct span columns = {first, 0, pool->kernel_w, pool->kernel_w};
                if (first < 0 || first + reach >= pool->in_width) {
                    columns = span_of(first, pool->kernel_w, pool->dilation_w,
                                      pool->in_width, pool->pad_right);
                }
                pool_pixel(pool, plane, out, &rows, &columns);
            }
        }
    }
}

void NN_OF(nn_fast_mean)(const float *in, float *out, size_t blocks, size_t pixels)
{
    for (size_t b = 0; b < blocks; b++, in += pixels * NN_BLOCK, out += NN_BLOCK) {
        for (int v = 0; v < PARTS; v++) {
            vec sums[4] = {vec_all(0.0f), vec_all(0.0f), vec_all(0.0f), vec_all(0.0f)};
            for (size_t p = 0; p < pixels; p++) {
                sums[p % 4] += vec_load(in + p * NN_BLOCK + v * LANES);
            }
            vec_store(out + v * LANES, ((sums[0] + sums[1]) + (sums[2] + sums[3])) /
                                           vec_all((float)pixels));
        }
    }
}

void NN_OF(nn_fast_binary)(const struct nn_fast_binary *binary)
{
    const float *a = binary->a;
    float *out = binary->out;
    for (size_t b = 0; b < binary->blocks; b++) {
        const float *other = binary->b + b * binary->b_block;
        for (size_t p = 0; p < binary->pixels; p++, other += binary->b_pixel) {
            for (int v = 0; v < PARTS; v++, a += LANES, out += LANES) {
                vec x = vec_load(a), y = vec_load(other + v * LANES);
                vec result = x + y;
                if (binary->multiply) {
                    result = x * y;
                }
                vec_store(out, vec_finish(result, &binary->finish));
            }
        }
    }
}

const struct nn_fast_kernels NN_OF(nn_fast) = {
    .conv = NN_OF(nn_fast_conv),
    .depthwise = NN_OF(nn_fast_depthwise),
    .pool = NN_OF(nn_fast_pool),
    .mean = NN_OF(nn_fast_mean),
    .binary = NN_OF(nn_fast_binary),
    .unary = NN_CORE ? NULL : NN_OF(nn_fast_unary),
};
