/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/lower.h"

#include <math.h>

static const struct ir_node add = {.code = NN_ADD}, multiply = {.code = NN_MUL};
static const struct ir_node subtract = {.code = NN_BINARY, .attrs = {NN_SUB}};
static const struct ir_node divide = {.code = NN_BINARY, .attrs = {NN_DIV}};
static const struct ir_node power = {.code = NN_BINARY, .attrs = {NN_POW}};

/* Several nodes in a row: the first failure ends it. */
struct steps {
    struct lowering *lowering;
    const struct graph_node *node;
    enum status status;
};

static uint32_t step_binary(struct steps *steps, const struct ir_node *made, uint32_t a,
                            uint32_t b)
{
    uint32_t tensor = a;
    if (!steps->status) {
        steps->status = lower_binary_step(steps->lowering, steps->node, made,
                                          (uint32_t[]){a, b}, &tensor);
    }
    return tensor;
}

/* With a number as the second operand. */
static uint32_t step_number(struct steps *steps, const struct ir_node *made, uint32_t a,
                            float number)
{
    uint32_t b = a;
    if (!steps->status) {
        steps->status = lower_scalar(steps->lowering, number, &b);
    }
    return step_binary(steps, made, a, b);
}

static uint32_t step_unary(struct steps *steps, const struct ir_node *made, uint32_t x)
{
    struct ir_node step = *made;
    uint32_t tensor = x;
    step.inputs = &x;
    step.input_count = 1;
    if (!steps->status) {
        steps->status = lower_step(steps->lowering, steps->node, &step, NULL, &tensor);
    }
    return tensor;
}

static uint32_t step_reduce(struct steps *steps, enum nn_reduce function, uint32_t x,
                            uint32_t axes)
{
    struct ir_node made = {.code = NN_REDUCE,
                           .attrs = {(int32_t)function, (int32_t)axes}};
    return step_unary(steps, &made, x);
}

/* 1 / sqrt(variance + epsilon) goes wrong only where the ONNX graph does. */
static uint32_t step_deviation(struct steps *steps, uint32_t variance)
{
    static const struct ir_node root = {.code = NN_UNARY, .attrs = {NN_SQRT}};
    float epsilon = onnx_attr_float(steps->node->onnx, "epsilon", 1e-5f);
    return step_unary(steps, &root, step_number(steps, &add, variance, epsilon));
}

static enum status finish_affine(struct steps *steps, uint32_t x, uint32_t scale,
                                 uint32_t shift)
{
    uint32_t inputs[] = {x, scale, shift}, out = x;
    struct ir_node made = {.code = NN_AFFINE, .inputs = inputs, .input_count = 3};
    if (!steps->status) {
        steps->status = lower_step(steps->lowering, steps->node, &made, NULL, &out);
    }
    if (!steps->status) {
        lower_finish(steps->lowering, steps->node, out);
    }
    return steps->status;
}

/* The tensors of the node's first `count` inputs, all of which must be there. */
static struct steps begin(struct lowering *lowering, const struct graph_node *node,
                          uint32_t *inputs, size_t count)
{
    struct steps steps = {.lowering = lowering, .node = node};
    for (size_t i = 0; i < count && !steps.status; i++) {
        steps.status = lower_operand(lowering, node, i, &inputs[i]);
    }
    return steps;
}

static enum status dynamic_normalisation(struct lowering *lowering,
                                         const struct graph_node *node)
{
    uint32_t in[5];
    struct steps steps = begin(lowering, node, in, 5);
    uint32_t scale = step_binary(&steps, &divide, in[1], step_deviation(&steps, in[4]));
    uint32_t centre = step_binary(&steps, &multiply, in[3], scale);
    return finish_affine(&steps, in[0], scale,
                         step_binary(&steps, &subtract, in[2], centre));
}

enum status lower_instance(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t in[3];
    struct steps steps = begin(lowering, node, in, 3);
    if (steps.status) {
        return steps.status;
    }
    uint32_t rank = lowering->ir->tensors[in[0]].shape.rank;
    uint32_t axes = ((UINT32_C(1) << rank) - 1) & ~UINT32_C(3);
    if (rank < 3) {
        return lower_refuse(lowering, node, "an input without spatial dimensions");
    }
    uint32_t mean = step_reduce(&steps, NN_MEAN_OF, in[0], axes);
    uint32_t centred = step_binary(&steps, &subtract, in[0], mean);
    uint32_t square = step_binary(&steps, &multiply, centred, centred);
    uint32_t variance = step_reduce(&steps, NN_MEAN_OF, square, axes);
    uint32_t deviation = step_deviation(&steps, variance);
    uint32_t normal = step_binary(&steps, &divide, centred, deviation);
    return finish_affine(&steps, normal, in[1], in[2]);
}

/* d - log(sum(exp(d))) with d = x - max(x), which keeps large x exact: over one axis
 * since opset 13, over all from it on before. */
enum status lower_log_softmax(struct lowering *lowering, const struct graph_node *node)
{
    enum { AXIS_SINCE = 13 };
    bool flat = lowering->graph->model->opset < AXIS_SINCE;
    uint32_t x, axis = 0;
    struct steps steps = begin(lowering, node, &x, 1);
    if (steps.status) {
        return steps.status;
    }
    uint32_t rank = lowering->ir->tensors[x].shape.rank;
    steps.status = lower_axis(lowering, node, flat ? 1 : -1, rank, &axis);
    uint32_t behind = ((UINT32_C(1) << rank) - 1) & ~((UINT32_C(1) << axis) - 1);
    uint32_t axes = flat ? behind : UINT32_C(1) << axis;
    x = step_binary(&steps, &subtract, x, step_reduce(&steps, NN_MAX_OF, x, axes));
    uint32_t sum = step_reduce(&steps, NN_LOG_SUM_EXP_OF, x, axes);
    uint32_t out = step_binary(&steps, &subtract, x, sum);
    if (!steps.status) {
        lower_finish(lowering, node, out);
    }
    return steps.status;
}

