/* SPDX-License-Identifier: Apache-2.0 */
/* ir: the graph on its way from ONNX to the model file, in the model file's operators.
 *
 * lower_graph makes it, the passes of passes.h improve it, plan_arena gives its tensors
 * their places and write_model writes it. Tensors and nodes are numbered; nodes are in
 * execution order; dead ones stay in the table and are skipped. All memory is the
 * arena's. */
#ifndef MUSTER_CONVERTER_IR_H
#define MUSTER_CONVERTER_IR_H

#include "converter/interpret.h"
#include "nn/format.h"
#include "nn/shape.h"

enum { IR_ATTRS = 18 };
#define IR_NONE UINT32_MAX

struct ir_tensor {
    const char *name;
    struct nn_shape shape;
    const float *data; /* a constant; NULL: an input or made by a node */
    uint64_t offset;   /* in the arena, once planned */
    enum nn_layout layout;
    bool half; /* a constant that the file keeps as f16 */
};

struct ir_node {
    const char *name;
    enum nn_op_code code;
    int32_t attrs[IR_ATTRS];
    enum nn_activation activation;
    float act_a, act_b;
    uint32_t *inputs; /* tensor numbers, IR_NONE for an absent one */
    uint32_t input_count;
    uint32_t output;
    uint64_t macs;
    bool dead;
};

struct ir {
    struct ir_tensor *tensors;
    struct ir_node *nodes;
    uint32_t *inputs, *outputs; /* tensor numbers of the ports */
    uint32_t tensor_count, node_count, input_count, output_count;
    uint32_t tensor_max, node_max;
    uint64_t arena_bytes;
};

/* Translates the ONNX graph; constant parts are evaluated. ERR_ONNX_UNSUPPORTED names the
 * node, operator and opset. */
enum status lower_graph(const struct graph *graph, struct interpret_budget *budget,
                        struct arena *arena, struct ir *ret_ir, struct err *err) MUST_USE;

/* A new constant tensor, or IR_NONE without room. `data` is kept, not copied. */
uint32_t ir_add_constant(struct ir *ir, const char *name, const struct nn_shape *shape,
                         const float *data);

/* A new tensor that a node will make, or IR_NONE without room. */
uint32_t ir_add_tensor(struct ir *ir, const char *name, const struct nn_shape *shape);

/* Appends a node like `node`, checks it and sets its output's shape (`wished` for
 * Reshape) and work. MUSTER_NN_INVALID or _UNSUPPORTED with the reason, MUSTER_NN_LIMIT
 * without room. */
enum muster_nn_status ir_add_node(struct ir *ir, const struct ir_node *node,
                                  const struct nn_shape *wished,
                                  struct muster_nn_error *error);

/* How many live nodes read a tensor; a graph output counts as one more reader. */
uint32_t ir_readers(const struct ir *ir, uint32_t tensor);

/* The live node that makes a tensor, or NULL. */
struct ir_node *ir_maker(const struct ir *ir, uint32_t tensor);

bool ir_is_output(const struct ir *ir, uint32_t tensor);

/* Places every arena tensor so that no two live ones overlap, large ones first, results
 * in place where docs/MNET.md allows; sets ir->arena_bytes. ERR_LIMIT without memory. */
enum status plan_arena(struct ir *ir, struct arena *arena, struct err *err) MUST_USE;

#endif
