/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SOFTMAX_AXIS_SINCE = 13, CLIP_INPUTS_SINCE = 11 };

static int64_t opset(const struct interpretation *run)
{
    return run->graph->model->opset;
}

static void same_shape(struct interpretation *run)
{
    run->out->rank = run->in[0]->rank;
    memcpy(run->out->dims, run->in[0]->dims, sizeof run->out->dims);
}

static enum status clip(struct interpretation *run)
{
    const struct onnx_node *node = run->node->onnx;
    double low = (double)onnx_attr_float(node, "min", -FLT_MAX);
    double high = (double)onnx_attr_float(node, "max", FLT_MAX);
    bool by_input = opset(run) >= CLIP_INPUTS_SINCE;
    for (unsigned i = 1; i < 3; i++) {
        const struct onnx_tensor *bound = run->in[i];
        if (!bound) {
            continue;
        }
        if (!by_input || bound->count != 1 || !bound->floats) {
            return interpret_refuse(run, "bounds that are no f32 scalars");
        }
        *(i == 1 ? &low : &high) = (double)bound->floats[0];
    }
    same_shape(run);
    enum status status = interpret_copy(run);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        double value = (double)run->out->floats[i];
        value = value < low ? low : value;
        run->out->floats[i] = (float)(value > high ? high : value);
    }
    return status;
}

static enum status relu(struct interpretation *run)
{
    same_shape(run);
    enum status status = interpret_copy(run);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        float value = run->out->floats[i];
        run->out->floats[i] = value < 0 ? 0 : value; /* not a number stays so */
    }
    return status;
}

static enum status identity(struct interpretation *run)
{
    same_shape(run);
    return interpret_copy(run);
}

static enum status dropout(struct interpretation *run)
{
    const struct onnx_tensor *ratio = run->in[1];
    bool nothing = ratio && ratio->floats && ratio->count == 1 &&
                   fpclassify(ratio->floats[0]) == FP_ZERO;
    if (run->in[2] && !nothing &&
        (!run->in[2]->ints || run->in[2]->count != 1 || run->in[2]->ints[0])) {
        return interpret_refuse(run, "training mode");
    }
    return identity(run);
}

static void softmax_line(float *values, size_t count, size_t step)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, (double)values[i * step]);
    }
    for (size_t i = 0; i < count; i++) {
        sum += exp((double)values[i * step] - most);
    }
    for (size_t i = 0; i < count; i++) {
        values[i * step] = (float)(exp((double)values[i * step] - most) / sum);
    }
}

static enum status softmax(struct interpretation *run)
{
    bool flat = opset(run) < SOFTMAX_AXIS_SINCE;
    same_shape(run);
    int64_t rank = run->out->rank;
    int64_t axis = onnx_attr_int(run->node->onnx, "axis", flat ? 1 : -1);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) {
        return interpret_refuse(run, "axis outside the rank");
    }
    size_t before = 1, count = 1, step = 1;
    for (int64_t d = 0; d < rank; d++) {
        size_t size = (size_t)run->out->dims[d];
        *(d < axis ? &before : d == axis || flat ? &count : &step) *= size;
    }
    enum status status = interpret_copy(run);
    for (size_t line = 0; line < before * step && !status; line++) {
        softmax_line(run->out->floats + line / step * count * step + line % step, count,
                     step);
    }
    return status;
}

static enum status batch_normalization(struct interpretation *run)
{
    double epsilon = (double)onnx_attr_float(run->node->onnx, "epsilon", 1e-5f);
    const struct onnx_tensor *x = run->in[0];
    if (x->rank < 2) {
        return interpret_refuse(run, "an input without channels");
    }
    for (unsigned i = 1; i < 5; i++) {
        if (!run->in[i] || !run->in[i]->floats || run->in[i]->rank != 1 ||
            run->in[i]->dims[0] != x->dims[1]) {
            return interpret_refuse(run, "parameters that are not one f32 a channel");
        }
    }
    same_shape(run);
    enum status status = interpret_copy(run);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        size_t c = (size_t)at[1];
        double scale = (double)run->in[1]->floats[c],
               shift = (double)run->in[2]->floats[c];
        double mean = (double)run->in[3]->floats[c],
               variance = (double)run->in[4]->floats[c];
        run->out->floats[i] =
            (float)(((double)x->floats[i] - mean) / sqrt(variance + epsilon) * scale +
                    shift);
    }
    return status;
}

