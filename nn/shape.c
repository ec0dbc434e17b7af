/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/shape.h"

#include <math.h>
#include <stdio.h>

#include "nn/infer.h"

/* Operators of this build: the core ones, or all. */
enum { OPS = NN_CORE ? NN_UNARY : NN_OP_CODES };

static const struct nn_op_info op_infos[NN_OP_CODES] = {
    [NN_CONV] = {"Conv", 2, 4, 11, true, false},
    [NN_MAX_POOL] = {"MaxPool", 1, 1, 11, false, false},
    [NN_AVERAGE_POOL] = {"AveragePool", 1, 1, 12, false, false},
    [NN_GLOBAL_AVERAGE_POOL] = {"GlobalAveragePool", 1, 1, 0, false, false},
    [NN_GEMM] = {"Gemm", 2, 3, 4, true, false},
    [NN_MAT_MUL] = {"MatMul", 2, 2, 0, true, false},
    [NN_RELU] = {"Relu", 1, 1, 0, false, true},
    [NN_CLIP] = {"Clip", 1, 1, 2, false, true},
    [NN_ADD] = {"Add", 2, 2, 0, true, true},
    [NN_MUL] = {"Mul", 2, 2, 0, true, true},
    [NN_CONCAT] = {"Concat", 1, NN_MAX_CONCAT, 1, false, false},
    [NN_RESHAPE] = {"Reshape", 1, 1, 0, false, true},
    [NN_SOFTMAX] = {"Softmax", 1, 1, 2, false, false},
    [NN_AFFINE] = {"Affine", 3, 3, 0, true, true},
    [NN_PAD] = {"Pad", 1, 1, 14, false, false},
    [NN_TRANSPOSE] = {"Transpose", 1, 1, 6, false, false},
    [NN_UNARY] = {"Unary", 1, 1, 3, false, true},
    [NN_BINARY] = {"Binary", 2, 2, 1, true, true},
    [NN_REDUCE] = {"Reduce", 1, 1, 2, false, false},
    [NN_SLICE] = {"Slice", 1, 1, 18, false, false},
    [NN_RESIZE] = {"Resize", 1, 1, 17, false, false},
    [NN_CONV_TRANSPOSE] = {"ConvTranspose", 2, 3, 11, true, false},
};

static struct nn_window window_of(const struct nn_op *op, unsigned axis)
{
    const int32_t *attrs = op->attrs;
    return (struct nn_window){
        .kernel = attrs[NN_W_KERNEL_H + axis],
        .stride = attrs[NN_W_STRIDE_H + axis],
        .dilation = attrs[NN_W_DILATION_H + axis],
        .pad_begin = attrs[NN_W_PAD_TOP + axis],
        .pad_end = attrs[NN_W_PAD_BOTTOM + axis],
        .ceil_mode = op->code != NN_CONV && attrs[NN_W_CEIL_MODE] != 0,
    };
}

/* Pads of a pool stay below the window, so that no window of a plain pool is all padding.
 */
static bool window_valid(const struct nn_window *window, bool pool)
{
    if (window->kernel < 1 || window->kernel > NN_MAX_DIM || window->stride < 1 ||
        window->stride > NN_MAX_DIM || window->dilation < 1 ||
        window->dilation > NN_MAX_DIM) {
        return false;
    }
    int64_t most = pool ? (window->kernel - 1) * window->dilation : NN_MAX_DIM;
    return window->pad_begin >= 0 && window->pad_begin <= most && window->pad_end >= 0 &&
           window->pad_end <= most;
}

static bool window_is_flat(const struct nn_window *window)
{
    return window->kernel == 1 && window->stride == 1 && window->dilation == 1 &&
           window->pad_begin == 0 && window->pad_end == 0;
}

