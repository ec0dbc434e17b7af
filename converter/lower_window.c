/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/lower.h"

#include <string.h>

/* Puts the integers of an attribute, one a spatial dimension, at attrs[first] (height)
 * and attrs[first + 1] (width); those of a one-dimensional operator only at the second.
 */
static bool put_pair(const struct onnx_node *node, const char *name, uint32_t spatial,
                     int32_t *attrs)
{
    int64_t values[2] = {attrs[0], attrs[1]};
    if (!onnx_attr_ints(node, name, values + (2 - spatial), spatial)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (values[i] < 1 || values[i] > NN_MAX_DIM) {
            return false;
        }
        attrs[i] = (int32_t)values[i];
    }
    return true;
}

/* SAME padding for one dimension (docs of ONNX: auto_pad). */
static void same_pads(int32_t *attrs, unsigned axis, uint32_t in, bool upper)
{
    int64_t kernel = attrs[NN_W_KERNEL_H + axis], stride = attrs[NN_W_STRIDE_H + axis];
    int64_t dilation = attrs[NN_W_DILATION_H + axis];
    int64_t out = (in + stride - 1) / stride;
    int64_t needed = (out - 1) * stride + (kernel - 1) * dilation + 1 - in;
    needed = needed < 0 ? 0 : needed;
    int64_t less = needed / 2, more = needed - less;
    attrs[NN_W_PAD_TOP + axis] = (int32_t)(upper ? less : more);
    attrs[NN_W_PAD_BOTTOM + axis] = (int32_t)(upper ? more : less);
}

static bool put_pads(const struct onnx_node *node, uint32_t spatial, int32_t *attrs)
{
    int64_t pads[4] = {0};
    if (!onnx_attr_ints(node, "pads", pads, (size_t)2 * spatial)) {
        return false;
    }
    for (uint32_t i = 0; i < 2 * spatial; i++) {
        if (pads[i] < 0 || pads[i] > NN_MAX_DIM) {
            return false;
        }
        bool end = i >= spatial;
        unsigned axis = 2 - spatial + i % spatial;
        attrs[(end ? NN_W_PAD_BOTTOM : NN_W_PAD_TOP) + axis] = (int32_t)pads[i];
    }
    return true;
}

/* Kernel, strides, pads and dilations of Conv and the pools; the kernel's default is
 * given. */
static enum status put_window(const struct lowering *lowering,
                              const struct graph_node *node, int32_t *attrs)
{
    const struct nn_shape *x = lower_shape(lowering, node, 0);
    if (x->rank != 3 && x->rank != 4) {
        return lower_refuse(lowering, node, "only one or two spatial dimensions");
    }
    uint32_t spatial = x->rank - 2;
    attrs[NN_W_STRIDE_H] = attrs[NN_W_STRIDE_W] = 1;
    attrs[NN_W_DILATION_H] = attrs[NN_W_DILATION_W] = 1;
    if (!put_pair(node->onnx, "kernel_shape", spatial, attrs + NN_W_KERNEL_H) ||
        !put_pair(node->onnx, "strides", spatial, attrs + NN_W_STRIDE_H) ||
        !put_pair(node->onnx, "dilations", spatial, attrs + NN_W_DILATION_H)) {
        return lower_refuse(lowering, node,
                            "kernel_shape, strides or dilations out of range");
    }
    const char *automatic = onnx_attr_text(node->onnx, "auto_pad", "NOTSET");
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    if (upper || strcmp(automatic, "SAME_LOWER") == 0) {
        if (spatial == 2) {
            same_pads(attrs, 0, x->dims[2], upper);
        }
        same_pads(attrs, 1, x->dims[x->rank - 1], upper);
        return OK;
    }
    if (strcmp(automatic, "VALID") == 0) {
        return OK;
    }
    if (strcmp(automatic, "NOTSET") != 0 || !put_pads(node->onnx, spatial, attrs)) {
        return lower_refuse(lowering, node, "unknown auto_pad or pads out of range");
    }
    return OK;
}

enum status lower_conv(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_CONV};
    uint32_t x, w;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (!status) {
        status = lower_operand(lowering, node, 1, &w);
    }
    if (status) {
        return status;
    }
    const struct nn_shape *weights = lower_shape(lowering, node, 1);
    int64_t group = onnx_attr_int(node->onnx, "group", 1);
    if (weights->rank != 3 && weights->rank != 4) {
        return lower_refuse(lowering, node, "only one or two spatial dimensions");
    }
    if (group < 1 || group > NN_MAX_DIM) {
        return lower_refuse(lowering, node, "group out of range");
    }
    made.attrs[NN_W_KERNEL_H] = weights->rank == 4 ? (int32_t)weights->dims[2] : 1;
    made.attrs[NN_W_KERNEL_W] = (int32_t)weights->dims[weights->rank - 1];
    made.attrs[NN_W_GROUP] = (int32_t)group;
    status = put_window(lowering, node, made.attrs);
    return status ? status : lower_emit(lowering, node, &made, node->input_count, NULL);
}

