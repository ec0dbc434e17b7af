/* SPDX-License-Identifier: Apache-2.0 */
/* graph: an ONNX graph whose names are resolved to numbers.
 *
 * Every value (input, initializer, node output) has a number; each is defined exactly
 * once and nodes use only what is defined before them, so there are no cycles. Nodes of
 * unknown operators, domains or attributes are refused here, and graph inputs get their
 * fixed shapes: an unknown first dimension is the batch. */
#ifndef MUSTER_CONVERTER_GRAPH_H
#define MUSTER_CONVERTER_GRAPH_H

#include "converter/onnx.h"
#include "nn/shape.h"

/* The operators that the importer knows. */
enum onnx_op {
    ONNX_ABS,
    ONNX_ACOS,
    ONNX_ACOSH,
    ONNX_ADD,
    ONNX_ARG_MAX,
    ONNX_ARG_MIN,
    ONNX_ASIN,
    ONNX_ASINH,
    ONNX_ATAN,
    ONNX_ATANH,
    ONNX_AVERAGE_POOL,
    ONNX_BATCH_NORMALIZATION,
    ONNX_CAST,
    ONNX_CEIL,
    ONNX_CLIP,
    ONNX_CONCAT,
    ONNX_CONSTANT,
    ONNX_CONSTANT_OF_SHAPE,
    ONNX_CONV,
    ONNX_CONV_TRANSPOSE,
    ONNX_COS,
    ONNX_COSH,
    ONNX_DEPTH_TO_SPACE,
    ONNX_DIV,
    ONNX_DROPOUT,
    ONNX_ELU,
    ONNX_ERF,
    ONNX_EXP,
    ONNX_EXPAND,
    ONNX_FLATTEN,
    ONNX_FLOOR,
    ONNX_GATHER,
    ONNX_GEMM,
    ONNX_GLOBAL_AVERAGE_POOL,
    ONNX_GLOBAL_MAX_POOL,
    ONNX_HARD_SIGMOID,
    ONNX_HARD_SWISH,
    ONNX_IDENTITY,
    ONNX_INSTANCE_NORMALIZATION,
    ONNX_LEAKY_RELU,
    ONNX_LOG,
    ONNX_LOG_SOFTMAX,
    ONNX_LRN,
    ONNX_MAT_MUL,
    ONNX_MAX,
    ONNX_MAX_POOL,
    ONNX_MEAN,
    ONNX_MIN,
    ONNX_MUL,
    ONNX_NEG,
    ONNX_PAD,
    ONNX_POW,
    ONNX_PRELU,
    ONNX_RECIPROCAL,
    ONNX_REDUCE_L1,
    ONNX_REDUCE_L2,
    ONNX_REDUCE_LOG_SUM,
    ONNX_REDUCE_LOG_SUM_EXP,
    ONNX_REDUCE_MAX,
    ONNX_REDUCE_MEAN,
    ONNX_REDUCE_MIN,
    ONNX_REDUCE_PROD,
    ONNX_REDUCE_SUM,
    ONNX_REDUCE_SUM_SQUARE,
    ONNX_RELU,
    ONNX_RESHAPE,
    ONNX_RESIZE,
    ONNX_ROUND,
    ONNX_SELU,
    ONNX_SHAPE,
    ONNX_SIGMOID,
    ONNX_SIGN,
    ONNX_SIN,
    ONNX_SINH,
    ONNX_SIZE,
    ONNX_SLICE,
    ONNX_SOFTMAX,
    ONNX_SOFTPLUS,
    ONNX_SPACE_TO_DEPTH,
    ONNX_SPLIT,
    ONNX_SQRT,
    ONNX_SQUEEZE,
    ONNX_SUB,
    ONNX_SUM,
    ONNX_TAN,
    ONNX_TANH,
    ONNX_THRESHOLDED_RELU,
    ONNX_TILE,
    ONNX_TRANSPOSE,
    ONNX_UNSQUEEZE,
    ONNX_UPSAMPLE,
    ONNX_OPS
};

enum { GRAPH_NO_VALUE = -1 };

struct graph_value {
    const char *name;
    const struct onnx_tensor *constant; /* initializers; NULL for the others */
};

struct graph_node {
    enum onnx_op op;
    const struct onnx_node *onnx;
    int32_t *inputs; /* value numbers, GRAPH_NO_VALUE for an absent one */
    size_t input_count;
    int32_t output;   /* the first */
    int32_t *outputs; /* all; GRAPH_NO_VALUE for one that nobody may use */
    size_t output_count;
};

struct graph_input {
    int32_t value;
    struct nn_shape shape;
};

struct graph {
    const struct onnx_model *model;
    struct graph_value *values;
    size_t value_count;
    struct graph_node *nodes; /* in execution order, as many as model->node_count */
    struct graph_input *inputs;
    int32_t *outputs;
    size_t input_count, output_count;
};

/* Resolves a model; `batch` fixes an unknown first dimension of the inputs. Everything
 * lies in `arena` or in the model. ERR_ONNX_INVALID, ERR_ONNX_UNSUPPORTED, ERR_LIMIT. */
enum status graph_resolve(const struct onnx_model *model, uint32_t batch,
                          struct arena *arena, struct graph *ret_graph,
                          struct err *err) MUST_USE;

/* Whether the node's operator and attributes are known; sets the operator. */
enum status graph_identify(const struct onnx_model *model, const struct onnx_node *node,
                           enum onnx_op *ret_op, struct err *err) MUST_USE;

#endif