static enum status gemm(struct interpretation *run)
{
    const struct onnx_node *node = run->node->onnx;
    const struct onnx_tensor *a = run->in[0], *b = run->in[1], *c = run->in[2];
    size_t trans_a = onnx_attr_int(node, "transA", 0) != 0;
    size_t trans_b = onnx_attr_int(node, "transB", 0) != 0;
    double alpha = (double)onnx_attr_float(node, "alpha", 1);
    double beta = (double)onnx_attr_float(node, "beta", 1);
    if (a->rank != 2 || b->rank != 2 || !a->floats || !b->floats ||
        a->dims[1 - trans_a] != b->dims[trans_b] || (c && (!c->floats || c->rank > 2))) {
        return interpret_refuse(run, "factors that are not two fitting matrices");
    }
    int64_t rows = a->dims[trans_a], columns = b->dims[1 - trans_b];
    int64_t inner = a->dims[1 - trans_a];
    *run->out = (struct onnx_tensor){.rank = 2, .dims = {rows, columns}};
    enum status status = interpret_allocate(run, a);
    if (!status) {
        status = interpret_spend(run, run->out->count * (uint64_t)inner);
    }
    for (uint32_t d = 0; c && d < c->rank && !status; d++) {
        int64_t size = c->dims[d];
        if (size != 1 && size != run->out->dims[d + 2 - c->rank]) {
            return interpret_refuse(run, "a third input that does not broadcast");
        }
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[2];
        double sum = 0;
        interpret_unravel(i, run->out->dims, 2, at);
        for (int64_t k = 0; k < inner; k++) {
            int64_t ia = trans_a ? k * rows + at[0] : at[0] * inner + k;
            int64_t ib = trans_b ? at[1] * inner + k : k * columns + at[1];
            sum += (double)a->floats[ia] * (double)b->floats[ib];
        }
        double third =
            c ? (double)c->floats[interpret_broadcast_index(c, at, 2 - c->rank)] : 0;
        run->out->floats[i] = (float)(alpha * sum + (c ? beta * third : 0));
    }
    return status;
}

/* A factor of MatMul as a stack of matrices. */
static struct onnx_tensor as_matrices(const struct onnx_tensor *tensor, bool row)
{
    struct onnx_tensor matrices = *tensor;
    if (tensor->rank == 1) {
        matrices.rank = 2;
        matrices.dims[0] = row ? 1 : tensor->dims[0];
        matrices.dims[1] = row ? tensor->dims[0] : 1;
    }
    return matrices;
}

/* The output's shape with both matrix dimensions, before those of vectors are dropped. */
static enum status mat_mul_shape(struct interpretation *run, const struct onnx_tensor *a,
                                 const struct onnx_tensor *b)
{
    struct onnx_tensor *out = run->out;
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    out->dims[out->rank - 2] = a->dims[a->rank - 2];
    out->dims[out->rank - 1] = b->dims[b->rank - 1];
    for (uint32_t d = 0; d + 2 < out->rank; d++) {
        int64_t da = d + a->rank >= out->rank ? a->dims[d + a->rank - out->rank] : 1;
        int64_t db = d + b->rank >= out->rank ? b->dims[d + b->rank - out->rank] : 1;
        if (da != db && da != 1 && db != 1) {
            return interpret_refuse(run, "stacks that do not broadcast");
        }
        out->dims[d] = da == 1 ? db : da;
    }
    return OK;
}

static enum status mat_mul(struct interpretation *run)
{
    if (run->in[0]->rank < 1 || run->in[1]->rank < 1 || !run->in[0]->floats ||
        !run->in[1]->floats) {
        return interpret_refuse(run, "a factor that is a scalar or not f32");
    }
    struct onnx_tensor a = as_matrices(run->in[0], true),
                       b = as_matrices(run->in[1], false);
    int64_t inner = a.dims[a.rank - 1];
    if (inner != b.dims[b.rank - 2]) {
        return interpret_refuse(run, "inner dimensions that differ");
    }
    enum status status = mat_mul_shape(run, &a, &b);
    if (!status) {
        status = interpret_allocate(run, &a);
    }
    if (!status) {
        status = interpret_spend(run, run->out->count * (uint64_t)inner);
    }
    uint32_t rank = run->out->rank;
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK], at_b[ONNX_MAX_RANK];
        double sum = 0;
        interpret_unravel(i, run->out->dims, rank, at);
        memcpy(at_b, at, sizeof at_b);
        for (int64_t k = 0; k < inner; k++) {
            at[rank - 1] = at_b[rank - 2] = k;
            sum += (double)a.floats[interpret_broadcast_index(&a, at, rank - a.rank)] *
                   (double)b.floats[interpret_broadcast_index(&b, at_b, rank - b.rank)];
        }
        run->out->floats[i] = (float)sum;
    }
    if (run->in[0]->rank == 1) {
        run->out->dims[rank - 2] = run->out->dims[rank - 1];
        run->out->rank--;
    }
    run->out->rank -= run->in[1]->rank == 1;
    return status;
}

