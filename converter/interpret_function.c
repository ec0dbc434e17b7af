/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <math.h>
#include <string.h>

enum { BINARY_MAX_OPSET_WITH_AXIS = 6 };

static void same_shape(struct interpretation *run)
{
    run->out->rank = run->in[0]->rank;
    memcpy(run->out->dims, run->in[0]->dims, sizeof run->out->dims);
}

/* Functions of the C library under the names of ONNX. */
static double (*const library[ONNX_OPS])(double) = {
    [ONNX_ABS] = fabs,    [ONNX_ACOS] = acos,   [ONNX_ACOSH] = acosh,
    [ONNX_ASIN] = asin,   [ONNX_ASINH] = asinh, [ONNX_ATAN] = atan,
    [ONNX_ATANH] = atanh, [ONNX_CEIL] = ceil,   [ONNX_COS] = cos,
    [ONNX_COSH] = cosh,   [ONNX_ERF] = erf,     [ONNX_EXP] = exp,
    [ONNX_FLOOR] = floor, [ONNX_LOG] = log,     [ONNX_ROUND] = nearbyint,
    [ONNX_SIN] = sin,     [ONNX_SINH] = sinh,   [ONNX_SQRT] = sqrt,
    [ONNX_TAN] = tan,     [ONNX_TANH] = tanh,
};

static double attr(const struct interpretation *run, const char *name, double fallback)
{
    const struct onnx_attr *found = onnx_attr_find(run->node->onnx, name);
    return found ? (double)found->f : fallback;
}

/* The others, by their formulas in ONNX's documentation. */
static double by_formula(const struct interpretation *run, double x)
{
    double alpha;
    switch ((int)run->node->op) {
    case ONNX_NEG:
        return 0 - x;
    case ONNX_RECIPROCAL:
        return 1 / x;
    case ONNX_SIGMOID:
        return 1 / (1 + exp(-x));
    case ONNX_SIGN:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case ONNX_SOFTPLUS:
        return log(exp(x) + 1);
    case ONNX_ELU:
        alpha = attr(run, "alpha", 1);
        return x >= 0 ? x : alpha * (exp(x) - 1);
    case ONNX_SELU:
        alpha = attr(run, "alpha", 1.67326319217681884765625);
        return attr(run, "gamma", 1.05070102214813232421875) *
               (x > 0 ? x : alpha * exp(x) - alpha);
    case ONNX_HARD_SIGMOID:
        return fmin(
            1, fmax(0, attr(run, "alpha", (double)0.2f) * x + attr(run, "beta", 0.5)));
    case ONNX_HARD_SWISH:
        return x * fmin(1, fmax(0, x / 6 + 0.5));
    case ONNX_LEAKY_RELU:
        return x >= 0 ? x : attr(run, "alpha", (double)0.01f) * x;
    case ONNX_THRESHOLDED_RELU:
        return x > attr(run, "alpha", 1) ? x : 0;
    default: /* only the operators above come here */
        return NAN;
    }
}

enum status interpret_unary(struct interpretation *run)
{
    same_shape(run);
    enum status status = interpret_allocate(run, run->in[0]);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        double x = (double)run->in[0]->floats[i];
        double (*function)(double) = library[run->node->op];
        run->out->floats[i] = (float)(function ? function(x) : by_formula(run, x));
    }
    return status;
}

/* The second operand's place against the first: how many dimensions lie before it. */
static enum status operand_lead(struct interpretation *run, uint32_t rank,
                                uint32_t *ret_lead)
{
    const struct onnx_tensor *a = run->in[0], *b = run->in[1];
    bool old = run->graph->model->opset <= BINARY_MAX_OPSET_WITH_AXIS;
    bool slope = run->node->op == ONNX_PRELU && b->count > 1;
    *ret_lead = rank - b->rank;
    if (!old || (!slope && !onnx_attr_find(run->node->onnx, "axis"))) {
        return OK;
    }
    int64_t axis = onnx_attr_int(run->node->onnx, "axis", slope ? 1 : 0);
    axis += axis < 0 ? a->rank : 0;
    if (axis < 0 || axis + b->rank > a->rank) {
        return interpret_refuse(run, "axis outside the rank");
    }
    *ret_lead = (uint32_t)axis;
    return OK;
}

