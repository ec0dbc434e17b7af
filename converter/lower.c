/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/lower.h"

#include <math.h>
#include <string.h>

#include "nn/model.h"

/* `STEPS_MAX`: nodes and constants that one ONNX node becomes on average. */
enum { STEPS_MAX = 16 };
enum { OLD_BROADCAST_OPSET = 6, SOFTMAX_AXIS_SINCE = 13 };

static enum status no_memory(const struct lowering *lowering)
{
    return err_set(lowering->err, ERR_LIMIT, "the model needs too much memory");
}

static bool is_constant(const struct onnx_tensor *tensor)
{
    return tensor->floats || tensor->ints;
}

static enum status lower_relu(struct lowering *lowering, const struct graph_node *node)
{
    return lower_emit(lowering, node, &(struct ir_node){.code = NN_RELU}, 1, NULL);
}

/* Before opset 7 the second operand's dimensions began at `axis`: put ones behind them.
 */
static enum status align_old_operand(struct lowering *lowering,
                                     const struct graph_node *node)
{
    const struct nn_shape *a = lower_shape(lowering, node, 0);
    const struct nn_shape *b = lower_shape(lowering, node, 1);
    /* A slope for all channels fits anywhere. */
    int64_t first = node->op == ONNX_PRELU && nn_shape_elements(b) > 1 ? 1 : 0;
    int64_t axis = onnx_attr_int(node->onnx, "axis", first);
    axis += axis < 0 ? a->rank : 0;
    if (axis < 0 || axis + b->rank > a->rank) {
        return lower_refuse(lowering, node, "axis outside the rank");
    }
    struct nn_shape aligned = {.rank = a->rank - (uint32_t)axis};
    for (uint32_t d = 0; d < aligned.rank; d++) {
        aligned.dims[d] = d < b->rank ? b->dims[d] : 1;
    }
    uint32_t *source = arena_array(lowering->arena, 1, sizeof *source);
    uint32_t output = ir_add_tensor(lowering->ir, "", &aligned);
    if (!source || output == IR_NONE) {
        return no_memory(lowering);
    }
    *source = lowering->tensors[node->inputs[1]];
    struct ir_node reshape = {.name = "",
                              .code = NN_RESHAPE,
                              .inputs = source,
                              .input_count = 1,
                              .output = output};
    struct muster_nn_error error;
    if (ir_add_node(lowering->ir, &reshape, &aligned, &error)) {
        return lower_refuse(lowering, node, error.detail);
    }
    lowering->tensors[node->inputs[1]] = output;
    return OK;
}

/* The function of Binary, or -1 for Add and Mul, which have codes of their own. */
static int32_t binary_function(enum onnx_op op)
{
    return op == ONNX_SUB   ? NN_SUB
           : op == ONNX_DIV ? NN_DIV
           : op == ONNX_POW ? NN_POW
                            : (op == ONNX_PRELU ? NN_PRELU : -1);
}

static enum status lower_binary(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t ignored;
    bool old = lowering->graph->model->opset <= OLD_BROADCAST_OPSET &&
               (onnx_attr_find(node->onnx, "axis") || node->op == ONNX_PRELU);
    uint32_t before = IR_NONE;
    if (old) {
        enum status status = lower_operand(lowering, node, 0, &ignored);
        if (!status) {
            status = lower_operand(lowering, node, 1, &before);
        }
        if (!status) {
            status = align_old_operand(lowering, node);
        }
        if (status) {
            return status;
        }
    }
    const struct onnx_tensor *first = lower_constant(lowering, node, 0);
    if (first && first->ints) {
        return lower_refuse(lowering, node,
                            "arithmetic of integers that are not constant");
    }
    struct ir_node made = {.code = NN_BINARY, .attrs = {binary_function(node->op)}};
    if (made.attrs[0] < 0) {
        made.code = node->op == ONNX_ADD ? NN_ADD : NN_MUL;
        made.attrs[0] = 0;
    }
    enum status status = lower_emit(lowering, node, &made, 2, NULL);
    if (old) {
        lowering->tensors[node->inputs[1]] = before;
    }
    return status;
}

static enum status lower_global_pool(struct lowering *lowering,
                                     const struct graph_node *node)
{
    return lower_emit(lowering, node, &(struct ir_node){.code = NN_GLOBAL_AVERAGE_POOL},
                      1, NULL);
}