static enum status constant(struct interpretation *run)
{
    const struct onnx_attr *attr =
        run->node->onnx->attr_count == 1 ? run->node->onnx->attrs : NULL;
    if (!attr) {
        return interpret_refuse(run, "not exactly one value");
    }
    if (attr->tensor) {
        *run->out = *attr->tensor;
        return OK;
    }
    bool list =
        strcmp(attr->name, "value_floats") == 0 || strcmp(attr->name, "value_ints") == 0;
    struct onnx_tensor like = {0};
    like.ints = strncmp(attr->name, "value_int", 9) == 0 ? &(int64_t){0} : NULL;
    run->out->rank = list ? 1 : 0;
    run->out->dims[0] = (int64_t)(like.ints ? attr->int_count : attr->float_count);
    enum status status = interpret_allocate(run, &like);
    if (status) {
        return status;
    }
    size_t bytes = run->out->count * (like.ints ? sizeof(int64_t) : sizeof(float));
    if (like.ints) {
        memcpy(run->out->ints, list ? attr->ints : &attr->i, bytes);
    } else {
        memcpy(run->out->floats, list ? attr->floats : &attr->f, bytes);
    }
    return OK;
}

static interpret_function *const functions[ONNX_OPS] = {
    [ONNX_ADD] = interpret_binary,
    [ONNX_AVERAGE_POOL] = interpret_pool,
    [ONNX_BATCH_NORMALIZATION] = batch_normalization,
    [ONNX_CLIP] = clip,
    [ONNX_CONCAT] = interpret_concat,
    [ONNX_CONSTANT] = constant,
    [ONNX_CONV] = interpret_conv,
    [ONNX_DROPOUT] = dropout,
    [ONNX_FLATTEN] = interpret_flatten,
    [ONNX_GEMM] = gemm,
    [ONNX_GLOBAL_AVERAGE_POOL] = interpret_global_pool,
    [ONNX_IDENTITY] = identity,
    [ONNX_MAT_MUL] = mat_mul,
    [ONNX_MAX_POOL] = interpret_pool,
    [ONNX_MUL] = interpret_binary,
    [ONNX_PAD] = interpret_pad,
    [ONNX_RELU] = relu,
    [ONNX_RESHAPE] = interpret_reshape,
    [ONNX_SOFTMAX] = softmax,
    [ONNX_SQUEEZE] = interpret_squeeze,
    [ONNX_TRANSPOSE] = interpret_transpose,
    [ONNX_UNSQUEEZE] = interpret_unsqueeze,
    [ONNX_ARG_MAX] = interpret_position,
    [ONNX_ARG_MIN] = interpret_position,
    [ONNX_CAST] = interpret_cast,
    [ONNX_CONSTANT_OF_SHAPE] = interpret_fill,
    [ONNX_CONV_TRANSPOSE] = interpret_conv_transpose,
    [ONNX_DEPTH_TO_SPACE] = interpret_blocks,
    [ONNX_DIV] = interpret_binary,
    [ONNX_EXPAND] = interpret_expand,
    [ONNX_GATHER] = interpret_gather,
    [ONNX_GLOBAL_MAX_POOL] = interpret_global_pool,
    [ONNX_INSTANCE_NORMALIZATION] = interpret_instance,
    [ONNX_LOG_SOFTMAX] = interpret_log_softmax,
    [ONNX_LRN] = interpret_local_response,
    [ONNX_MAX] = interpret_nary,
    [ONNX_MEAN] = interpret_nary,
    [ONNX_MIN] = interpret_nary,
    [ONNX_POW] = interpret_binary,
    [ONNX_PRELU] = interpret_binary,
    [ONNX_RESIZE] = interpret_resize,
    [ONNX_SHAPE] = interpret_shape,
    [ONNX_SIZE] = interpret_size,
    [ONNX_SLICE] = interpret_slice,
    [ONNX_SPACE_TO_DEPTH] = interpret_blocks,
    [ONNX_SPLIT] = interpret_split,
    [ONNX_SUB] = interpret_binary,
    [ONNX_SUM] = interpret_nary,
    [ONNX_TILE] = interpret_tile,
    [ONNX_UPSAMPLE] = interpret_resize,
    [ONNX_REDUCE_L1] = interpret_reduce,
    [ONNX_REDUCE_L2] = interpret_reduce,
    [ONNX_REDUCE_LOG_SUM] = interpret_reduce,
    [ONNX_REDUCE_LOG_SUM_EXP] = interpret_reduce,
    [ONNX_REDUCE_MAX] = interpret_reduce,
    [ONNX_REDUCE_MEAN] = interpret_reduce,
    [ONNX_REDUCE_MIN] = interpret_reduce,
    [ONNX_REDUCE_PROD] = interpret_reduce,
    [ONNX_REDUCE_SUM] = interpret_reduce,
    [ONNX_REDUCE_SUM_SQUARE] = interpret_reduce,
    [ONNX_ABS] = interpret_unary,
    [ONNX_ACOS] = interpret_unary,
    [ONNX_ACOSH] = interpret_unary,
    [ONNX_ASIN] = interpret_unary,
    [ONNX_ASINH] = interpret_unary,
    [ONNX_ATAN] = interpret_unary,
    [ONNX_ATANH] = interpret_unary,
    [ONNX_CEIL] = interpret_unary,
    [ONNX_COS] = interpret_unary,
    [ONNX_COSH] = interpret_unary,
    [ONNX_ELU] = interpret_unary,
    [ONNX_ERF] = interpret_unary,
    [ONNX_EXP] = interpret_unary,
    [ONNX_FLOOR] = interpret_unary,
    [ONNX_HARD_SIGMOID] = interpret_unary,
    [ONNX_HARD_SWISH] = interpret_unary,
    [ONNX_LEAKY_RELU] = interpret_unary,
    [ONNX_LOG] = interpret_unary,
    [ONNX_NEG] = interpret_unary,
    [ONNX_RECIPROCAL] = interpret_unary,
    [ONNX_ROUND] = interpret_unary,
    [ONNX_SELU] = interpret_unary,
    [ONNX_SIGMOID] = interpret_unary,
    [ONNX_SIGN] = interpret_unary,
    [ONNX_SIN] = interpret_unary,
    [ONNX_SINH] = interpret_unary,
    [ONNX_SOFTPLUS] = interpret_unary,
    [ONNX_SQRT] = interpret_unary,
    [ONNX_TAN] = interpret_unary,
    [ONNX_TANH] = interpret_unary,
    [ONNX_THRESHOLDED_RELU] = interpret_unary,
};

