/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/infer.h"

enum { RESIZE_RANK_MIN = 1 };

enum muster_nn_status nn_infer_unary(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    if (!nn_attr_within(attrs[0], 0, NN_UNARY_FUNCTIONS - 1) ||
        !isfinite(nn_attr_float(inference->op, 1)) ||
        !isfinite(nn_attr_float(inference->op, 2))) {
        return INVALID(inference, "unknown function %d or a parameter not finite",
                       attrs[0]);
    }
    inference->out = *inference->in[0];
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_infer_binary(struct inference *inference)
{
    if (!nn_attr_within(inference->op->attrs[0], 0, NN_BINARY_FUNCTIONS - 1)) {
        return INVALID(inference, "unknown function %d", inference->op->attrs[0]);
    }
    if (!nn_shape_broadcast(inference->in[0], inference->in[1], &inference->out)) {
        return INVALID(inference, "the inputs do not broadcast");
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_infer_reduce(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0];
    if (!nn_attr_within(attrs[0], 0, NN_REDUCE_FUNCTIONS - 1) ||
        !nn_attr_within(attrs[1], 0, (1 << x->rank) - 1)) {
        return INVALID(inference, "unknown function %d or axes outside the rank",
                       attrs[0]);
    }
    uint32_t axes = (uint32_t)attrs[1];
    if (attrs[0] >= NN_ARG_MAX && (axes == 0 || (axes & (axes - 1)) != 0)) {
        return INVALID(inference, "a position needs exactly one axis");
    }
    inference->out = *x;
    for (uint32_t d = 0; d < x->rank; d++) {
        if (axes >> d & 1) {
            inference->macs_each *= x->dims[d];
            inference->out.dims[d] = 1;
        }
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_infer_slice(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0];
    inference->out.rank = x->rank;
    for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
        int64_t start = attrs[NN_L_START + d], step = attrs[NN_L_STEP + d];
        int64_t size = attrs[NN_L_SIZE + d], last = start + (size - 1) * step;
        if (d >= x->rank) {
            if (start != 0 || step != 0 || size != 0) {
                return INVALID(inference, "a word past the rank is not 0");
            }
            continue;
        }
        if (size < 1 || step == 0 || start < 0 || start >= x->dims[d] || last < 0 ||
            last >= x->dims[d]) {
            return INVALID(inference, "dimension %u is left", d);
        }
        inference->out.dims[d] = (uint32_t)size;
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_infer_resize(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0];
    if (x->rank < RESIZE_RANK_MIN || !nn_attr_within(attrs[NN_R_MODE], 0, NN_CUBIC) ||
        !nn_attr_within(attrs[NN_R_PLACE], 0, NN_TF_HALF_PIXEL) ||
        !nn_attr_within(attrs[NN_R_ROUND], 0, NN_ROUND_CEIL) ||
        !nn_attr_within(attrs[NN_R_EXCLUDE], 0, 1) ||
        !isfinite(nn_attr_float(inference->op, NN_R_CUBIC))) {
        return INVALID(inference, "mode or one of its words is unknown");
    }
    inference->out.rank = x->rank;
    for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
        float scale = nn_attr_float(inference->op, NN_R_SCALE + d);
        int32_t size = attrs[NN_R_SIZE + d];
        if (d >= x->rank) {
            if (attrs[NN_R_SCALE + d] != 0 || size != 0) {
                return INVALID(inference, "a word past the rank is not 0");
            }
            continue;
        }
        if (!isfinite(scale) || scale < 0 || !nn_attr_within(size, 1, NN_MAX_DIM)) {
            return INVALID(inference, "scale or size of dimension %u out of range", d);
        }
        inference->out.dims[d] = (uint32_t)size;
    }
    return MUSTER_NN_OK;
}

/* One spatial dimension of a transposed convolution; 0 if there is none. */
static uint32_t transpose_outputs(const struct nn_op *op, unsigned axis, int64_t in)
{
    const int32_t *attrs = op->attrs;
    for (unsigned word = NN_W_KERNEL_H + axis; word <= NN_W_DILATION_W; word += 2) {
        bool pad = word >= NN_W_PAD_TOP && word <= NN_W_PAD_RIGHT;
        int32_t low = pad ? -NN_MAX_DIM : 1;
        if (!nn_attr_within(attrs[word], low, NN_MAX_DIM)) {
            return 0;
        }
    }
    int64_t size =
        (in - 1) * attrs[NN_W_STRIDE_H + axis] +
        (int64_t)(attrs[NN_W_KERNEL_H + axis] - 1) * attrs[NN_W_DILATION_H + axis] + 1 -
        attrs[NN_W_PAD_TOP + axis] - attrs[NN_W_PAD_BOTTOM + axis];
    return size > 0 && size <= NN_MAX_DIM ? (uint32_t)size : 0;
}

static bool weights_fit(const struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0], *w = inference->in[1];
    if ((x->rank != 3 && x->rank != 4) || w->rank != x->rank ||
        w->dims[0] != x->dims[1] || attrs[NN_W_GROUP] < 1 ||
        x->dims[1] % (uint32_t)attrs[NN_W_GROUP] != 0 ||
        w->dims[x->rank - 1] != (uint32_t)attrs[NN_W_KERNEL_W]) {
        return false;
    }
    uint32_t height = x->rank == 4 ? w->dims[2] : 1;
    return height == (uint32_t)attrs[NN_W_KERNEL_H];
}

enum muster_nn_status nn_infer_conv_transpose(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0], *w = inference->in[1];
    const struct nn_shape *b = inference->count > 2 ? inference->in[2] : NULL;
    if (!weights_fit(inference)) {
        return INVALID(inference, "the weights do not fit input, kernel and groups");
    }
    uint64_t channels = (uint64_t)w->dims[1] * (uint32_t)attrs[NN_W_GROUP];
    uint32_t height = transpose_outputs(inference->op, 0, x->rank == 4 ? x->dims[2] : 1);
    uint32_t width = transpose_outputs(inference->op, 1, x->dims[x->rank - 1]);
    if (channels > NN_MAX_DIM || height == 0 || width == 0 ||
        (x->rank == 3 && height != 1)) {
        return INVALID(inference, "kernel, strides, pads or dilations out of range");
    }
    if (b && (b->rank != 1 || b->dims[0] != channels)) {
        return INVALID(inference, "the bias does not have one value an output channel");
    }
    inference->out =
        (struct nn_shape){.rank = x->rank, .dims = {x->dims[0], (uint32_t)channels}};
    inference->out.dims[2] = height;
    inference->out.dims[x->rank - 1] = width;
    uint64_t in_plane = (uint64_t)x->dims[2] * (x->rank == 4 ? x->dims[3] : 1);
    uint64_t out_plane = (uint64_t)height * width;
    inference->macs_each = (uint64_t)attrs[NN_W_KERNEL_H] *
                           (uint64_t)attrs[NN_W_KERNEL_W] *
                           (x->dims[1] / (uint32_t)attrs[NN_W_GROUP]);
    /* Padding may crop most of what is computed. */
    if (in_plane > out_plane) {
        inference->macs_each *= (in_plane + out_plane - 1) / out_plane;
    }
    return MUSTER_NN_OK;
}
