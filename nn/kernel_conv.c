/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/kernel.h"

/* The output is made in blocks of CHANNELS channels by TILE neighbours of a row. The
 * block's sums stay in registers while all weights pass; an input value is fetched once
 * for all the channels of a block. */
enum { CHANNELS = 4, TILE = 8 };

struct conv {
    const float *weights, *bias;   /* bias may be NULL */
    int64_t in_height, in_width;   /* of a plane */
    int64_t out_height, out_width; /* of a plane */
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad_top, pad_left;
    size_t in_channels, out_channels; /* of one group */
};

/* Where a block lies: first channel of its group, row and column of its first output. */
struct block {
    size_t channel, channels;
    int64_t row, column;
};

/* TILE values of an input row, `stride` apart from `first` on, zero outside the row. */
static void fetch(const float *row, int64_t width, int64_t first, int64_t stride,
                  float ret_values[TILE])
{
    if (stride == 1 && first >= 0 && first + TILE <= width) {
        for (int i = 0; i < TILE; i++) {
            ret_values[i] = row[first + i];
        }
        return;
    }
    for (int i = 0; i < TILE; i++) {
        int64_t x = first + i * stride;
        ret_values[i] = x >= 0 && x < width ? row[x] : 0.0f;
    }
}

/* Adds what one input plane gives to the block; weights of the block's channels lie
 * `distance` apart. */
static void add_plane(const struct conv *conv, const float *plane,
                      const float *const *weights, const struct block *block,
                      float sums[CHANNELS][TILE])
{
    int64_t x = block->column * conv->stride_w - conv->pad_left;
    int64_t y = block->row * conv->stride_h - conv->pad_top;
    for (int64_t ky = 0; ky < conv->kernel_h; ky++, y += conv->dilation_h) {
        if (y < 0 || y >= conv->in_height) {
            continue;
        }
        for (int64_t kx = 0; kx < conv->kernel_w; kx++) {
            float values[TILE];
            int64_t tap = ky * conv->kernel_w + kx;
            fetch(plane + y * conv->in_width, conv->in_width, x + kx * conv->dilation_w,
                  conv->stride_w, values);
            for (int c = 0; c < CHANNELS; c++) {
                float weight = weights[c][tap];
                for (int i = 0; i < TILE; i++) {
                    sums[c][i] += weight * values[i];
                }
            }
        }
    }
}

/* Computes and stores one block; `out` is the group's first output plane. */
static void conv_block(const struct conv *conv, const float *in, float *out,
                       const struct block *block)
{
    float sums[CHANNELS][TILE];
    const float *weights[CHANNELS];
    size_t taps = (size_t)(conv->kernel_h * conv->kernel_w);
    for (size_t c = 0; c < CHANNELS; c++) {
        /* Channels past the end repeat the last one and are not stored. */
        size_t channel = block->channel + (c < block->channels ? c : block->channels - 1);
        weights[c] = conv->weights + channel * conv->in_channels * taps;
        for (int i = 0; i < TILE; i++) {
            sums[c][i] = conv->bias ? conv->bias[channel] : 0.0f;
        }
    }
    for (size_t ic = 0; ic < conv->in_channels; ic++) {
        add_plane(conv, in + ic * (size_t)(conv->in_height * conv->in_width), weights,
                  block, sums);
        for (int c = 0; c < CHANNELS; c++) {
            weights[c] += taps;
        }
    }
    int64_t rest = conv->out_width - block->column;
    for (size_t c = 0; c < block->channels; c++) {
        float *row =
            out + ((int64_t)(block->channel + c) * conv->out_height + block->row) *
                      conv->out_width;
        memcpy(row + block->column, sums[c],
               (size_t)(rest < TILE ? rest : TILE) * sizeof *row);
    }
}

static void conv_group(const struct conv *conv, const float *in, float *out)
{
    struct block block;
    for (block.channel = 0; block.channel < conv->out_channels;
         block.channel += CHANNELS) {
        size_t left = conv->out_channels - block.channel;
        block.channels = left < CHANNELS ? left : CHANNELS;
        for (block.row = 0; block.row < conv->out_height; block.row++) {
            for (block.column = 0; block.column < conv->out_width; block.column += TILE) {
                conv_block(conv, in, out, &block);
            }
        }
    }
}

void nn_conv(const struct nn_call *call)
{
    const struct nn_shape *x = call->in[0].shape, *y = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    bool flat = x->rank == 3;
    size_t groups = (size_t)attrs[NN_W_GROUP];
    struct conv conv = {
        .weights = call->in[1].data,
        .bias = call->inputs > 2 ? call->in[2].data : NULL,
        .in_height = flat ? 1 : x->dims[2],
        .in_width = x->dims[x->rank - 1],
        .out_height = flat ? 1 : y->dims[2],
        .out_width = y->dims[y->rank - 1],
        .kernel_h = attrs[NN_W_KERNEL_H],
        .kernel_w = attrs[NN_W_KERNEL_W],
        .stride_h = attrs[NN_W_STRIDE_H],
        .stride_w = attrs[NN_W_STRIDE_W],
        .dilation_h = attrs[NN_W_DILATION_H],
        .dilation_w = attrs[NN_W_DILATION_W],
        .pad_top = attrs[NN_W_PAD_TOP],
        .pad_left = attrs[NN_W_PAD_LEFT],
        .in_channels = x->dims[1] / groups,
        .out_channels = y->dims[1] / groups,
    };
    size_t in_step = conv.in_channels * (size_t)(conv.in_height * conv.in_width);
    size_t out_step = conv.out_channels * (size_t)(conv.out_height * conv.out_width);
    size_t weight_step =
        conv.out_channels * conv.in_channels * (size_t)(conv.kernel_h * conv.kernel_w);
    const float *in = call->in[0].data, *weights = conv.weights, *bias = conv.bias;
    float *out = call->out;
    for (uint32_t n = 0; n < x->dims[0]; n++) {
        for (size_t g = 0; g < groups; g++, in += in_step, out += out_step) {
            conv.weights = weights + g * weight_step;
            conv.bias = bias ? bias + g * conv.out_channels : NULL;
            conv_group(&conv, in, out);
        }
    }
}
