/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/graph.h"

#include <string.h>

enum { ATTRS_MAX = 9, INPUTS_MAX = 1024 };

struct op_rule {
    const char *name;
    size_t min_inputs, max_inputs;
    const char *attrs[ATTRS_MAX]; /* every attribute that some opset gives it */
};

static const struct op_rule rules[ONNX_OPS] = {
    [ONNX_ADD] = {"Add", 2, 2, {"axis", "broadcast", "consumed_inputs"}},
    [ONNX_AVERAGE_POOL] = {"AveragePool",
                           1,
                           1,
                           {"auto_pad", "ceil_mode", "count_include_pad", "dilations",
                            "kernel_shape", "pads", "strides"}},
    [ONNX_BATCH_NORMALIZATION] = {"BatchNormalization",
                                  5,
                                  5,
                                  {"consumed_inputs", "epsilon", "is_test", "momentum",
                                   "spatial", "training_mode"}},
    [ONNX_CLIP] = {"Clip", 1, 3, {"consumed_inputs", "max", "min"}},
    [ONNX_CONCAT] = {"Concat", 1, INPUTS_MAX, {"axis"}},
    [ONNX_CONSTANT] = {"Constant",
                       0,
                       0,
                       {"value", "value_float", "value_floats", "value_int",
                        "value_ints"}},
    [ONNX_CONV] = {"Conv",
                   2,
                   3,
                   {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}},
    [ONNX_DROPOUT] = {"Dropout", 1, 3, {"consumed_inputs", "is_test", "ratio", "seed"}},
    [ONNX_FLATTEN] = {"Flatten", 1, 1, {"axis"}},
    [ONNX_GEMM] = {"Gemm", 2, 3, {"alpha", "beta", "broadcast", "transA", "transB"}},
    [ONNX_GLOBAL_AVERAGE_POOL] = {"GlobalAveragePool", 1, 1, {NULL}},
    [ONNX_IDENTITY] = {"Identity", 1, 1, {NULL}},
    [ONNX_MAT_MUL] = {"MatMul", 2, 2, {NULL}},
    [ONNX_MAX_POOL] = {"MaxPool",
                       1,
                       1,
                       {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads",
                        "storage_order", "strides"}},
    [ONNX_MUL] = {"Mul", 2, 2, {"axis", "broadcast", "consumed_inputs"}},
    [ONNX_PAD] = {"Pad", 1, 4, {"mode", "paddings", "pads", "value"}},
    [ONNX_RELU] = {"Relu", 1, 1, {"consumed_inputs"}},
    [ONNX_RESHAPE] = {"Reshape", 1, 2, {"allowzero", "consumed_inputs", "shape"}},
    [ONNX_SOFTMAX] = {"Softmax", 1, 1, {"axis"}},
    [ONNX_SQUEEZE] = {"Squeeze", 1, 2, {"axes"}},
    [ONNX_TRANSPOSE] = {"Transpose", 1, 1, {"perm"}},
    [ONNX_UNSQUEEZE] = {"Unsqueeze", 1, 2, {"axes"}},
    [ONNX_ABS] = {"Abs", 1, 1, {"consumed_inputs"}},
    [ONNX_ACOS] = {"Acos", 1, 1, {NULL}},
    [ONNX_ACOSH] = {"Acosh", 1, 1, {NULL}},
    [ONNX_ASIN] = {"Asin", 1, 1, {NULL}},
    [ONNX_ASINH] = {"Asinh", 1, 1, {NULL}},
    [ONNX_ATAN] = {"Atan", 1, 1, {NULL}},
    [ONNX_ATANH] = {"Atanh", 1, 1, {NULL}},
    [ONNX_CEIL] = {"Ceil", 1, 1, {"consumed_inputs"}},
    [ONNX_COS] = {"Cos", 1, 1, {NULL}},
    [ONNX_COSH] = {"Cosh", 1, 1, {NULL}},
    [ONNX_ELU] = {"Elu", 1, 1, {"alpha", "consumed_inputs"}},
    [ONNX_ERF] = {"Erf", 1, 1, {NULL}},
    [ONNX_EXP] = {"Exp", 1, 1, {"consumed_inputs"}},
    [ONNX_FLOOR] = {"Floor", 1, 1, {"consumed_inputs"}},
    [ONNX_HARD_SIGMOID] = {"HardSigmoid", 1, 1, {"alpha", "beta", "consumed_inputs"}},
    [ONNX_HARD_SWISH] = {"HardSwish", 1, 1, {NULL}},
    [ONNX_LEAKY_RELU] = {"LeakyRelu", 1, 1, {"alpha", "consumed_inputs"}},
    [ONNX_LOG] = {"Log", 1, 1, {"consumed_inputs"}},
    [ONNX_NEG] = {"Neg", 1, 1, {"consumed_inputs"}},
    [ONNX_RECIPROCAL] = {"Reciprocal", 1, 1, {"consumed_inputs"}},
    [ONNX_ROUND] = {"Round", 1, 1, {NULL}},
    [ONNX_SELU] = {"Selu", 1, 1, {"alpha", "consumed_inputs", "gamma"}},
    [ONNX_SIGMOID] = {"Sigmoid", 1, 1, {"consumed_inputs"}},
    [ONNX_SIGN] = {"Sign", 1, 1, {NULL}},
    [ONNX_SIN] = {"Sin", 1, 1, {NULL}},
    [ONNX_SINH] = {"Sinh", 1, 1, {NULL}},
    [ONNX_SOFTPLUS] = {"Softplus", 1, 1, {NULL}},
    [ONNX_SQRT] = {"Sqrt", 1, 1, {"consumed_inputs"}},
    [ONNX_TAN] = {"Tan", 1, 1, {NULL}},
    [ONNX_TANH] = {"Tanh", 1, 1, {"consumed_inputs"}},
    [ONNX_THRESHOLDED_RELU] = {"ThresholdedRelu", 1, 1, {"alpha"}},
    [ONNX_SUB] = {"Sub", 2, 2, {"axis", "broadcast", "consumed_inputs"}},
    [ONNX_DIV] = {"Div", 2, 2, {"axis", "broadcast", "consumed_inputs"}},
    [ONNX_POW] = {"Pow", 2, 2, {"axis", "broadcast", "consumed_inputs"}},
    [ONNX_PRELU] = {"PRelu", 2, 2, {"consumed_inputs"}},
    [ONNX_MAX] = {"Max", 1, INPUTS_MAX, {"consumed_inputs"}},
    [ONNX_MIN] = {"Min", 1, INPUTS_MAX, {"consumed_inputs"}},
    [ONNX_SUM] = {"Sum", 1, INPUTS_MAX, {"consumed_inputs"}},
    [ONNX_MEAN] = {"Mean", 1, INPUTS_MAX, {"consumed_inputs"}},
    [ONNX_REDUCE_MEAN] = {"ReduceMean",
                          1,
                          2,
                          {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_SUM] = {"ReduceSum", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_MAX] = {"ReduceMax", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_MIN] = {"ReduceMin", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_PROD] = {"ReduceProd",
                          1,
                          2,
                          {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_L1] = {"ReduceL1", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_L2] = {"ReduceL2", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_SUM_SQUARE] = {"ReduceSumSquare",
                                1,
                                2,
                                {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_LOG_SUM] = {"ReduceLogSum",
                             1,
                             2,
                             {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_REDUCE_LOG_SUM_EXP] =
        {"ReduceLogSumExp", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}},
    [ONNX_ARG_MAX] = {"ArgMax", 1, 1, {"axis", "keepdims", "select_last_index"}},
    [ONNX_ARG_MIN] = {"ArgMin", 1, 1, {"axis", "keepdims", "select_last_index"}},
    [ONNX_GLOBAL_MAX_POOL] = {"GlobalMaxPool", 1, 1, {NULL}},
    [ONNX_LOG_SOFTMAX] = {"LogSoftmax", 1, 1, {"axis"}},
    [ONNX_SHAPE] = {"Shape", 1, 1, {"end", "start"}},
    [ONNX_SIZE] = {"Size", 1, 1, {NULL}},
    [ONNX_GATHER] = {"Gather", 2, 2, {"axis"}},
    [ONNX_CAST] = {"Cast", 1, 1, {"to"}},
    [ONNX_EXPAND] = {"Expand", 2, 2, {NULL}},
    [ONNX_CONSTANT_OF_SHAPE] = {"ConstantOfShape", 1, 1, {"value"}},
    [ONNX_TILE] = {"Tile", 2, 3, {NULL}},
    [ONNX_SLICE] = {"Slice", 1, 5, {"axes", "ends", "starts"}},
    [ONNX_SPLIT] = {"Split", 1, 2, {"axis", "num_outputs", "split"}},
    [ONNX_DEPTH_TO_SPACE] = {"DepthToSpace", 1, 1, {"blocksize", "mode"}},
    [ONNX_SPACE_TO_DEPTH] = {"SpaceToDepth", 1, 1, {"blocksize"}},
    [ONNX_CONV_TRANSPOSE] = {"ConvTranspose",
                             2,
                             3,
                             {"auto_pad", "dilations", "group", "kernel_shape",
                              "output_padding", "output_shape", "pads", "strides"}},
    [ONNX_INSTANCE_NORMALIZATION] = {"InstanceNormalization",
                                     3,
                                     3,
                                     {"consumed_inputs", "epsilon"}},
    [ONNX_LRN] = {"LRN", 1, 1, {"alpha", "beta", "bias", "size"}},
    [ONNX_RESIZE] =
        {"Resize",
         1,
         4,
         {"coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
          "extrapolation_value", "mode", "nearest_mode"}},
    [ONNX_UPSAMPLE] =
        {"Upsample", 1, 2, {"height_scale", "mode", "scales", "width_scale"}},
};

static bool attr_known(const struct op_rule *rule, const char *name)
{
    for (size_t i = 0; i < ATTRS_MAX && rule->attrs[i]; i++) {
        if (strcmp(rule->attrs[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Attributes that would make it another operator: training instead of inference. */
static const char *training_attr(const struct onnx_model *model,
                                 const struct onnx_node *node, enum onnx_op op)
{
    bool old = model->opset < 7 && (op == ONNX_BATCH_NORMALIZATION || op == ONNX_DROPOUT);
    if (old && onnx_attr_int(node, "is_test", 0) == 0) {
        return "is_test=0";
    }
    if (onnx_attr_int(node, "training_mode", 0) != 0) {
        return "training_mode=1";
    }
    if (onnx_attr_int(node, "spatial", 1) != 1) {
        return "spatial=0";
    }
    return NULL;
}

enum status graph_identify(const struct onnx_model *model, const struct onnx_node *node,
                           enum onnx_op *ret_op, struct err *err)
{
    size_t op = 0;
    if (node->domain[0] != 0 && strcmp(node->domain, "ai.onnx") != 0) {
        return onnx_refuse(model, node, err, "operator domain '%.40s'", node->domain);
    }
    while (op < ONNX_OPS && strcmp(rules[op].name, node->op) != 0) {
        op++;
    }
    if (op == ONNX_OPS) {
        return onnx_refuse(model, node, err, "unknown operator");
    }
    if (node->input_count < rules[op].min_inputs ||
        node->input_count > rules[op].max_inputs) {
        return onnx_refuse(model, node, err, "%zu inputs", node->input_count);
    }
    for (size_t i = 0; i < rules[op].min_inputs; i++) {
        if (node->inputs[i][0] == 0) {
            return onnx_refuse(model, node, err, "input %zu is absent", i);
        }
    }
    for (size_t i = 0; i < node->attr_count; i++) {
        if (!attr_known(&rules[op], node->attrs[i].name) || node->attrs[i].other) {
            return onnx_refuse(model, node, err, "attribute '%.40s'",
                               node->attrs[i].name);
        }
    }
    const char *training = training_attr(model, node, (enum onnx_op)op);
    if (training) {
        return onnx_refuse(model, node, err, "%s", training);
    }
    *ret_op = (enum onnx_op)op;
    return OK;
}
