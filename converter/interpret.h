/* SPDX-License-Identifier: Apache-2.0 */
/* interpret: runs an ONNX graph as it is written, slowly and plainly.
 *
 * It is what the converted file is held against, so it shares no code with nn/ and no
 * shape rule with the lowering: it works from ONNX's definitions of the operators, output
 * element by output element, in double precision. The importer also evaluates constant
 * nodes with it. */
#ifndef MUSTER_CONVERTER_INTERPRET_H
#define MUSTER_CONVERTER_INTERPRET_H

#include "converter/graph.h"

/* A limit for what one interpretation may cost, in steps of innermost loops. */
struct interpret_budget {
    uint64_t steps;
};

/* Runs all nodes: `inputs[i]` are the values of graph->inputs[i]. `ret_values` (as many
 * as graph->value_count) get every value's tensor, allocated in `arena`. */
enum status interpret_graph(const struct graph *graph, const float *const *inputs,
                            struct interpret_budget *budget, struct arena *arena,
                            struct onnx_tensor *ret_values, struct err *err) MUST_USE;

/* What running a node needs besides the node. */
struct interpreter {
    const struct graph *graph;
    const struct onnx_tensor *values; /* by value number */
    struct interpret_budget *budget;
    struct arena *arena;
};

/* Runs one node whose inputs are `values[node->inputs[i]]`; its outputs go to the same
 * numbers of `ret_values`. */
enum status interpret_node(const struct interpreter *interpreter,
                           const struct graph_node *node, struct onnx_tensor *ret_values,
                           struct err *err) MUST_USE;

/* Shared by the files of the interpreter: one node's call. */
struct interpretation {
    const struct graph *graph;
    const struct graph_node *node;
    const struct onnx_tensor
        *in[8]; /* NULL for absent ones; Concat reads `values` itself */
    const struct onnx_tensor *values;
    struct interpret_budget *budget;
    struct arena *arena;
    size_t output; /* which of the node's is wanted */
    struct onnx_tensor *out;
    struct err *err;
};

typedef enum status interpret_function(struct interpretation *run);

interpret_function interpret_conv, interpret_pool, interpret_global_pool, interpret_pad,
    interpret_reshape, interpret_flatten, interpret_squeeze, interpret_unsqueeze,
    interpret_transpose, interpret_concat, interpret_unary, interpret_binary,
    interpret_nary, interpret_reduce, interpret_position, interpret_log_softmax,
    interpret_instance, interpret_local_response, interpret_shape, interpret_size,
    interpret_gather, interpret_cast, interpret_expand, interpret_fill, interpret_tile,
    interpret_slice, interpret_split, interpret_blocks, interpret_resize,
    interpret_conv_transpose;

/* Allocates the output as floats (or integers, as `like` has) of run->out's rank and
 * dims. */
enum status interpret_allocate(struct interpretation *run,
                               const struct onnx_tensor *like) MUST_USE;

/* Takes `steps` from the budget. */
enum status interpret_spend(struct interpretation *run, uint64_t steps) MUST_USE;

/* Copies the input's elements to the output, whose shape is set. */
enum status interpret_copy(struct interpretation *run) MUST_USE;

/* The integers of input `index` or, before its opset, of attribute `name`. False when
 * both are absent. */
bool interpret_ints(const struct interpretation *run, size_t index, const char *name,
                    const int64_t **ret_values, size_t *ret_count);

/* Refuses the node by name, operator and opset. */
enum status interpret_refuse(struct interpretation *run, const char *why);

/* The axis attribute counted from the front, or -1 outside the rank. */
int64_t interpret_axis(const struct interpretation *run, int64_t fallback, int64_t rank);

/* Copies element `from` of `in` to element `to` of the output. */
static inline void interpret_move(const struct interpretation *run,
                                  const struct onnx_tensor *in, size_t from, size_t to)
{
    if (run->out->ints) {
        run->out->ints[to] = in->ints[from];
    } else {
        run->out->floats[to] = in->floats[from];
    }
}

/* An element as a number, whatever its type. */
static inline double interpret_number(const struct onnx_tensor *tensor, size_t i)
{
    return tensor->floats ? (double)tensor->floats[i] : (double)tensor->ints[i];
}

/* The element of `tensor` that coordinates `at` of the output show; `lead` output
 * dimensions lie before its own. */
size_t interpret_broadcast_index(const struct onnx_tensor *tensor, const int64_t *at,
                                 uint32_t lead);

/* `index` as coordinates in a shape. */
void interpret_unravel(size_t index, const int64_t *dims, uint32_t rank, int64_t *ret_at);

#endif