static enum status broadcast_shape(struct interpretation *run, uint32_t *ret_lead)
{
    const struct onnx_tensor *a = run->in[0], *b = run->in[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank, lead = 0;
    enum status status = operand_lead(run, rank, &lead);
    run->out->rank = rank;
    for (uint32_t d = 0; d < rank && !status; d++) {
        int64_t da = d + a->rank >= rank ? a->dims[d + a->rank - rank] : 1;
        int64_t db = d >= lead && d - lead < b->rank ? b->dims[d - lead] : 1;
        if (da != db && da != 1 && db != 1) {
            return interpret_refuse(run, "operands that do not broadcast");
        }
        run->out->dims[d] = da == 1 ? db : da;
    }
    *ret_lead = lead;
    return status;
}

static double apply(enum onnx_op op, double a, double b)
{
    switch ((int)op) {
    case ONNX_ADD:
    case ONNX_SUM:
    case ONNX_MEAN:
        return a + b;
    case ONNX_SUB:
        return a - b;
    case ONNX_MUL:
        return a * b;
    case ONNX_DIV:
        return a / b;
    case ONNX_POW:
        return pow(a, b);
    case ONNX_MAX:
        return a > b ? a : b;
    case ONNX_MIN:
        return a < b ? a : b;
    case ONNX_PRELU:
        return a >= 0 ? a : b * a;
    default: /* only the operators above come here */
        return NAN;
    }
}

/* Whole numbers stay whole; those of shapes are far below 2^53. */
static enum status store(struct interpretation *run, size_t i, double value)
{
    if (run->out->floats) {
        run->out->floats[i] = (float)value;
        return OK;
    }
    value = trunc(value);
    if (!(fabs(value) < 0x1p53)) {
        return interpret_refuse(run, "integers out of range");
    }
    run->out->ints[i] = (int64_t)value;
    return OK;
}

enum status interpret_binary(struct interpretation *run)
{
    uint32_t lead = 0;
    const struct onnx_tensor *a = run->in[0], *b = run->in[1];
    if (!a->floats != !b->floats && run->node->op != ONNX_POW) {
        return interpret_refuse(run, "operands of different types");
    }
    enum status status = broadcast_shape(run, &lead);
    if (!status) {
        status = interpret_allocate(run, a);
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        size_t ia = interpret_broadcast_index(a, at, run->out->rank - a->rank);
        size_t ib = interpret_broadcast_index(b, at, lead);
        status =
            store(run, i,
                  apply(run->node->op, interpret_number(a, ia), interpret_number(b, ib)));
    }
    return status;
}

/* The shape that all operands broadcast to. */
static enum status nary_shape(struct interpretation *run)
{
    for (size_t i = 0; i < run->node->input_count; i++) {
        int32_t number = run->node->inputs[i];
        const struct onnx_tensor *in =
            number == GRAPH_NO_VALUE ? NULL : &run->values[number];
        if (!in || !in->floats != !run->in[0]->floats) {
            return interpret_refuse(run, "operands that are absent or differ in type");
        }
        run->out->rank = in->rank > run->out->rank ? in->rank : run->out->rank;
    }
    for (uint32_t d = 0; d < run->out->rank; d++) {
        run->out->dims[d] = 1;
        for (size_t i = 0; i < run->node->input_count; i++) {
            const struct onnx_tensor *in = &run->values[run->node->inputs[i]];
            uint32_t lead = run->out->rank - in->rank;
            int64_t size = d >= lead ? in->dims[d - lead] : 1;
            if (size != 1 && run->out->dims[d] != 1 && size != run->out->dims[d]) {
                return interpret_refuse(run, "operands that do not broadcast");
            }
            run->out->dims[d] = size != 1 ? size : run->out->dims[d];
        }
    }
    return OK;
}

enum status interpret_nary(struct interpretation *run)
{
    size_t count = run->node->input_count;
    enum status status = nary_shape(run);
    if (!status) {
        status = interpret_allocate(run, run->in[0]);
    }
    if (!status) {
        status = interpret_spend(run, (uint64_t)run->out->count * count);
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        double value = 0;
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        for (size_t k = 0; k < count; k++) {
            const struct onnx_tensor *in = &run->values[run->node->inputs[k]];
            size_t from = interpret_broadcast_index(in, at, run->out->rank - in->rank);
            double next = interpret_number(in, from);
            value = k ? apply(run->node->op, value, next) : next;
        }
        value = run->node->op == ONNX_MEAN ? value / (double)count : value;
        status = store(run, i, value);
    }
    return status;
}
