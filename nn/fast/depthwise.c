/* SPDX-License-Identifier: Apache-2.0 */
/* One block of 16 channels and one row at a time. Columns whose whole window lies in the
 * input are made COLUMNS at once; those at the ends one by one. */
#include "nn/fast/vec.h"

enum { COLUMNS = 7 / PARTS > 0 ? (PARTS == 4 ? 2 : 7 / PARTS) : 1 };

struct row {
    const float *in;      /* the row of the first tap, as if column 0 were under it */
    const float *weights; /* of the first row of taps inside */
    float *out;
    int64_t taps_h; /* rows of taps inside the input */
    vec bias[PARTS];
};

/* Columns [column, column + count), with taps [begin, end) of a row of taps. */
NN_INLINE void columns_run(const struct nn_fast_conv *conv, const struct row *row,
                           int64_t column, int64_t begin, int64_t end, const int count)
{
    vec sums[COLUMNS][PARTS];
    const int64_t stride = conv->stride_w * NN_BLOCK;
    NN_UNROLL
    for (int p = 0; p < count; p++) {
        NN_UNROLL
        for (int v = 0; v < PARTS; v++) {
            sums[p][v] = row->bias[v];
        }
    }
    const float *in = row->in + (column * conv->stride_w - conv->pad_left) * NN_BLOCK;
    const float *weights = row->weights;
    for (int64_t ky = 0; ky < row->taps_h; ky++) {
        for (int64_t kx = begin; kx < end; kx++) {
            const float *at = in + kx * conv->dilation_w * NN_BLOCK;
            NN_UNROLL
            for (int v = 0; v < PARTS; v++) {
                vec weight = vec_load(weights + kx * NN_BLOCK + v * LANES);
                NN_UNROLL
                for (int p = 0; p < count; p++) {
                    sums[p][v] += weight * vec_load(at + p * stride + v * LANES);
                }
            }
        }
        in += conv->dilation_h * conv->in_width * NN_BLOCK;
        weights += conv->kernel_w * NN_BLOCK;
    }
    NN_UNROLL
    for (int p = 0; p < count; p++) {
        NN_UNROLL
        for (int v = 0; v < PARTS; v++) {
            vec_store(row->out + (column + p) * NN_BLOCK + v * LANES,
                      vec_finish(sums[p][v], &conv->finish));
        }
    }
}

/* One column whose window may lie partly in the padding. */
static void column_at_end(const struct nn_fast_conv *conv, const struct row *row,
                          int64_t column)
{
    int64_t first = column * conv->stride_w - conv->pad_left;
    int64_t begin = 0, end = conv->kernel_w;
    while (begin < end && first + begin * conv->dilation_w < 0) {
        begin++;
    }
    while (end > begin && first + (end - 1) * conv->dilation_w >= conv->in_width) {
        end--;
    }
    columns_run(conv, row, column, begin, end, 1);
}

/* The columns [*ret_begin, *ret_end) need no padding. */
static void inner_columns(const struct nn_fast_conv *conv, int64_t *ret_begin,
                          int64_t *ret_end)
{
    int64_t reach = (conv->kernel_w - 1) * conv->dilation_w;
    int64_t begin = (conv->pad_left + conv->stride_w - 1) / conv->stride_w;
    int64_t room = conv->in_width - 1 - reach + conv->pad_left;
    int64_t end = room < 0 ? 0 : room / conv->stride_w + 1;
    end = end < conv->out_width ? end : conv->out_width;
    *ret_begin = begin < conv->out_width ? begin : conv->out_width;
    *ret_end = end > *ret_begin ? end : *ret_begin;
}

static void run_row(const struct nn_fast_conv *conv, const struct row *row)
{
    int64_t begin, end, column = 0;
    inner_columns(conv, &begin, &end);
    for (; column < begin; column++) {
        column_at_end(conv, row, column);
    }
    for (; column + COLUMNS <= end; column += COLUMNS) {
        columns_run(conv, row, column, 0, conv->kernel_w, COLUMNS);
    }
    for (; column < conv->out_width; column++) {
        column_at_end(conv, row, column);
    }
}

void NN_OF(nn_fast_depthwise)(const struct nn_fast_conv *conv)
{
    const int64_t taps = conv->kernel_h * conv->kernel_w;
    for (size_t block = 0; block < conv->blocks; block++) {
        const float *weights = conv->weights + (int64_t)block * taps * NN_BLOCK;
        struct row row = {.out = conv->out + block * conv->out_plane};
        for (int v = 0; v < PARTS; v++) {
            row.bias[v] = conv->bias ? vec_load(conv->bias + block * NN_BLOCK + v * LANES)
                                     : vec_all(0.0f);
        }
        for (int64_t y = 0; y < conv->out_height; y++) {
            int64_t top = y * conv->stride_h - conv->pad_top, begin = 0;
            int64_t end = conv->kernel_h;
            while (begin < end && top + begin * conv->dilation_h < 0) {
                begin++;
            }
            while (end > begin && top + (end - 1) * conv->dilation_h >= conv->in_height) {
                end--;
            }
            row.in = conv->in + block * conv->in_plane +
                     (top + begin * conv->dilation_h) * conv->in_width * NN_BLOCK;
            row.weights = weights + begin * conv->kernel_w * NN_BLOCK;
            row.taps_h = end - begin;
            run_row(conv, &row);
            row.out += conv->out_width * NN_BLOCK;
        }
    }
}