static enum status lower_pool(struct lowering *lowering, const struct graph_node *node,
                              struct ir_node *made)
{
    uint32_t x;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (status) {
        return status;
    }
    if (!onnx_attr_find(node->onnx, "kernel_shape")) {
        return lower_refuse(lowering, node, "no kernel_shape");
    }
    made->attrs[NN_W_KERNEL_H] = made->attrs[NN_W_KERNEL_W] = 1;
    made->attrs[NN_W_CEIL_MODE] = onnx_attr_int(node->onnx, "ceil_mode", 0) != 0;
    status = put_window(lowering, node, made->attrs);
    return status ? status : lower_emit(lowering, node, made, 1, NULL);
}

enum status lower_max_pool(struct lowering *lowering, const struct graph_node *node)
{
    return lower_pool(lowering, node, &(struct ir_node){.code = NN_MAX_POOL});
}

enum status lower_average_pool(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_AVERAGE_POOL};
    made.attrs[NN_W_COUNT_PAD] = onnx_attr_int(node->onnx, "count_include_pad", 0) != 0;
    return lower_pool(lowering, node, &made);
}

/* Pads of a transposed convolution along one axis: given, or so that the output has the
 * size that output_shape or SAME asks for. The odd one lies at the begin unless
 * SAME_UPPER wants it at the end. A negative pad at the end makes room. */
static void transposed_pads(const struct onnx_node *node, int32_t *attrs, unsigned axis,
                            const int64_t *sizes)
{
    int64_t extra = sizes[0], in = sizes[1], wanted = sizes[2];
    int64_t reach =
        (int64_t)(attrs[NN_W_KERNEL_H + axis] - 1) * attrs[NN_W_DILATION_H + axis] + 1;
    bool upper = strcmp(onnx_attr_text(node, "auto_pad", "NOTSET"), "SAME_UPPER") == 0;
    if (wanted > 0) {
        int64_t total = (in - 1) * attrs[NN_W_STRIDE_H + axis] + extra + reach - wanted;
        int64_t less = total / 2, begin = upper ? less : total - less;
        begin = begin < 0 ? 0 : begin;
        attrs[NN_W_PAD_TOP + axis] = (int32_t)begin;
        attrs[NN_W_PAD_BOTTOM + axis] = (int32_t)(total - begin);
    }
    attrs[NN_W_PAD_BOTTOM + axis] -= (int32_t)extra;
}

/* Kernel, strides, dilations and pads of a transposed convolution. */
static enum status put_transposed(const struct lowering *lowering,
                                  const struct graph_node *node, int32_t *attrs)
{
    const struct nn_shape *x = lower_shape(lowering, node, 0);
    uint32_t spatial = x->rank - 2;
    int64_t extra[2] = {0}, wanted[2] = {0};
    const char *automatic = onnx_attr_text(node->onnx, "auto_pad", "NOTSET");
    bool same = strncmp(automatic, "SAME_", 5) == 0;
    attrs[NN_W_STRIDE_H] = attrs[NN_W_STRIDE_W] = 1;
    attrs[NN_W_DILATION_H] = attrs[NN_W_DILATION_W] = 1;
    if (!put_pair(node->onnx, "kernel_shape", spatial, attrs + NN_W_KERNEL_H) ||
        !put_pair(node->onnx, "strides", spatial, attrs + NN_W_STRIDE_H) ||
        !put_pair(node->onnx, "dilations", spatial, attrs + NN_W_DILATION_H) ||
        !put_pads(node->onnx, spatial, attrs) ||
        !onnx_attr_ints(node->onnx, "output_padding", extra + 2 - spatial, spatial) ||
        !onnx_attr_ints(node->onnx, "output_shape", wanted + 2 - spatial, spatial)) {
        return lower_refuse(lowering, node,
                            "kernel, strides, pads or sizes out of range");
    }
    for (uint32_t axis = 2 - spatial; axis < 2; axis++) {
        int64_t in = x->dims[x->rank - 2 + axis];
        int64_t stride = attrs[NN_W_STRIDE_H + axis];
        int64_t goal = same && wanted[axis] == 0 ? in * stride : wanted[axis];
        if (extra[axis] < 0 || extra[axis] > NN_MAX_DIM || goal < 0 ||
            goal > NN_MAX_DIM || in * stride > NN_MAX_DIM) {
            return lower_refuse(lowering, node, "an output size out of range");
        }
        transposed_pads(node->onnx, attrs, axis, (int64_t[]){extra[axis], in, goal});
    }
    return OK;
}

enum status lower_conv_transpose(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_CONV_TRANSPOSE};
    uint32_t x, w;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (!status) {
        status = lower_operand(lowering, node, 1, &w);
    }
    if (status) {
        return status;
    }
    const struct nn_shape *weights = lower_shape(lowering, node, 1);
    uint32_t rank = lower_shape(lowering, node, 0)->rank;
    int64_t group = onnx_attr_int(node->onnx, "group", 1);
    if ((rank != 3 && rank != 4) || weights->rank != rank) {
        return lower_refuse(lowering, node, "only one or two spatial dimensions");
    }
    if (group < 1 || group > NN_MAX_DIM) {
        return lower_refuse(lowering, node, "group out of range");
    }
    made.attrs[NN_W_KERNEL_H] = rank == 4 ? (int32_t)weights->dims[2] : 1;
    made.attrs[NN_W_KERNEL_W] = (int32_t)weights->dims[rank - 1];
    made.attrs[NN_W_GROUP] = (int32_t)group;
    status = put_transposed(lowering, node, made.attrs);
    return status ? status : lower_emit(lowering, node, &made, node->input_count, NULL);
}