/* The mean of `size` neighbours along the channels, as a pool over planes of channels. */
static uint32_t channel_means(struct steps *steps, uint32_t x, int32_t size)
{
    const struct nn_shape shape = steps->lowering->ir->tensors[x].shape;
    uint32_t plane = 1, tensor = x;
    for (uint32_t d = 2; d < shape.rank; d++) {
        plane *= shape.dims[d];
    }
    const struct nn_shape planes = {.rank = 4,
                                    .dims = {shape.dims[0], 1, shape.dims[1], plane}};
    struct ir_node pool = {
        .code = NN_AVERAGE_POOL,
        .attrs = {size, 1, 1, 1, (size - 1) / 2, 0, size / 2, 0, 1, 1, 0, 1}};
    if (!steps->status) {
        steps->status =
            lower_reshape_step(steps->lowering, steps->node, x, &planes, &tensor);
    }
    tensor = step_unary(steps, &pool, tensor);
    if (!steps->status) {
        steps->status =
            lower_reshape_step(steps->lowering, steps->node, tensor, &shape, &tensor);
    }
    return tensor;
}

enum status lower_local_response(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t x;
    struct steps steps = begin(lowering, node, &x, 1);
    int64_t size = onnx_attr_int(node->onnx, "size", 0);
    if (!steps.status &&
        (lowering->ir->tensors[x].shape.rank < 2 || size < 1 || size > NN_MAX_DIM)) {
        return lower_refuse(lowering, node, "no channels or a size out of range");
    }
    uint32_t square = step_binary(&steps, &multiply, x, x);
    uint32_t means = steps.status ? x : channel_means(&steps, square, (int32_t)size);
    uint32_t scaled = step_number(&steps, &multiply, means,
                                  onnx_attr_float(node->onnx, "alpha", 1e-4f));
    uint32_t shifted =
        step_number(&steps, &add, scaled, onnx_attr_float(node->onnx, "bias", 1));
    uint32_t divisor =
        step_number(&steps, &power, shifted, onnx_attr_float(node->onnx, "beta", 0.75f));
    uint32_t out = step_binary(&steps, &divide, x, divisor);
    if (!steps.status) {
        lower_finish(lowering, node, out);
    }
    return steps.status;
}

/* Scale and shift of a batch normalisation from its four parameters. */
static enum status normalisation_constants(struct lowering *lowering,
                                           const struct graph_node *node,
                                           uint32_t channels, uint32_t *ret_inputs)
{
    const struct onnx_tensor *p[4];
    for (size_t i = 0; i < 4; i++) {
        p[i] = lower_constant(lowering, node, i + 1);
        if (!p[i] || !p[i]->floats || p[i]->rank != 1 || p[i]->dims[0] != channels) {
            return lower_refuse(lowering, node,
                                "parameters that are not one constant f32 a channel");
        }
    }
    float *scale = arena_array(lowering->arena, channels, sizeof *scale);
    float *shift = arena_array(lowering->arena, channels, sizeof *shift);
    if (!scale || !shift) {
        return err_set(lowering->err, ERR_LIMIT, "the model needs too much memory");
    }
    double epsilon = (double)onnx_attr_float(node->onnx, "epsilon", 1e-5f);
    for (uint32_t c = 0; c < channels; c++) {
        double factor = (double)p[0]->floats[c] / sqrt((double)p[3]->floats[c] + epsilon);
        scale[c] = (float)factor;
        shift[c] = (float)((double)p[1]->floats[c] - (double)p[2]->floats[c] * factor);
    }
    struct nn_shape shape = {.rank = 1, .dims = {channels}};
    ret_inputs[1] = ir_add_constant(lowering->ir, "", &shape, scale);
    ret_inputs[2] = ir_add_constant(lowering->ir, "", &shape, shift);
    return ret_inputs[1] == IR_NONE || ret_inputs[2] == IR_NONE
               ? err_set(lowering->err, ERR_LIMIT, "the model needs too much memory")
               : OK;
}

enum status lower_batch_normalization(struct lowering *lowering,
                                      const struct graph_node *node)
{
    struct ir_node made = {.name = node->onnx->name, .code = NN_AFFINE, .input_count = 3};
    made.inputs = arena_array(lowering->arena, 3, sizeof *made.inputs);
    if (!made.inputs) {
        return err_set(lowering->err, ERR_LIMIT, "the model needs too much memory");
    }
    enum status status = lower_operand(lowering, node, 0, &made.inputs[0]);
    if (status) {
        return status;
    }
    const struct nn_shape *x = lower_shape(lowering, node, 0);
    if (x->rank < 2) {
        return lower_refuse(lowering, node, "an input without channels");
    }
    for (size_t i = 1; i < 5; i++) {
        if (lower_is_dynamic(lowering, node, i)) {
            return dynamic_normalisation(lowering, node);
        }
    }
    status = normalisation_constants(lowering, node, x->dims[1], made.inputs);
    return status ? status : lower_emit(lowering, node, &made, 3, NULL);
}