/* The spatial dimensions of Conv and the pools; rank 3 is height 1. */
static enum muster_nn_status infer_window(struct inference *inference)
{
    const struct nn_shape *x = inference->in[0];
    if (x->rank != 3 && x->rank != 4) {
        return INVALID(inference, "the input has rank %u instead of 3 or 4", x->rank);
    }
    struct nn_window vertical = window_of(inference->op, 0);
    struct nn_window horizontal = window_of(inference->op, 1);
    bool pool = inference->op->code != NN_CONV;
    if (!window_valid(&vertical, pool) || !window_valid(&horizontal, pool) ||
        (x->rank == 3 && !window_is_flat(&vertical))) {
        return INVALID(inference, "kernel, strides, pads or dilations out of range");
    }
    inference->out.rank = x->rank;
    inference->out.dims[0] = x->dims[0];
    inference->out.dims[1] = x->dims[1];
    if (x->rank == 4) {
        inference->out.dims[2] = nn_window_outputs(&vertical, x->dims[2]);
    }
    uint32_t last = x->rank - 1;
    inference->out.dims[last] = nn_window_outputs(&horizontal, x->dims[last]);
    if (inference->out.dims[2] == 0 || inference->out.dims[last] == 0) {
        return INVALID(inference, "the window is larger than the padded input");
    }
    inference->macs_each = (uint64_t)vertical.kernel * (uint64_t)horizontal.kernel;
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_conv(struct inference *inference)
{
    enum muster_nn_status status = infer_window(inference);
    if (status) {
        return status;
    }
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0], *w = inference->in[1];
    const struct nn_shape *b = inference->count > 2 ? inference->in[2] : NULL;
    uint32_t group = (uint32_t)attrs[NN_W_GROUP];
    if (attrs[NN_W_GROUP] < 1 || x->dims[1] % group != 0) {
        return INVALID(inference, "%u channels cannot be split into %d groups",
                       x->dims[1], attrs[NN_W_GROUP]);
    }
    uint32_t last = x->rank - 1;
    if (w->rank != x->rank || w->dims[1] != x->dims[1] / group ||
        w->dims[0] % group != 0 || w->dims[last] != (uint32_t)attrs[NN_W_KERNEL_W] ||
        (x->rank == 4 && w->dims[2] != (uint32_t)attrs[NN_W_KERNEL_H])) {
        return INVALID(inference, "the weights do not fit input, kernel and groups");
    }
    if (b && (b->rank != 1 || b->dims[0] != w->dims[0])) {
        return INVALID(inference, "the bias does not have one value an output channel");
    }
    inference->out.dims[1] = w->dims[0];
    inference->macs_each *= w->dims[1];
    const struct nn_shape *z = inference->count > 3 ? inference->in[3] : NULL;
    if (z && !nn_shape_equal(z, &inference->out)) {
        return INVALID(inference, "the summand has another shape than the output");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_pool(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    if (!nn_attr_within(attrs[NN_W_CEIL_MODE], 0, 1) ||
        (inference->op->code == NN_AVERAGE_POOL &&
         !nn_attr_within(attrs[NN_W_COUNT_PAD], 0, 1))) {
        return INVALID(inference, "ceil_mode or count_include_pad is not 0 or 1");
    }
    return infer_window(inference);
}

static enum muster_nn_status infer_global_pool(struct inference *inference)
{
    const struct nn_shape *x = inference->in[0];
    if (x->rank < 3) {
        return INVALID(inference, "the input has rank %u, less than 3", x->rank);
    }
    inference->out = (struct nn_shape){.rank = x->rank};
    for (uint32_t d = 0; d < x->rank; d++) {
        inference->out.dims[d] = d < 2 ? x->dims[d] : 1;
    }
    inference->macs_each =
        nn_shape_elements(x) / ((uint64_t)x->dims[0] * (uint64_t)x->dims[1]);
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_gemm(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *a = inference->in[0], *b = inference->in[1];
    const struct nn_shape *c = inference->count > 2 ? inference->in[2] : NULL;
    if (a->rank != 2 || b->rank != 2 || !nn_attr_within(attrs[NN_G_TRANS_A], 0, 1) ||
        !nn_attr_within(attrs[NN_G_TRANS_B], 0, 1)) {
        return INVALID(inference, "the factors are not two matrices");
    }
    if (!isfinite(nn_attr_float(inference->op, NN_G_ALPHA)) ||
        !isfinite(nn_attr_float(inference->op, NN_G_BETA))) {
        return INVALID(inference, "alpha or beta is not finite");
    }
    uint32_t inner = a->dims[attrs[NN_G_TRANS_A] ? 0 : 1];
    if (inner != b->dims[attrs[NN_G_TRANS_B] ? 1 : 0]) {
        return INVALID(inference, "the inner dimensions of the factors differ");
    }
    inference->out = (struct nn_shape){.rank = 2,
                                       .dims = {a->dims[attrs[NN_G_TRANS_A] ? 1 : 0],
                                                b->dims[attrs[NN_G_TRANS_B] ? 0 : 1]}};
    inference->macs_each = inner;
    struct nn_shape sum;
    if (c && (!nn_shape_broadcast(c, &inference->out, &sum) ||
              !nn_shape_equal(&sum, &inference->out))) {
        return INVALID(inference, "the third input does not broadcast to the product");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_mat_mul(struct inference *inference)
{
    struct nn_shape a = *inference->in[0], b = *inference->in[1];
    bool vector_a = a.rank == 1, vector_b = b.rank == 1;
    if (a.rank < 1 || b.rank < 1) {
        return INVALID(inference, "a factor is a scalar");
    }
    if (vector_a) {
        a = (struct nn_shape){.rank = 2, .dims = {1, a.dims[0]}};
    }
    if (vector_b) {
        b = (struct nn_shape){.rank = 2, .dims = {b.dims[0], 1}};
    }
    uint32_t rows = a.dims[a.rank - 2], columns = b.dims[b.rank - 1];
    inference->macs_each = a.dims[a.rank - 1];
    if (a.dims[a.rank - 1] != b.dims[b.rank - 2]) {
        return INVALID(inference, "the inner dimensions of the factors differ");
    }
    a.dims[a.rank - 1] = a.dims[a.rank - 2] = 1;
    b.dims[b.rank - 1] = b.dims[b.rank - 2] = 1;
    struct nn_shape out;
    if (!nn_shape_broadcast(&a, &b, &out)) {
        return INVALID(inference, "the batch dimensions do not broadcast");
    }
    out.rank -= 2;
    out.dims[out.rank] = out.dims[out.rank + 1] = 0;
    if (!vector_a) {
        out.dims[out.rank++] = rows;
    }
    if (!vector_b) {
        out.dims[out.rank++] = columns;
    }
    inference->out = out;
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_broadcast(struct inference *inference)
{
    if (!nn_shape_broadcast(inference->in[0], inference->in[1], &inference->out)) {
        return INVALID(inference, "the inputs do not broadcast");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_concat(struct inference *inference)
{
    const struct nn_shape *first = inference->in[0];
    int32_t axis = inference->op->attrs[0];
    if (axis < 0 || axis >= (int32_t)first->rank) {
        return INVALID(inference, "axis %d is outside the rank", axis);
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < inference->count; i++) {
        struct nn_shape other = *inference->in[i];
        uint32_t length = other.dims[axis];
        other.dims[axis] = first->dims[axis];
        if (!nn_shape_equal(&other, first)) {
            return INVALID(inference, "input %u differs outside the axis", i);
        }
        sum += length;
    }
    if (sum > NN_MAX_DIM) {
        return INVALID(inference, "the joined dimension is over 2^24");
    }
    inference->out = *first;
    inference->out.dims[axis] = (uint32_t)sum;
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_same(struct inference *inference)
{
    inference->out = *inference->in[0];
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_clip(struct inference *inference)
{
    float low = nn_attr_float(inference->op, 0), high = nn_attr_float(inference->op, 1);
    if (!isfinite(low) || !isfinite(high) || low > high) {
        return INVALID(inference, "the bounds are no range");
    }
    return infer_same(inference);
}

static enum muster_nn_status infer_reshape(struct inference *inference)
{
    uint32_t wanted = nn_shape_elements(&inference->out);
    if (wanted == 0 || wanted != nn_shape_elements(inference->in[0])) {
        return INVALID(inference, "the new shape has another number of elements");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_softmax(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    if (attrs[0] < 0 || attrs[0] >= (int32_t)inference->in[0]->rank ||
        !nn_attr_within(attrs[1], 0, 1)) {
        return INVALID(inference, "axis %d is outside the rank", attrs[0]);
    }
    return infer_same(inference);
}

static enum muster_nn_status infer_affine(struct inference *inference)
{
    const struct nn_shape *x = inference->in[0];
    for (uint32_t i = 1; i < 3; i++) {
        const struct nn_shape *s = inference->in[i];
        if (x->rank < 2 || s->rank != 1 || s->dims[0] != x->dims[1]) {
            return INVALID(inference, "input %u has not one value a channel", i);
        }
    }
    return infer_same(inference);
}

static enum muster_nn_status infer_pad(struct inference *inference)
{
    const int32_t *attrs = inference->op->attrs;
    const struct nn_shape *x = inference->in[0];
    if (!nn_attr_within(attrs[NN_P_MODE], NN_PAD_CONSTANT, NN_PAD_EDGE) ||
        !isfinite(nn_attr_float(inference->op, NN_P_VALUE))) {
        return INVALID(inference, "unknown mode or a value that is not finite");
    }
    inference->out.rank = x->rank;
    for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
        int32_t begin = attrs[NN_P_BEGIN + d], end = attrs[NN_P_END + d];
        int32_t high = d < x->rank ? NN_MAX_DIM : 0;
        if (d < x->rank && attrs[NN_P_MODE] == NN_PAD_REFLECT) {
            high = (int32_t)x->dims[d] - 1;
        }
        if (!nn_attr_within(begin, 0, high) || !nn_attr_within(end, 0, high)) {
            return INVALID(inference, "pads of dimension %u out of range", d);
        }
        inference->out.dims[d] = x->dims[d] + (uint32_t)begin + (uint32_t)end;
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status infer_transpose(struct inference *inference)
{
    const struct nn_shape *x = inference->in[0];
    uint32_t seen = 0;
    inference->out = (struct nn_shape){.rank = x->rank};
    for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
        int32_t from = inference->op->attrs[d];
        if (d >= x->rank) {
            if (from != 0) {
                return INVALID(inference, "a permutation entry past the rank is not 0");
            }
            continue;
        }
        if (from < 0 || from >= (int32_t)x->rank || (seen >> from & 1)) {
            return INVALID(inference, "not a permutation");
        }
        seen |= UINT32_C(1) << from;
        inference->out.dims[d] = x->dims[from];
    }
    return MUSTER_NN_OK;
}

static infer_function *const infer_functions[NN_OP_CODES] = {
    [NN_CONV] = infer_conv,         [NN_MAX_POOL] = infer_pool,
    [NN_AVERAGE_POOL] = infer_pool, [NN_GLOBAL_AVERAGE_POOL] = infer_global_pool,
    [NN_GEMM] = infer_gemm,         [NN_MAT_MUL] = infer_mat_mul,
    [NN_RELU] = infer_same,         [NN_CLIP] = infer_clip,
    [NN_ADD] = infer_broadcast,     [NN_MUL] = infer_broadcast,
    [NN_CONCAT] = infer_concat,     [NN_RESHAPE] = infer_reshape,
    [NN_SOFTMAX] = infer_softmax,   [NN_AFFINE] = infer_affine,
    [NN_PAD] = infer_pad,           [NN_TRANSPOSE] = infer_transpose,
#if !NN_CORE
    [NN_UNARY] = nn_infer_unary,    [NN_BINARY] = nn_infer_binary,
    [NN_REDUCE] = nn_infer_reduce,  [NN_SLICE] = nn_infer_slice,
    [NN_RESIZE] = nn_infer_resize,  [NN_CONV_TRANSPOSE] = nn_infer_conv_transpose,
#endif
};

const struct nn_op_info *nn_op_info(uint32_t code)
{
    return code >= NN_CONV && code < OPS ? &op_infos[code] : NULL;
}

uint32_t nn_shape_elements(const struct nn_shape *shape)
{
    uint64_t product = 1;
    if (shape->rank > NN_MAX_RANK) {
        return 0;
    }
    for (uint32_t d = 0; d < shape->rank; d++) {
        if (shape->dims[d] < 1 || shape->dims[d] > NN_MAX_DIM) {
            return 0;
        }
        product *= shape->dims[d];
        if (product > NN_MAX_ELEMENTS) {
            return 0;
        }
    }
    return (uint32_t)product;
}

bool nn_shape_equal(const struct nn_shape *a, const struct nn_shape *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, sizeof a->dims) == 0;
}

void nn_shape_print(const struct nn_shape *shape, char ret_text[static NN_SHAPE_TEXT])
{
    size_t used = 0;
    (void)snprintf(ret_text, NN_SHAPE_TEXT, "%s", shape->rank == 0 ? "scalar" : "");
    for (uint32_t d = 0; d < shape->rank && d < NN_MAX_RANK; d++) {
        int n = snprintf(ret_text + used, NN_SHAPE_TEXT - used, "%s%u", d ? "x" : "",
                         shape->dims[d]);
        used += n > 0 ? (size_t)n : 0;
        if (used >= NN_SHAPE_TEXT) {
            return;
        }
    }
}

bool nn_shape_broadcast(const struct nn_shape *a, const struct nn_shape *b,
                        struct nn_shape *ret_shape)
{
    struct nn_shape out = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (uint32_t i = 1; i <= out.rank; i++) {
        uint32_t da = i <= a->rank ? a->dims[a->rank - i] : 1;
        uint32_t db = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (da != db && da != 1 && db != 1) {
            return false;
        }
        out.dims[out.rank - i] = da == 1 ? db : da;
    }
    *ret_shape = out;
    return true;
}

uint32_t nn_window_outputs(const struct nn_window *window, int64_t in)
{
    int64_t extent = (window->kernel - 1) * window->dilation + 1;
    int64_t free = in + window->pad_begin + window->pad_end - extent;
    if (free < 0) {
        return 0;
    }
    int64_t steps = free / window->stride;
    if (window->ceil_mode && free % window->stride != 0 &&
        (steps + 1) * window->stride < in + window->pad_begin) {
        steps++;
    }
    return steps < NN_MAX_DIM ? (uint32_t)(steps + 1) : 0;
}

enum muster_nn_status nn_op_infer(const struct nn_op *op, struct nn_op_inputs inputs,
                                  struct nn_shape *ret_shape, uint64_t *ret_macs,
                                  struct muster_nn_error *error)
{
    const struct nn_op_info *info = nn_op_info(op->code);
    if (!info) {
        return nn_fail(error, MUSTER_NN_UNSUPPORTED, "unknown operator %u", op->code);
    }
    if (inputs.count < info->min_inputs || inputs.count > info->max_inputs ||
        op->attr_count != info->attrs) {
        return nn_fail(error, MUSTER_NN_INVALID,
                       "%s has a wrong number of inputs or attributes", info->name);
    }
    for (uint32_t i = 0; i < inputs.count; i++) {
        if (!inputs.in[i] && (i < info->min_inputs || op->code == NN_CONCAT)) {
            return nn_fail(error, MUSTER_NN_INVALID, "%s lacks input %u", info->name, i);
        }
    }
    struct inference inference = {
        .op = op, .in = inputs.in, .count = inputs.count, .macs_each = 1, .error = error};
    if (op->code == NN_RESHAPE) {
        inference.out = *ret_shape;
    }
    enum muster_nn_status status = infer_functions[op->code](&inference);
    if (status) {
        return status;
    }
    uint32_t elements = nn_shape_elements(&inference.out);
    if (elements == 0) {
        return INVALID(&inference, "%s makes a tensor that is too large", info->name);
    }
    *ret_shape = inference.out;
    if (__builtin_mul_overflow(inference.macs_each, elements, ret_macs)) {
        *ret_macs = UINT64_MAX;
    }
    return MUSTER_NN_OK;
}