static enum status lower_gemm(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_GEMM};
    made.attrs[NN_G_ALPHA] = (int32_t)nn_bits_of(onnx_attr_float(node->onnx, "alpha", 1));
    made.attrs[NN_G_BETA] = (int32_t)nn_bits_of(onnx_attr_float(node->onnx, "beta", 1));
    made.attrs[NN_G_TRANS_A] = onnx_attr_int(node->onnx, "transA", 0) != 0;
    made.attrs[NN_G_TRANS_B] = onnx_attr_int(node->onnx, "transB", 0) != 0;
    return lower_emit(lowering, node, &made, node->input_count, NULL);
}

static enum status lower_mat_mul(struct lowering *lowering, const struct graph_node *node)
{
    return lower_emit(lowering, node, &(struct ir_node){.code = NN_MAT_MUL}, 2, NULL);
}

static enum status lower_softmax(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t tensor;
    enum status status = lower_operand(lowering, node, 0, &tensor);
    if (status) {
        return status;
    }
    bool flat = lowering->graph->model->opset < SOFTMAX_AXIS_SINCE;
    int64_t rank = lower_shape(lowering, node, 0)->rank;
    int64_t axis = onnx_attr_int(node->onnx, "axis", flat ? 1 : -1);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) {
        return lower_refuse(lowering, node, "axis outside the rank");
    }
    /* Over the last dimension both forms are the same. */
    struct ir_node made = {.code = NN_SOFTMAX,
                           .attrs = {(int32_t)axis, flat && axis + 1 < rank}};
    return lower_emit(lowering, node, &made, 1, NULL);
}

/* Whether a Dropout lets everything through, in training too. */
static bool drops_nothing(const struct lowering *lowering, const struct graph_node *node)
{
    const struct onnx_tensor *ratio = lower_constant(lowering, node, 1);
    return ratio && ratio->floats && ratio->count == 1 &&
           fpclassify(ratio->floats[0]) == FP_ZERO;
}

/* An identity in inference: the output is another name of the input. */
static enum status lower_alias(struct lowering *lowering, const struct graph_node *node)
{
    const struct onnx_tensor *training =
        node->op == ONNX_DROPOUT ? lower_constant(lowering, node, 2) : NULL;
    if (node->op == ONNX_DROPOUT && node->input_count > 2 &&
        node->inputs[2] != GRAPH_NO_VALUE && !drops_nothing(lowering, node) &&
        (!training || !training->ints || training->count != 1 ||
         training->ints[0] != 0)) {
        return lower_refuse(lowering, node, "training mode");
    }
    return lower_operand(lowering, node, 0, &lowering->tensors[node->output]);
}

