/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/kernel.h"

struct transposed {
    const int32_t *attrs;
    int64_t in_height, in_width, out_height, out_width; /* of a plane */
};

/* Spreads one input plane over one output plane. */
static void spread(const struct transposed *conv, const float *in, const float *weights,
                   float *out)
{
    const int32_t *attrs = conv->attrs;
    int64_t taps = (int64_t)attrs[NN_W_KERNEL_H] * attrs[NN_W_KERNEL_W];
    for (int64_t k = 0; k < taps; k++) {
        int64_t top =
            k / attrs[NN_W_KERNEL_W] * attrs[NN_W_DILATION_H] - attrs[NN_W_PAD_TOP];
        int64_t left =
            k % attrs[NN_W_KERNEL_W] * attrs[NN_W_DILATION_W] - attrs[NN_W_PAD_LEFT];
        for (int64_t i = 0; i < conv->in_height * conv->in_width; i++) {
            int64_t y = top + i / conv->in_width * attrs[NN_W_STRIDE_H];
            int64_t x = left + i % conv->in_width * attrs[NN_W_STRIDE_W];
            if (y >= 0 && y < conv->out_height && x >= 0 && x < conv->out_width) {
                out[y * conv->out_width + x] += in[i] * weights[k];
            }
        }
    }
}

void nn_conv_transpose(const struct nn_call *call)
{
    const struct nn_shape *x = call->in[0].shape, *w = call->in[1].shape;
    const struct nn_shape *y = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    bool flat = x->rank == 3;
    struct transposed conv = {
        .attrs = attrs,
        .in_height = flat ? 1 : x->dims[2],
        .in_width = x->dims[x->rank - 1],
        .out_height = flat ? 1 : y->dims[2],
        .out_width = y->dims[y->rank - 1],
    };
    size_t in_size = (size_t)(conv.in_height * conv.in_width);
    size_t out_size = (size_t)(conv.out_height * conv.out_width);
    size_t taps = (size_t)attrs[NN_W_KERNEL_H] * (size_t)attrs[NN_W_KERNEL_W];
    size_t each = x->dims[1] / (size_t)attrs[NN_W_GROUP], made = w->dims[1];
    const float *bias = call->inputs > 2 ? call->in[2].data : NULL;
    for (size_t i = 0; i < (size_t)y->dims[0] * y->dims[1]; i++) {
        float *out = call->out + i * out_size;
        size_t n = i / y->dims[1], channel = i % y->dims[1], group = channel / made;
        for (size_t p = 0; p < out_size; p++) {
            out[p] = bias ? bias[channel] : 0.0f;
        }
        for (size_t c = group * each; c < (group + 1) * each; c++) {
            spread(&conv, call->in[0].data + (n * x->dims[1] + c) * in_size,
                   call->in[1].data + (c * made + channel % made) * taps, out);
        }
    }
}
