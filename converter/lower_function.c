/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/lower.h"

#include <float.h>
#include <math.h>

enum { CLIP_INPUTS_SINCE = 11 };

/* How a function of one value is written in the model file. */
struct function_rule {
    enum nn_unary function;
    const char *a, *b; /* names of its attributes */
    float default_a, default_b;
};

static const struct function_rule rules[ONNX_OPS] = {
    [ONNX_ABS] = {.function = NN_ABS},
    [ONNX_ACOS] = {.function = NN_ACOS},
    [ONNX_ACOSH] = {.function = NN_ACOSH},
    [ONNX_ASIN] = {.function = NN_ASIN},
    [ONNX_ASINH] = {.function = NN_ASINH},
    [ONNX_ATAN] = {.function = NN_ATAN},
    [ONNX_ATANH] = {.function = NN_ATANH},
    [ONNX_CEIL] = {.function = NN_CEIL},
    [ONNX_COS] = {.function = NN_COS},
    [ONNX_COSH] = {.function = NN_COSH},
    [ONNX_ELU] = {.function = NN_ELU, .a = "alpha", .default_a = 1},
    [ONNX_ERF] = {.function = NN_ERF},
    [ONNX_EXP] = {.function = NN_EXP},
    [ONNX_FLOOR] = {.function = NN_FLOOR},
    [ONNX_HARD_SIGMOID] = {.function = NN_HARD_SIGMOID,
                           .a = "alpha",
                           .b = "beta",
                           .default_a = 0.2f,
                           .default_b = 0.5f},
    [ONNX_HARD_SWISH] = {.function = NN_HARD_SWISH},
    [ONNX_LEAKY_RELU] = {.function = NN_LEAKY_RELU, .a = "alpha", .default_a = 0.01f},
    [ONNX_LOG] = {.function = NN_LOG},
    [ONNX_NEG] = {.function = NN_NEG},
    [ONNX_RECIPROCAL] = {.function = NN_RECIPROCAL},
    [ONNX_ROUND] = {.function = NN_ROUND},
    [ONNX_SELU] = {.function = NN_SELU,
                   .a = "alpha",
                   .b = "gamma",
                   .default_a = 1.67326319217681884765625f,
                   .default_b = 1.05070102214813232421875f},
    [ONNX_SIGMOID] = {.function = NN_SIGMOID},
    [ONNX_SIGN] = {.function = NN_SIGN},
    [ONNX_SIN] = {.function = NN_SIN},
    [ONNX_SINH] = {.function = NN_SINH},
    [ONNX_SOFTPLUS] = {.function = NN_SOFTPLUS},
    [ONNX_SQRT] = {.function = NN_SQRT},
    [ONNX_TAN] = {.function = NN_TAN},
    [ONNX_TANH] = {.function = NN_TANH},
    [ONNX_THRESHOLDED_RELU] = {.function = NN_THRESHOLDED_RELU,
                               .a = "alpha",
                               .default_a = 1},
};

enum status lower_unary(struct lowering *lowering, const struct graph_node *node)
{
    const struct function_rule *rule = &rules[node->op];
    float a = rule->a ? onnx_attr_float(node->onnx, rule->a, rule->default_a) : 0;
    float b = rule->b ? onnx_attr_float(node->onnx, rule->b, rule->default_b) : 0;
    struct ir_node made = {.code = NN_UNARY,
                           .attrs = {(int32_t)rule->function, (int32_t)nn_bits_of(a),
                                     (int32_t)nn_bits_of(b)}};
    return lower_emit(lowering, node, &made, 1, NULL);
}