static lower_function *const functions[ONNX_OPS] = {
    [ONNX_ADD] = lower_binary,
    [ONNX_AVERAGE_POOL] = lower_average_pool,
    [ONNX_BATCH_NORMALIZATION] = lower_batch_normalization,
    [ONNX_CLIP] = lower_clip,
    [ONNX_CONCAT] = lower_concat,
    [ONNX_CONSTANT] = lower_alias,
    [ONNX_CONV] = lower_conv,
    [ONNX_DROPOUT] = lower_alias,
    [ONNX_FLATTEN] = lower_flatten,
    [ONNX_GEMM] = lower_gemm,
    [ONNX_GLOBAL_AVERAGE_POOL] = lower_global_pool,
    [ONNX_IDENTITY] = lower_alias,
    [ONNX_MAT_MUL] = lower_mat_mul,
    [ONNX_MAX_POOL] = lower_max_pool,
    [ONNX_MUL] = lower_binary,
    [ONNX_PAD] = lower_pad,
    [ONNX_RELU] = lower_relu,
    [ONNX_RESHAPE] = lower_reshape,
    [ONNX_SOFTMAX] = lower_softmax,
    [ONNX_SQUEEZE] = lower_squeeze,
    [ONNX_TRANSPOSE] = lower_transpose,
    [ONNX_UNSQUEEZE] = lower_unsqueeze,
    [ONNX_ARG_MAX] = lower_position,
    [ONNX_ARG_MIN] = lower_position,
    [ONNX_CAST] = lower_cast,
    [ONNX_CONV_TRANSPOSE] = lower_conv_transpose,
    [ONNX_DEPTH_TO_SPACE] = lower_depth_to_space,
    [ONNX_DIV] = lower_binary,
    [ONNX_EXPAND] = lower_expand,
    [ONNX_GATHER] = lower_gather,
    [ONNX_GLOBAL_MAX_POOL] = lower_global_max,
    [ONNX_INSTANCE_NORMALIZATION] = lower_instance,
    [ONNX_LOG_SOFTMAX] = lower_log_softmax,
    [ONNX_LRN] = lower_local_response,
    [ONNX_MAX] = lower_nary,
    [ONNX_MEAN] = lower_nary,
    [ONNX_MIN] = lower_nary,
    [ONNX_POW] = lower_binary,
    [ONNX_PRELU] = lower_binary,
    [ONNX_RESIZE] = lower_resize,
    [ONNX_SLICE] = lower_slice,
    [ONNX_SPACE_TO_DEPTH] = lower_space_to_depth,
    [ONNX_SPLIT] = lower_split,
    [ONNX_SUB] = lower_binary,
    [ONNX_SUM] = lower_nary,
    [ONNX_TILE] = lower_tile,
    [ONNX_UPSAMPLE] = lower_resize,
    [ONNX_REDUCE_L1] = lower_reduce,
    [ONNX_REDUCE_L2] = lower_reduce,
    [ONNX_REDUCE_LOG_SUM] = lower_reduce,
    [ONNX_REDUCE_LOG_SUM_EXP] = lower_reduce,
    [ONNX_REDUCE_MAX] = lower_reduce,
    [ONNX_REDUCE_MEAN] = lower_reduce,
    [ONNX_REDUCE_MIN] = lower_reduce,
    [ONNX_REDUCE_PROD] = lower_reduce,
    [ONNX_REDUCE_SUM] = lower_reduce,
    [ONNX_REDUCE_SUM_SQUARE] = lower_reduce,
    [ONNX_ABS] = lower_unary,
    [ONNX_ACOS] = lower_unary,
    [ONNX_ACOSH] = lower_unary,
    [ONNX_ASIN] = lower_unary,
    [ONNX_ASINH] = lower_unary,
    [ONNX_ATAN] = lower_unary,
    [ONNX_ATANH] = lower_unary,
    [ONNX_CEIL] = lower_unary,
    [ONNX_COS] = lower_unary,
    [ONNX_COSH] = lower_unary,
    [ONNX_ELU] = lower_unary,
    [ONNX_ERF] = lower_unary,
    [ONNX_EXP] = lower_unary,
    [ONNX_FLOOR] = lower_unary,
    [ONNX_HARD_SIGMOID] = lower_unary,
    [ONNX_HARD_SWISH] = lower_unary,
    [ONNX_LEAKY_RELU] = lower_unary,
    [ONNX_LOG] = lower_unary,
    [ONNX_NEG] = lower_unary,
    [ONNX_RECIPROCAL] = lower_unary,
    [ONNX_ROUND] = lower_unary,
    [ONNX_SELU] = lower_unary,
    [ONNX_SIGMOID] = lower_unary,
    [ONNX_SIGN] = lower_unary,
    [ONNX_SIN] = lower_unary,
    [ONNX_SINH] = lower_unary,
    [ONNX_SOFTPLUS] = lower_unary,
    [ONNX_SQRT] = lower_unary,
    [ONNX_TAN] = lower_unary,
    [ONNX_TANH] = lower_unary,
    [ONNX_THRESHOLDED_RELU] = lower_unary,
};

enum status lower_refuse(const struct lowering *lowering, const struct graph_node *node,
                         const char *why)
{
    return onnx_refuse(lowering->graph->model, node->onnx, lowering->err, "%s", why);
}

const struct onnx_tensor *lower_constant(const struct lowering *lowering,
                                         const struct graph_node *node, size_t index)
{
    if (index >= node->input_count || node->inputs[index] == GRAPH_NO_VALUE) {
        return NULL;
    }
    const struct onnx_tensor *tensor = &lowering->constants[node->inputs[index]];
    return is_constant(tensor) ? tensor : NULL;
}

/* The values of a constant; integers that are an operand or an output become floats,
 * which must hold them exactly. */
