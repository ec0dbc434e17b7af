/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/passes.h"

#include <math.h>
#include <string.h>

#include "nn/half.h"
#include "nn/packing.h"

static void replace_readers(struct ir *ir, uint32_t from, uint32_t to)
{
    for (uint32_t n = 0; n < ir->node_count; n++) {
        for (uint32_t i = 0; i < ir->nodes[n].input_count; i++) {
            if (ir->nodes[n].inputs[i] == from) {
                ir->nodes[n].inputs[i] = to;
            }
        }
    }
}

/* The node that makes a node's first input, if nothing else reads that. */
static struct ir_node *sole_maker(const struct ir *ir, const struct ir_node *node)
{
    struct ir_node *maker = ir_maker(ir, node->inputs[0]);
    return maker && ir_readers(ir, node->inputs[0]) == 1 ? maker : NULL;
}

static void drop_reshape(struct ir *ir, struct ir_node *node)
{
    const struct ir_node *maker = ir_maker(ir, node->inputs[0]);
    if (maker && maker->code == NN_RESHAPE) {
        node->inputs[0] = maker->inputs[0];
    }
    if (!ir_is_output(ir, node->output) &&
        nn_shape_equal(&ir->tensors[node->inputs[0]].shape,
                       &ir->tensors[node->output].shape)) {
        replace_readers(ir, node->output, node->inputs[0]);
        node->dead = true;
    }
}

/* The convolution's constants after y = scale * conv(x) + shift; NULL data without
 * memory. */
struct folded {
    float *weights, *bias;
};

static struct folded fold_constants(const struct ir *ir, const struct ir_node *conv,
                                    const struct ir_node *affine, struct arena *arena)
{
    const struct ir_tensor *weights = &ir->tensors[conv->inputs[1]];
    const float *scale = ir->tensors[affine->inputs[1]].data;
    const float *shift = ir->tensors[affine->inputs[2]].data;
    const float *bias = conv->input_count > 2 ? ir->tensors[conv->inputs[2]].data : NULL;
    uint32_t count = nn_shape_elements(&weights->shape),
             channels = weights->shape.dims[0];
    uint32_t each = count / channels;
    struct folded folded = {.weights = arena_array(arena, count, sizeof(float)),
                            .bias = arena_array(arena, channels, sizeof(float))};
    if (!folded.weights || !folded.bias) {
        return (struct folded){0};
    }
    for (uint32_t i = 0; i < count; i++) {
        folded.weights[i] = weights->data[i] * scale[i / each];
    }
    for (uint32_t c = 0; c < channels; c++) {
        double before = bias ? (double)bias[c] : 0;
        folded.bias[c] = (float)(before * (double)scale[c] + (double)shift[c]);
    }
    return folded;
}

static bool constant_conv(const struct ir *ir, const struct ir_node *conv)
{
    return conv->code == NN_CONV && conv->activation == NN_NO_ACTIVATION &&
           ir->tensors[conv->inputs[1]].data &&
           (conv->input_count < 3 || ir->tensors[conv->inputs[2]].data);
}

static bool all_finite(const float *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return false;
        }
    }
    return true;
}

static enum status fold_affine(struct ir *ir, struct ir_node *affine, struct arena *arena,
                               struct err *err)
{
    struct ir_node *conv = sole_maker(ir, affine);
    if (!conv || !constant_conv(ir, conv) || affine->activation != NN_NO_ACTIVATION) {
        return OK;
    }
    struct folded folded = fold_constants(ir, conv, affine, arena);
    uint32_t *inputs = arena_array(arena, 3, sizeof *inputs);
    if (!folded.weights || !inputs) {
        return err_set(err, ERR_LIMIT, "the model needs too much memory");
    }
    const struct ir_tensor *weights = &ir->tensors[conv->inputs[1]];
    struct nn_shape channels = {.rank = 1, .dims = {weights->shape.dims[0]}};
    if (!all_finite(folded.weights, nn_shape_elements(&weights->shape)) ||
        !all_finite(folded.bias, channels.dims[0])) {
        return OK;
    }
    inputs[0] = conv->inputs[0];
    inputs[1] = ir_add_constant(ir, weights->name, &weights->shape, folded.weights);
    inputs[2] = ir_add_constant(ir, "", &channels, folded.bias);
    if (inputs[1] == IR_NONE || inputs[2] == IR_NONE) {
        return err_set(err, ERR_LIMIT, "too many tensors");
    }
    conv->inputs = inputs;
    conv->input_count = 3;
    conv->output = affine->output;
    affine->dead = true;
    return OK;
}

