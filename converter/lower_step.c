/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "converter/lower.h"
#include "nn/model.h"

static enum status no_memory(const struct lowering *lowering)
{
    return err_set(lowering->err, ERR_LIMIT, "the model needs too much memory");
}

enum status lower_axis(const struct lowering *lowering, const struct graph_node *node,
                       int64_t fallback, uint32_t rank, uint32_t *ret_axis)
{
    int64_t axis = onnx_attr_int(node->onnx, "axis", fallback);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) {
        return lower_refuse(lowering, node, "axis outside the rank");
    }
    *ret_axis = (uint32_t)axis;
    return OK;
}

enum status lower_step(struct lowering *lowering, const struct graph_node *node,
                       struct ir_node *made, const struct nn_shape *wished,
                       uint32_t *ret_tensor)
{
    struct ir *ir = lowering->ir;
    uint32_t *inputs =
        arena_array(lowering->arena, made->input_count + 1, sizeof *inputs);
    made->output = ir_add_tensor(ir, "", &(struct nn_shape){0});
    if (!inputs || made->output == IR_NONE) {
        return no_memory(lowering);
    }
    memcpy(inputs, made->inputs, made->input_count * sizeof *inputs);
    made->inputs = inputs;
    made->name = node->onnx->name;
    struct muster_nn_error error = {0};
    if (ir_add_node(ir, made, wished, &error)) {
        return lower_refuse(lowering, node, error.detail);
    }
    *ret_tensor = made->output;
    return OK;
}

enum status lower_binary_step(struct lowering *lowering, const struct graph_node *node,
                              const struct ir_node *made, const uint32_t operands[2],
                              uint32_t *ret_tensor)
{
    uint32_t inputs[2] = {operands[0], operands[1]};
    struct ir_node step = *made;
    step.inputs = inputs;
    step.input_count = 2;
    return lower_step(lowering, node, &step, NULL, ret_tensor);
}

enum status lower_reshape_step(struct lowering *lowering, const struct graph_node *node,
                               uint32_t x, const struct nn_shape *wished,
                               uint32_t *ret_tensor)
{
    struct ir_node made = {.code = NN_RESHAPE, .inputs = &x, .input_count = 1};
    return lower_step(lowering, node, &made, wished, ret_tensor);
}

enum status lower_scalar(struct lowering *lowering, float value, uint32_t *ret_tensor)
{
    float *data = arena_array(lowering->arena, 1, sizeof *data);
    struct nn_shape scalar = {0};
    uint32_t tensor = data ? ir_add_constant(lowering->ir, "", &scalar, data) : IR_NONE;
    if (tensor == IR_NONE) {
        return no_memory(lowering);
    }
    *data = value;
    *ret_tensor = tensor;
    return OK;
}

void lower_finish(struct lowering *lowering, const struct graph_node *node,
                  uint32_t tensor)
{
    struct ir_tensor *made = &lowering->ir->tensors[tensor];
    if (made->name[0] == 0) {
        made->name = lowering->graph->values[node->output].name;
    }
    lowering->tensors[node->output] = tensor;
}