static enum status floats_of(struct lowering *lowering, int32_t value,
                             const float **ret_floats)
{
    const struct onnx_tensor *constant = &lowering->constants[value];
    *ret_floats = constant->floats;
    if (constant->floats) {
        return OK;
    }
    float *floats = arena_array(lowering->arena, constant->count + 1, sizeof *floats);
    if (!floats) {
        return no_memory(lowering);
    }
    for (size_t i = 0; i < constant->count && constant->ints; i++) {
        if (constant->ints[i] > NN_MAX_DIM || constant->ints[i] < -NN_MAX_DIM) {
            return err_set(lowering->err, ERR_ONNX_UNSUPPORTED,
                           "'%.80s' has an integer that f32 cannot hold",
                           lowering->graph->values[value].name);
        }
        floats[i] = (float)constant->ints[i];
    }
    *ret_floats = floats;
    return OK;
}

/* The tensor of a value, made from a constant where needed. */
static enum status operand_of_value(struct lowering *lowering, int32_t value,
                                    uint32_t *ret_tensor)
{
    const struct onnx_tensor *constant = &lowering->constants[value];
    if (lowering->tensors[value] != IR_NONE) {
        *ret_tensor = lowering->tensors[value];
        return OK;
    }
    struct nn_shape shape = {.rank = constant->rank};
    for (uint32_t d = 0; d < constant->rank; d++) {
        shape.dims[d] = (uint32_t)constant->dims[d];
    }
    const float *floats = NULL;
    enum status status = floats_of(lowering, value, &floats);
    if (status) {
        return status;
    }
    if (nn_shape_elements(&shape) != constant->count) {
        return err_set(lowering->err, ERR_ONNX_UNSUPPORTED,
                       "'%.80s' is no constant of a usable shape",
                       lowering->graph->values[value].name);
    }
    for (size_t i = 0; i < constant->count; i++) {
        if (!isfinite(floats[i])) {
            return err_set(lowering->err, ERR_ONNX_UNSUPPORTED,
                           "constant '%.80s' has a value that is not finite",
                           lowering->graph->values[value].name);
        }
    }
    uint32_t made = ir_add_constant(lowering->ir, lowering->graph->values[value].name,
                                    &shape, floats);
    if (made == IR_NONE) {
        return no_memory(lowering);
    }
    lowering->tensors[value] = *ret_tensor = made;
    return OK;
}

enum status lower_operand(struct lowering *lowering, const struct graph_node *node,
                          size_t index, uint32_t *ret_tensor)
{
    if (index >= node->input_count || node->inputs[index] == GRAPH_NO_VALUE) {
        *ret_tensor = IR_NONE;
        return OK;
    }
    enum status status = operand_of_value(lowering, node->inputs[index], ret_tensor);
    if (status && lowering->err) {
        err_prefix(lowering->err, "node '%.40s' (%.30s, opset %lld)", node->onnx->name,
                   node->onnx->op, (long long)lowering->graph->model->opset);
    }
    return status;
}

const struct nn_shape *lower_shape(const struct lowering *lowering,
                                   const struct graph_node *node, size_t index)
{
    return &lowering->ir->tensors[lowering->tensors[node->inputs[index]]].shape;
}

enum status lower_emit(struct lowering *lowering, const struct graph_node *node,
                       struct ir_node *made, size_t count, const struct nn_shape *wished)
{
    struct ir *ir = lowering->ir;
    if (!made->inputs) {
        made->inputs = arena_array(lowering->arena, count + 1, sizeof *made->inputs);
        made->input_count = (uint32_t)count;
        if (!made->inputs) {
            return no_memory(lowering);
        }
        for (size_t i = 0; i < count; i++) {
            enum status status = lower_operand(lowering, node, i, &made->inputs[i]);
            if (status) {
                return status;
            }
        }
    }
    while (made->input_count > 0 && made->inputs[made->input_count - 1] == IR_NONE) {
        made->input_count--;
    }
    made->name = node->onnx->name;
    made->output = ir_add_tensor(ir, lowering->graph->values[node->output].name,
                                 &(struct nn_shape){0});
    if (made->output == IR_NONE) {
        return no_memory(lowering);
    }
    struct muster_nn_error error = {0};
    if (ir_add_node(ir, made, wished, &error)) {
        return lower_refuse(lowering, node, error.detail);
    }
    lowering->tensors[node->output] = made->output;
    return OK;
}

