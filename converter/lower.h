/* SPDX-License-Identifier: Apache-2.0 */
/* lower: what the files of the lowering share. One function translates one ONNX operator.
 */
#ifndef MUSTER_CONVERTER_LOWER_H
#define MUSTER_CONVERTER_LOWER_H

#include "converter/ir.h"

struct lowering {
    const struct graph *graph;
    struct ir *ir;
    struct onnx_tensor *constants; /* by value number; no data: not a constant */
    uint32_t *tensors;             /* by value number: its tensor, or IR_NONE */
    struct interpret_budget *budget;
    struct arena *arena;
    struct err *err;
};

typedef enum status lower_function(struct lowering *lowering,
                                   const struct graph_node *node);

lower_function lower_conv, lower_max_pool, lower_average_pool, lower_reshape,
    lower_flatten, lower_squeeze, lower_unsqueeze, lower_transpose, lower_pad,
    lower_concat;

/* Refuses the node by name, operator and opset. */
enum status lower_refuse(const struct lowering *lowering, const struct graph_node *node,
                         const char *why);

/* The tensor of input `index`, made from a constant where needed; IR_NONE when absent. */
enum status lower_operand(struct lowering *lowering, const struct graph_node *node,
                          size_t index, uint32_t *ret_tensor) MUST_USE;

/* The constant that input `index` is, or NULL. */
const struct onnx_tensor *lower_constant(const struct lowering *lowering,
                                         const struct graph_node *node, size_t index);

/* The shape of input `index`; it must have a tensor. */
const struct nn_shape *lower_shape(const struct lowering *lowering,
                                   const struct graph_node *node, size_t index);

/* Adds `made` (code and attributes set) with the node's first `count` inputs and the
 * node's output. `wished` is for Reshape. */
enum status lower_emit(struct lowering *lowering, const struct graph_node *node,
                       struct ir_node *made, size_t count,
                       const struct nn_shape *wished) MUST_USE;

#endif