/* Whether a Pad only adds zeros around height and width. */
static bool pads_plane(const struct ir_node *pad)
{
    if (pad->attrs[NN_P_MODE] != NN_PAD_CONSTANT ||
        nn_float_of((uint32_t)pad->attrs[NN_P_VALUE]) != 0) {
        return false;
    }
    return pad->attrs[NN_P_BEGIN] == 0 && pad->attrs[NN_P_BEGIN + 1] == 0 &&
           pad->attrs[NN_P_END] == 0 && pad->attrs[NN_P_END + 1] == 0;
}

static void fold_pad(struct ir *ir, struct ir_node *conv)
{
    struct ir_node *pad = sole_maker(ir, conv);
    if (!pad || pad->code != NN_PAD || !pads_plane(pad)) {
        return;
    }
    uint32_t rank = ir->tensors[conv->inputs[0]].shape.rank;
    int32_t sums[4] = {0};
    for (uint32_t axis = 4 - rank; axis < 2; axis++) {
        uint32_t dim = rank - 2 + axis;
        sums[axis] = conv->attrs[NN_W_PAD_TOP + axis] + pad->attrs[NN_P_BEGIN + dim];
        sums[2 + axis] = conv->attrs[NN_W_PAD_BOTTOM + axis] + pad->attrs[NN_P_END + dim];
        if (sums[axis] > NN_MAX_DIM || sums[2 + axis] > NN_MAX_DIM) {
            return;
        }
    }
    memcpy(conv->attrs + NN_W_PAD_TOP, sums, sizeof sums);
    conv->inputs[0] = pad->inputs[0];
    pad->dead = true;
}

static void fuse_activation(struct ir *ir, struct ir_node *node)
{
    struct ir_node *maker = sole_maker(ir, node);
    if (!maker || maker->activation != NN_NO_ACTIVATION ||
        !nn_op_info(maker->code)->activation) {
        return;
    }
    maker->activation = node->code == NN_RELU ? NN_ACT_RELU : NN_ACT_CLIP;
    if (node->code == NN_CLIP) {
        maker->act_a = nn_float_of((uint32_t)node->attrs[0]);
        maker->act_b = nn_float_of((uint32_t)node->attrs[1]);
    }
    maker->output = node->output;
    node->dead = true;
}

static void drop_unneeded(struct ir *ir)
{
    for (uint32_t n = ir->node_count; n-- > 0;) {
        struct ir_node *node = &ir->nodes[n];
        node->dead = node->dead || ir_readers(ir, node->output) == 0;
    }
}

/* Calls below for every live node of one operator. */
#define FOR_LIVE(ir, node, wanted)                                                       \
    for (struct ir_node *node = (ir)->nodes; node < (ir)->nodes + (ir)->node_count;      \
         node++)                                                                         \
        if (!node->dead && node->code == (wanted))

enum status passes_run(struct ir *ir, struct arena *arena, struct err *err)
{
    FOR_LIVE(ir, node, NN_RESHAPE)
    {
        drop_reshape(ir, node);
    }
    drop_unneeded(ir);
    FOR_LIVE(ir, node, NN_AFFINE)
    {
        enum status status = fold_affine(ir, node, arena, err);
        if (status) {
            return status;
        }
    }
    FOR_LIVE(ir, node, NN_CONV)
    {
        fold_pad(ir, node);
    }
    FOR_LIVE(ir, node, NN_RELU)
    {
        fuse_activation(ir, node);
    }
    FOR_LIVE(ir, node, NN_CLIP)
    {
        fuse_activation(ir, node);
    }
    drop_unneeded(ir);
    return OK;
}

static bool half_holds(const struct ir_tensor *tensor)
{
    uint64_t count =
        nn_layout_bytes(tensor->layout, &tensor->shape) / sizeof *tensor->data;
    float most = 0;
    for (uint64_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(tensor->data[i]));
    }
    return most <= NN_HALF_MAX;
}

void passes_halve(struct ir *ir)
{
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        bool weighted = node->code == NN_CONV || node->code == NN_GEMM ||
                        node->code == NN_MAT_MUL || node->code == NN_CONV_TRANSPOSE;
        if (node->dead || !weighted) {
            continue;
        }
        struct ir_tensor *weights = &ir->tensors[node->inputs[1]];
        weights->half = weights->data && half_holds(weights);
    }
}