/* Whether every present input is a constant. */
static bool all_constant(const struct lowering *lowering, const struct graph_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != GRAPH_NO_VALUE && !lower_constant(lowering, node, i)) {
            return false;
        }
    }
    return true;
}

/* A stand-in for a tensor that has a shape but no values yet. */
static void put_shape(struct lowering *lowering, int32_t value)
{
    const struct nn_shape *shape = &lowering->ir->tensors[lowering->tensors[value]].shape;
    struct onnx_tensor *tensor = &lowering->constants[value];
    tensor->rank = shape->rank;
    tensor->count = nn_shape_elements(shape);
    for (uint32_t d = 0; d < shape->rank; d++) {
        tensor->dims[d] = shape->dims[d];
    }
}

/* Positions (ArgMax) are integers, which the runtime holds as f32: they may be moved,
 * cast and put out, but ONNX's arithmetic of integers is another one. */
static enum status check_whole(struct lowering *lowering, const struct graph_node *node)
{
    static const bool moves[ONNX_OPS] = {
        [ONNX_CONCAT] = true, [ONNX_EXPAND] = true,    [ONNX_FLATTEN] = true,
        [ONNX_GATHER] = true, [ONNX_IDENTITY] = true,  [ONNX_RESHAPE] = true,
        [ONNX_SLICE] = true,  [ONNX_SPLIT] = true,     [ONNX_SQUEEZE] = true,
        [ONNX_TILE] = true,   [ONNX_TRANSPOSE] = true, [ONNX_UNSQUEEZE] = true,
    };
    bool whole = node->op == ONNX_ARG_MAX || node->op == ONNX_ARG_MIN;
    for (size_t i = 0; i < node->input_count; i++) {
        int32_t value = node->inputs[i];
        if (value == GRAPH_NO_VALUE || !lowering->whole[value]) {
            continue;
        }
        whole = true;
        if (!moves[node->op] && node->op != ONNX_CAST) {
            return lower_refuse(lowering, node,
                                "arithmetic of integers that are not constant");
        }
    }
    for (size_t o = 0; o < node->output_count && whole; o++) {
        if (node->outputs[o] != GRAPH_NO_VALUE) {
            lowering->whole[node->outputs[o]] = node->op != ONNX_CAST;
        }
    }
    return OK;
}

static enum status lower_node(struct lowering *lowering, const struct graph_node *node)
{
    bool shape_only = node->op == ONNX_SHAPE || node->op == ONNX_SIZE;
    if (shape_only && !lower_constant(lowering, node, 0)) {
        put_shape(lowering, node->inputs[0]);
    }
    if (shape_only || all_constant(lowering, node)) {
        struct interpreter interpreter = {.graph = lowering->graph,
                                          .values = lowering->constants,
                                          .budget = lowering->budget,
                                          .arena = lowering->arena};
        return interpret_node(&interpreter, node, lowering->constants, lowering->err);
    }
    if (!functions[node->op]) {
        return lower_refuse(lowering, node, "inputs that are not constant");
    }
    enum status status = check_whole(lowering, node);
    return status ? status : functions[node->op](lowering, node);
}

static enum status lower_inputs(struct lowering *lowering)
{
    const struct graph *graph = lowering->graph;
    for (size_t i = 0; i < graph->value_count; i++) {
        lowering->tensors[i] = IR_NONE;
        if (graph->values[i].constant) {
            lowering->constants[i] = *graph->values[i].constant;
        }
    }
    if (graph->input_count == 0) { /* a file has one, so it is an input nobody reads */
        const struct nn_shape one = {.rank = 1, .dims = {1}};
        lowering->ir->inputs[lowering->ir->input_count++] =
            ir_add_tensor(lowering->ir, "none", &one);
    }
    for (size_t i = 0; i < graph->input_count; i++) {
        int32_t value = graph->inputs[i].value;
        uint32_t tensor = ir_add_tensor(lowering->ir, graph->values[value].name,
                                        &graph->inputs[i].shape);
        if (tensor == IR_NONE) {
            return no_memory(lowering);
        }
        lowering->tensors[value] = tensor;
        lowering->ir->inputs[lowering->ir->input_count++] = tensor;
    }
    return OK;
}