/* Operators that take integers (shapes, axes) as well as floats. */
static const bool takes_integers[ONNX_OPS] = {
    [ONNX_ADD] = true,       [ONNX_CAST] = true,
    [ONNX_CONCAT] = true,    [ONNX_CONSTANT_OF_SHAPE] = true,
    [ONNX_DIV] = true,       [ONNX_EXPAND] = true,
    [ONNX_FLATTEN] = true,   [ONNX_GATHER] = true,
    [ONNX_IDENTITY] = true,  [ONNX_MAX] = true,
    [ONNX_MIN] = true,       [ONNX_MUL] = true,
    [ONNX_PAD] = true,       [ONNX_POW] = true,
    [ONNX_RESHAPE] = true,   [ONNX_SHAPE] = true,
    [ONNX_SIZE] = true,      [ONNX_SLICE] = true,
    [ONNX_SPLIT] = true,     [ONNX_SQUEEZE] = true,
    [ONNX_SUB] = true,       [ONNX_SUM] = true,
    [ONNX_TILE] = true,      [ONNX_TRANSPOSE] = true,
    [ONNX_UNSQUEEZE] = true,
};

enum status interpret_allocate(struct interpretation *run, const struct onnx_tensor *like)
{
    struct onnx_tensor *out = run->out;
    size_t count = 1;
    for (uint32_t d = 0; d < out->rank; d++) {
        if (out->dims[d] < 0 ||
            __builtin_mul_overflow(count, (size_t)out->dims[d], &count) ||
            count > NN_MAX_ELEMENTS) {
            return interpret_refuse(run, "an output that is too large");
        }
    }
    size_t room = count ? count : 1;
    float *floats = like->ints ? NULL : arena_array(run->arena, room, sizeof *floats);
    int64_t *ints = like->ints ? arena_array(run->arena, room, sizeof *ints) : NULL;
    if (!floats && !ints) {
        return err_set(run->err, ERR_LIMIT, "the model needs too much memory");
    }
    out->floats = floats;
    out->ints = ints;
    out->count = count;
    return interpret_spend(run, count);
}

enum status interpret_spend(struct interpretation *run, uint64_t steps)
{
    if (steps > run->budget->steps) {
        return err_set(run->err, ERR_LIMIT, "the model takes too many operations");
    }
    run->budget->steps -= steps;
    return OK;
}