/* Max, Min, Sum and Mean of any number of operands, one after the other. */
enum status lower_nary(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_BINARY, .attrs = {NN_MAX}};
    uint32_t operands[2];
    if (node->op == ONNX_MIN) {
        made.attrs[0] = NN_MIN;
    } else if (node->op != ONNX_MAX) {
        made = (struct ir_node){.code = NN_ADD};
    }
    enum status status = lower_operand(lowering, node, 0, &operands[0]);
    for (size_t i = 1; i < node->input_count && !status; i++) {
        status = lower_operand(lowering, node, i, &operands[1]);
        if (!status && operands[1] == IR_NONE) {
            status = lower_refuse(lowering, node, "an absent operand");
        }
        if (!status) {
            status = lower_binary_step(lowering, node, &made, operands, &operands[0]);
        }
    }
    if (!status && node->op == ONNX_MEAN && node->input_count > 1) {
        struct ir_node divide = {.code = NN_BINARY, .attrs = {NN_DIV}};
        status = lower_scalar(lowering, (float)node->input_count, &operands[1]);
        if (!status) {
            status = lower_binary_step(lowering, node, &divide, operands, &operands[0]);
        }
    }
    if (!status) {
        lower_finish(lowering, node, operands[0]);
    }
    return status;
}

static enum nn_reduce reduce_function(const struct graph_node *node)
{
    static const struct {
        enum onnx_op op;
        enum nn_reduce function;
    } table[] = {
        {ONNX_REDUCE_MEAN, NN_MEAN_OF},
        {ONNX_REDUCE_SUM, NN_SUM_OF},
        {ONNX_REDUCE_MAX, NN_MAX_OF},
        {ONNX_REDUCE_MIN, NN_MIN_OF},
        {ONNX_REDUCE_PROD, NN_PRODUCT_OF},
        {ONNX_REDUCE_L1, NN_L1_OF},
        {ONNX_REDUCE_L2, NN_L2_OF},
        {ONNX_REDUCE_SUM_SQUARE, NN_SUM_SQUARE_OF},
        {ONNX_REDUCE_LOG_SUM, NN_LOG_SUM_OF},
        {ONNX_REDUCE_LOG_SUM_EXP, NN_LOG_SUM_EXP_OF},
    };
    enum nn_reduce function = NN_MEAN_OF;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        function = table[i].op == node->op ? table[i].function : function;
    }
    return function;
}

/* The first input reduced over `axes`, with or without those dimensions. */
static enum status emit_reduce(struct lowering *lowering, const struct graph_node *node,
                               enum nn_reduce function, uint32_t axes)
{
    uint32_t x;
    enum status status = lower_operand(lowering, node, 0, &x);
    struct ir_node made = {.code = NN_REDUCE,
                           .attrs = {(int32_t)function, (int32_t)axes},
                           .inputs = &x,
                           .input_count = 1};
    if (!status) {
        status = lower_step(lowering, node, &made, NULL, &x);
    }
    if (!status && onnx_attr_int(node->onnx, "keepdims", 1) == 0) {
        const struct nn_shape kept = lowering->ir->tensors[x].shape;
        struct nn_shape wished = {0};
        for (uint32_t d = 0; d < kept.rank; d++) {
            if (!(axes >> d & 1)) {
                wished.dims[wished.rank++] = kept.dims[d];
            }
        }
        status = lower_reshape_step(lowering, node, x, &wished, &x);
    }
    if (!status) {
        lower_finish(lowering, node, x);
    }
    return status;
}

enum status lower_reduce(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t x, mask = 0;
    const int64_t *axes = NULL;
    size_t count = 0;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (status) {
        return status;
    }
    uint32_t rank = lowering->ir->tensors[x].shape.rank;
    (void)lower_ints(lowering, node, 1, "axes", &axes, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) {
            return lower_refuse(lowering, node, "axes outside the rank");
        }
        mask |= UINT32_C(1) << axis;
    }
    if (lower_is_dynamic(lowering, node, 1)) {
        return lower_refuse(lowering, node, "axes that are not constant");
    }
    if (count == 0 && onnx_attr_int(node->onnx, "noop_with_empty_axes", 0) == 0) {
        mask = (UINT32_C(1) << rank) - 1;
    }
    if (mask == 0) {
        lower_finish(lowering, node, x);
        return OK;
    }
    return emit_reduce(lowering, node, reduce_function(node), mask);
}