/* A graph output that is an input, a constant or twice an output becomes a copy. */
static enum status copy_output(struct lowering *lowering, int32_t value, uint32_t *tensor)
{
    struct ir *ir = lowering->ir;
    uint32_t *source = arena_array(lowering->arena, 1, sizeof *source);
    struct nn_shape shape = ir->tensors[*tensor].shape;
    uint32_t output = ir_add_tensor(ir, lowering->graph->values[value].name, &shape);
    if (!source || output == IR_NONE) {
        return no_memory(lowering);
    }
    *source = *tensor;
    struct ir_node copy = {.name = "",
                           .code = NN_RESHAPE,
                           .inputs = source,
                           .input_count = 1,
                           .output = output};
    struct muster_nn_error error = {0};
    if (ir_add_node(ir, &copy, &shape, &error)) {
        return err_set(lowering->err, ERR_ONNX_UNSUPPORTED, "%s", error.detail);
    }
    *tensor = output;
    return OK;
}

static enum status lower_outputs(struct lowering *lowering)
{
    const struct graph *graph = lowering->graph;
    struct ir *ir = lowering->ir;
    for (size_t i = 0; i < graph->output_count; i++) {
        uint32_t tensor;
        enum status status = operand_of_value(lowering, graph->outputs[i], &tensor);
        if (!status && (!ir_maker(ir, tensor) || ir_is_output(ir, tensor))) {
            status = copy_output(lowering, graph->outputs[i], &tensor);
        }
        if (status) {
            return status;
        }
        ir->tensors[tensor].name = graph->values[graph->outputs[i]].name;
        ir->outputs[ir->output_count++] = tensor;
    }
    return OK;
}

static enum status allocate(struct lowering *lowering)
{
    const struct graph *graph = lowering->graph;
    struct arena *arena = lowering->arena;
    struct ir *ir = lowering->ir;
    size_t nodes = graph->model->node_count;
    size_t ports = graph->input_count + graph->output_count + 1;
    if (graph->value_count > NN_MAX_TENSORS || nodes > NN_MAX_NODES ||
        ports > NN_MAX_PORTS) {
        return err_set(lowering->err, ERR_ONNX_UNSUPPORTED,
                       "more than %d values, %d nodes or %d inputs and outputs",
                       NN_MAX_TENSORS, NN_MAX_NODES, NN_MAX_PORTS);
    }
    ir->tensor_max = (uint32_t)(2 * graph->value_count + STEPS_MAX * nodes + ports);
    ir->node_max = (uint32_t)(2 * graph->value_count + STEPS_MAX * nodes + ports);
    ir->tensors = arena_array(arena, ir->tensor_max + 1, sizeof *ir->tensors);
    ir->nodes = arena_array(arena, ir->node_max + 1, sizeof *ir->nodes);
    ir->inputs = arena_array(arena, graph->input_count + 1, sizeof *ir->inputs);
    ir->outputs = arena_array(arena, graph->output_count, sizeof *ir->outputs);
    lowering->constants =
        arena_array(arena, graph->value_count, sizeof *lowering->constants);
    lowering->tensors = arena_array(arena, graph->value_count, sizeof *lowering->tensors);
    lowering->whole = arena_array(arena, graph->value_count, sizeof *lowering->whole);
    if (!lowering->whole || !ir->tensors || !ir->nodes || !ir->inputs || !ir->outputs ||
        !lowering->constants || !lowering->tensors) {
        return no_memory(lowering);
    }
    return OK;
}

enum status lower_graph(const struct graph *graph, struct interpret_budget *budget,
                        struct arena *arena, struct ir *ret_ir, struct err *err)
{
    struct ir ir = {0};
    struct lowering lowering = {
        .graph = graph, .ir = &ir, .budget = budget, .arena = arena, .err = err};
    enum status status = allocate(&lowering);
    if (!status) {
        status = lower_inputs(&lowering);
    }
    for (size_t i = 0; i < graph->model->node_count && !status; i++) {
        status = lower_node(&lowering, &graph->nodes[i]);
    }
    if (!status) {
        status = lower_outputs(&lowering);
    }
    if (!status) {
        *ret_ir = ir;
    }
    return status;
}