enum status interpret_copy(struct interpretation *run)
{
    enum status status = interpret_allocate(run, run->in[0]);
    if (status) {
        return status;
    }
    if (run->out->count != run->in[0]->count) {
        return interpret_refuse(run, "a shape with another number of elements");
    }
    if (run->out->ints) {
        memcpy(run->out->ints, run->in[0]->ints, run->out->count * sizeof(int64_t));
    } else {
        memcpy(run->out->floats, run->in[0]->floats, run->out->count * sizeof(float));
    }
    return OK;
}

bool interpret_ints(const struct interpretation *run, size_t index, const char *name,
                    const int64_t **ret_values, size_t *ret_count)
{
    const struct onnx_tensor *tensor = run->in[index];
    if (tensor) {
        *ret_values = tensor->ints;
        *ret_count = tensor->count;
        return tensor->ints != NULL;
    }
    const struct onnx_attr *attr = onnx_attr_find(run->node->onnx, name);
    if (attr) {
        *ret_values = attr->ints;
        *ret_count = attr->int_count;
    }
    return attr != NULL;
}

size_t interpret_broadcast_index(const struct onnx_tensor *tensor, const int64_t *at,
                                 uint32_t lead)
{
    size_t index = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        int64_t size = tensor->dims[d];
        index = index * (size_t)size + (size_t)(size == 1 ? 0 : at[d + lead]);
    }
    return index;
}

enum status interpret_refuse(struct interpretation *run, const char *why)
{
    return onnx_refuse(run->graph->model, run->node->onnx, run->err, "%s", why);
}

int64_t interpret_axis(const struct interpretation *run, int64_t fallback, int64_t rank)
{
    int64_t axis = onnx_attr_int(run->node->onnx, "axis", fallback);
    axis += axis < 0 ? rank : 0;
    return axis >= 0 && axis < rank ? axis : -1;
}

void interpret_unravel(size_t index, const int64_t *dims, uint32_t rank, int64_t *ret_at)
{
    for (uint32_t d = rank; d-- > 0;) {
        ret_at[d] = (int64_t)(index % (size_t)dims[d]);
        index /= (size_t)dims[d];
    }
}

enum status interpret_node(const struct interpreter *interpreter,
                           const struct graph_node *node, struct onnx_tensor *ret_values,
                           struct err *err)
{
    const struct onnx_tensor *values = interpreter->values;
    struct interpretation run = {.graph = interpreter->graph,
                                 .node = node,
                                 .values = values,
                                 .budget = interpreter->budget,
                                 .arena = interpreter->arena,
                                 .err = err};
    for (size_t i = 0; i < node->input_count && i < 8; i++) {
        run.in[i] = node->inputs[i] == GRAPH_NO_VALUE ? NULL : &values[node->inputs[i]];
    }
    if (run.in[0] && run.in[0]->ints && !takes_integers[node->op]) {
        return interpret_refuse(&run, "an input of integers");
    }
    for (; run.output < node->output_count; run.output++) {
        struct onnx_tensor out = {.name = ""};
        run.out = &out;
        enum status status = functions[node->op](&run);
        if (status) {
            return status;
        }
        if (node->outputs[run.output] != GRAPH_NO_VALUE) {
            ret_values[node->outputs[run.output]] = out;
        }
    }
    return OK;
}

enum status interpret_graph(const struct graph *graph, const float *const *inputs,
                            struct interpret_budget *budget, struct arena *arena,
                            struct onnx_tensor *ret_values, struct err *err)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        ret_values[i] = graph->values[i].constant ? *graph->values[i].constant
                                                  : (struct onnx_tensor){.name = ""};
    }
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct nn_shape *shape = &graph->inputs[i].shape;
        struct onnx_tensor *value = &ret_values[graph->inputs[i].value];
        value->rank = shape->rank;
        value->count = nn_shape_elements(shape);
        for (uint32_t d = 0; d < shape->rank; d++) {
            value->dims[d] = shape->dims[d];
        }
        value->floats = arena_array(arena, value->count, sizeof *value->floats);
        if (!value->floats) {
            return err_set(err, ERR_LIMIT, "the model needs too much memory");
        }
        memcpy(value->floats, inputs[i], value->count * sizeof *value->floats);
    }
    struct interpreter interpreter = {
        .graph = graph, .values = ret_values, .budget = budget, .arena = arena};
    for (size_t i = 0; i < graph->model->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        enum status status = interpret_node(&interpreter, node, ret_values, err);
        if (status) {
            return status;
        }
    }
    return OK;
}