enum status lower_position(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t x, axis;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (!status) {
        status =
            lower_axis(lowering, node, 0, lowering->ir->tensors[x].shape.rank, &axis);
    }
    if (status) {
        return status;
    }
    bool last = onnx_attr_int(node->onnx, "select_last_index", 0) != 0;
    enum nn_reduce most = last ? NN_ARG_MAX_LAST : NN_ARG_MAX;
    enum nn_reduce least = last ? NN_ARG_MIN_LAST : NN_ARG_MIN;
    return emit_reduce(lowering, node, node->op == ONNX_ARG_MAX ? most : least,
                       UINT32_C(1) << axis);
}

enum status lower_global_max(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t x;
    enum status status = lower_operand(lowering, node, 0, &x);
    if (status) {
        return status;
    }
    uint32_t rank = lowering->ir->tensors[x].shape.rank;
    if (rank < 3) {
        return lower_refuse(lowering, node, "an input without spatial dimensions");
    }
    return emit_reduce(lowering, node, NN_MAX_OF,
                       ((UINT32_C(1) << rank) - 1) & ~UINT32_C(3));
}

/* Bounds that are computed: the larger of the lower one, then the smaller. */
static enum status clip_by_operands(struct lowering *lowering,
                                    const struct graph_node *node)
{
    static const int32_t functions_of[] = {NN_MAX, NN_MIN};
    uint32_t operands[2];
    enum status status = lower_operand(lowering, node, 0, &operands[0]);
    for (size_t i = 1; i < node->input_count && !status; i++) {
        status = lower_operand(lowering, node, i, &operands[1]);
        if (status || operands[1] == IR_NONE) {
            continue;
        }
        if (nn_shape_elements(&lowering->ir->tensors[operands[1]].shape) != 1) {
            return lower_refuse(lowering, node, "bounds that are no scalars");
        }
        struct ir_node made = {.code = NN_BINARY, .attrs = {functions_of[i - 1]}};
        status = lower_binary_step(lowering, node, &made, operands, &operands[0]);
    }
    if (!status) {
        lower_finish(lowering, node, operands[0]);
    }
    return status;
}

/* Bounds in the attribute form or as constant inputs. */
enum status lower_clip(struct lowering *lowering, const struct graph_node *node)
{
    if (lower_is_dynamic(lowering, node, 1) || lower_is_dynamic(lowering, node, 2)) {
        return clip_by_operands(lowering, node);
    }
    float bounds[2] = {onnx_attr_float(node->onnx, "min", -FLT_MAX),
                       onnx_attr_float(node->onnx, "max", FLT_MAX)};
    for (size_t i = 1; i < node->input_count; i++) {
        if (node->inputs[i] == GRAPH_NO_VALUE) {
            continue;
        }
        const struct onnx_tensor *bound = lower_constant(lowering, node, i);
        if (lowering->graph->model->opset < CLIP_INPUTS_SINCE || !bound ||
            !bound->floats || bound->count != 1) {
            return lower_refuse(lowering, node,
                                "bounds that are no constant f32 scalars");
        }
        bounds[i - 1] = bound->floats[0];
    }
    bounds[0] = fmaxf(bounds[0], -FLT_MAX);
    bounds[1] = fminf(bounds[1], FLT_MAX);
    struct ir_node made = {.code = NN_CLIP};
    /* ONNX applies the lower bound first, so a crossed pair gives the upper one. */
    bounds[0] = fminf(bounds[0], bounds[1]);
    made.attrs[0] = (int32_t)nn_bits_of(bounds[0]);
    made.attrs[1] = (int32_t)nn_bits_of(bounds[1]);
    return lower_emit(lowering, node, &made, 1, NULL);
}
