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
    bool *whole;                   /* by value number: integers at run time */
    struct interpret_budget *budget;
    struct arena *arena;
    struct err *err;
};

typedef enum status lower_function(struct lowering *lowering,
                                   const struct graph_node *node);

lower_function lower_conv, lower_max_pool, lower_average_pool, lower_reshape,
    lower_flatten, lower_squeeze, lower_unsqueeze, lower_transpose, lower_pad,
    lower_concat, lower_unary, lower_nary, lower_reduce, lower_position, lower_global_max,
    lower_log_softmax, lower_instance, lower_local_response, lower_slice, lower_split,
    lower_gather, lower_expand, lower_tile, lower_depth_to_space, lower_space_to_depth,
    lower_cast, lower_resize, lower_conv_transpose, lower_clip, lower_batch_normalization;

/* The axis attribute, from 0; refuses one outside [0, rank). */
enum status lower_axis(const struct lowering *lowering, const struct graph_node *node,
                       int64_t fallback, uint32_t rank, uint32_t *ret_axis) MUST_USE;

/* The integers of constant input `index` or of attribute `name`; *ret_count 0 and false
 * when there are none. */
bool lower_ints(const struct lowering *lowering, const struct graph_node *node,
                size_t index, const char *name, const int64_t **ret_values,
                size_t *ret_count);

/* Whether input `index` is there without being a constant. */
bool lower_is_dynamic(const struct lowering *lowering, const struct graph_node *node,
                      size_t index);

/* Adds one of several nodes that an ONNX node becomes: `made` with its code, attributes
 * and inputs (copied). `wished` is for Reshape. */
enum status lower_step(struct lowering *lowering, const struct graph_node *node,
                       struct ir_node *made, const struct nn_shape *wished,
                       uint32_t *ret_tensor) MUST_USE;

/* The same for an operator with two operands, and for a new shape of `x`. */
enum status lower_binary_step(struct lowering *lowering, const struct graph_node *node,
                              const struct ir_node *made, const uint32_t operands[2],
                              uint32_t *ret_tensor) MUST_USE;
enum status lower_reshape_step(struct lowering *lowering, const struct graph_node *node,
                               uint32_t x, const struct nn_shape *wished,
                               uint32_t *ret_tensor) MUST_USE;

/* A constant of one value. */
enum status lower_scalar(struct lowering *lowering, float value,
                         uint32_t *ret_tensor) MUST_USE;

/* `tensor` is the node's output. */
void lower_finish(struct lowering *lowering, const struct graph_node *node,
                  uint32_t tensor);

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
