/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/packing.h"

uint64_t nn_layout_bytes(enum nn_layout layout, const struct nn_shape *shape)
{
    struct nn_shape padded = *shape;
    switch (layout) {
    case NN_ROWS:
        break;
    case NN_BLOCKED:
        if (shape->rank != 4) {
            return 0;
        }
        padded.dims[1] = nn_blocks(shape->dims[1]) * NN_BLOCK;
        break;
    case NN_LAST:
        if (shape->rank != 4 || shape->dims[1] >= NN_BLOCK) {
            return 0;
        }
        break;
    case NN_PANELS:
        if (shape->rank != 4 && shape->rank != 2) {
            return 0;
        }
        padded.dims[0] = nn_blocks(shape->dims[0]) * NN_BLOCK;
        break;
    case NN_LAYOUTS:
        return 0;
    }
    return (uint64_t)nn_shape_elements(&padded) * sizeof(float);
}

/* A constant that kernels read in whole blocks: its last block ends in the padding of the
 * file. */
static bool is_lanes(const struct nn_laid *laid, uint32_t channels)
{
    return laid->constant && laid->layout == NN_ROWS &&
           nn_shape_elements(laid->shape) == channels;
}

static bool conv_fits(const struct nn_op *op, const struct nn_laid *in, uint32_t count,
                      const struct nn_laid *out)
{
    const struct nn_shape *x = in[0].shape, *w = in[1].shape;
    uint32_t group = (uint32_t)op->attrs[NN_W_GROUP];
    bool depthwise = group == x->dims[1] && w->dims[0] == group && group > 1;
    bool from_last = in[0].layout == NN_LAST && group == 1;
    uint64_t taps =
        (uint64_t)op->attrs[NN_W_KERNEL_H] * (uint64_t)op->attrs[NN_W_KERNEL_W];
    if (taps > NN_TAPS_MAX && group == 1) {
        return false;
    }
    if (x->rank != 4 || (group != 1 && !depthwise) || in[1].layout != NN_PANELS ||
        (in[0].layout != NN_BLOCKED && !from_last) || out->layout != NN_BLOCKED) {
        return false;
    }
    if (count > 2 && in[2].shape && !is_lanes(&in[2], w->dims[0])) {
        return false;
    }
    return count < 4 || !in[3].shape || (in[3].layout == NN_BLOCKED && !depthwise);
}

static bool gemm_fits(const struct nn_op *op, const struct nn_laid *in, uint32_t count,
                      const struct nn_laid *out)
{
    if (in[0].layout != NN_ROWS || in[1].layout != NN_PANELS || out->layout != NN_ROWS ||
        op->attrs[NN_G_TRANS_A] || !op->attrs[NN_G_TRANS_B] ||
        nn_attr_float(op, NN_G_ALPHA) != 1 || nn_attr_float(op, NN_G_BETA) != 1) {
        return false;
    }
    return count < 3 || !in[2].shape || is_lanes(&in[2], out->shape->dims[1]);
}

static bool all_blocked(const struct nn_laid *in, uint32_t count,
                        const struct nn_laid *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (in[i].layout != NN_BLOCKED) {
            return false;
        }
    }
    return out->layout == NN_BLOCKED;
}

/* The second operand is as the output, or one value a channel and item. */
static bool binary_fits(const struct nn_laid *in, const struct nn_laid *out)
{
    const struct nn_shape *b = in[1].shape, *y = out->shape;
    struct nn_shape single = *y;
    single.dims[2] = single.dims[3] = 1;
    return all_blocked(in, 2, out) && nn_shape_equal(in[0].shape, y) &&
           (nn_shape_equal(b, y) || nn_shape_equal(b, &single));
}

static bool concat_fits(const struct nn_op *op, const struct nn_laid *in, uint32_t count,
                        const struct nn_laid *out)
{
    if (op->attrs[0] != 1 || !all_blocked(in, count, out)) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (in[i].shape->dims[1] % NN_BLOCK != 0) {
            return false;
        }
    }
    return true;
}

/* A Reshape also changes the layout; one of its sides is in rows. */
static bool reshape_fits(const struct nn_laid *in, const struct nn_laid *out)
{
    return in->layout != NN_PANELS && out->layout != NN_PANELS &&
           (in->layout == NN_ROWS || out->layout == NN_ROWS);
}

bool nn_layouts_fit(const struct nn_op *op, const struct nn_laid *in, uint32_t count,
                    const struct nn_laid *out)
{
    bool rows = out->layout == NN_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        rows = rows && (!in[i].shape || in[i].layout == NN_ROWS);
    }
    if (rows) {
        return op->code != NN_CONV || count < 4;
    }
    if (op->code == NN_CONV) {
        return conv_fits(op, in, count, out);
    }
    if (op->code == NN_GEMM) {
        return gemm_fits(op, in, count, out);
    }
    if (op->code == NN_RESHAPE) {
        return reshape_fits(in, out);
    }
    if (op->code == NN_CONCAT) {
        return concat_fits(op, in, count, out);
    }
    if (op->code == NN_ADD || op->code == NN_MUL) {
        return binary_fits(in, out);
    }
    bool pool = op->code == NN_MAX_POOL || op->code == NN_AVERAGE_POOL ||
                op->code == NN_GLOBAL_AVERAGE_POOL;
    bool each = op->code == NN_RELU || op->code == NN_CLIP || op->code == NN_UNARY;
    return (pool || each) && all_blocked(in, count, out);
}
