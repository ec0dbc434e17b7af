/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/ir.h"

#include "nn/model.h"

uint32_t ir_add_constant(struct ir *ir, const char *name, const struct nn_shape *shape,
                         const float *data)
{
    uint32_t number = ir_add_tensor(ir, name, shape);
    if (number != IR_NONE) {
        ir->tensors[number].data = data;
    }
    return number;
}

uint32_t ir_add_tensor(struct ir *ir, const char *name, const struct nn_shape *shape)
{
    if (ir->tensor_count == ir->tensor_max) {
        return IR_NONE;
    }
    ir->tensors[ir->tensor_count] = (struct ir_tensor){.name = name, .shape = *shape};
    return ir->tensor_count++;
}

enum muster_nn_status ir_add_node(struct ir *ir, const struct ir_node *node,
                                  const struct nn_shape *wished,
                                  struct muster_nn_error *error)
{
    const struct nn_shape *shapes[NN_MAX_CONCAT];
    const struct nn_op_info *info = nn_op_info(node->code);
    if (ir->node_count == ir->node_max || node->input_count > NN_MAX_CONCAT) {
        return nn_fail(error, MUSTER_NN_LIMIT, "too many nodes or inputs");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        shapes[i] =
            node->inputs[i] == IR_NONE ? NULL : &ir->tensors[node->inputs[i]].shape;
    }
    struct nn_op op = {
        .code = node->code, .attrs = node->attrs, .attr_count = info->attrs};
    struct nn_op_inputs inputs = {.in = shapes, .count = node->input_count};
    struct nn_shape shape = {0};
    if (wished) {
        shape = *wished;
    }
    uint64_t macs;
    enum muster_nn_status status = nn_op_infer(&op, inputs, &shape, &macs, error);
    if (status) {
        return status;
    }
    ir->tensors[node->output].shape = shape;
    ir->nodes[ir->node_count] = *node;
    ir->nodes[ir->node_count++].macs = macs;
    return MUSTER_NN_OK;
}

uint32_t ir_readers(const struct ir *ir, uint32_t tensor)
{
    uint32_t readers = ir_is_output(ir, tensor);
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        for (uint32_t i = 0; i < node->input_count && !node->dead; i++) {
            readers += node->inputs[i] == tensor;
        }
    }
    return readers;
}

struct ir_node *ir_maker(const struct ir *ir, uint32_t tensor)
{
    for (uint32_t n = 0; n < ir->node_count; n++) {
        if (!ir->nodes[n].dead && ir->nodes[n].output == tensor) {
            return &ir->nodes[n];
        }
    }
    return NULL;
}

bool ir_is_output(const struct ir *ir, uint32_t tensor)
{
    for (uint32_t i = 0; i < ir->output_count; i++) {
        if (ir->outputs[i] == tensor) {
            return true;
        }
    }
    return false;
}
