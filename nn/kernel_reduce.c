/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/kernel.h"

/* What is known of the values under one output element. */
struct folded {
    double sum, most; /* `most`: the extreme that is looked for */
    size_t position;  /* of that extreme */
};

static double start_of(int32_t function)
{
    switch (function) {
    case NN_PRODUCT_OF:
        return 1;
    default: /* a number from the file, checked when it was opened: sums */
        return 0;
    }
}

/* Takes up value number `i`. */
static void take(struct folded *folded, int32_t function, double value, size_t i)
{
    bool more = value > folded->most, less = value < folded->most;
    bool equal = value == folded->most;
    bool found = i == 0;
    switch (function) {
    case NN_MAX_OF:
    case NN_ARG_MAX:
        found = found || more;
        break;
    case NN_ARG_MAX_LAST:
        found = found || more || equal;
        break;
    case NN_MIN_OF:
    case NN_ARG_MIN:
        found = found || less;
        break;
    case NN_ARG_MIN_LAST:
        found = found || less || equal;
        break;
    case NN_PRODUCT_OF:
        folded->sum *= value;
        break;
    case NN_L1_OF:
        folded->sum += fabs(value);
        break;
    case NN_L2_OF:
    case NN_SUM_SQUARE_OF:
        folded->sum += value * value;
        break;
    case NN_LOG_SUM_EXP_OF:
        folded->sum += exp(value - folded->most);
        break;
    default: /* a number from the file, checked when it was opened: plain sums */
        folded->sum += value;
        break;
    }
    if (found && function != NN_LOG_SUM_EXP_OF) {
        folded->most = value;
        folded->position = i;
    }
}

static double result_of(const struct folded *folded, int32_t function, size_t count)
{
    switch (function) {
    case NN_MEAN_OF:
        return folded->sum / (double)count;
    case NN_MAX_OF:
    case NN_MIN_OF:
        return folded->most;
    case NN_ARG_MAX:
    case NN_ARG_MAX_LAST:
    case NN_ARG_MIN:
    case NN_ARG_MIN_LAST:
        return (double)folded->position;
    case NN_L2_OF:
        return sqrt(folded->sum);
    case NN_LOG_SUM_OF:
        return log(folded->sum);
    case NN_LOG_SUM_EXP_OF:
        return log(folded->sum) + folded->most;
    default: /* a number from the file, checked when it was opened: plain sums */
        return folded->sum;
    }
}

/* The reduced dimensions of the input (1 elsewhere) and the steps of all of them. */
struct reduction {
    struct nn_shape under;
    size_t steps[NN_MAX_RANK];
    size_t count;
    int32_t function;
};

static size_t offset_of(const struct reduction *reduction,
                        const struct nn_odometer *odometer)
{
    size_t offset = 0;
    for (uint32_t d = 0; d < reduction->under.rank; d++) {
        offset += odometer->at[d] * reduction->steps[d];
    }
    return offset;
}

/* All values from `in` on that one output element is made of. */
static void walk(const struct reduction *reduction, const float *in, int32_t function,
                 struct folded *folded)
{
    struct nn_odometer odometer = {0};
    for (size_t i = 0; i < reduction->count; i++) {
        take(folded, function, (double)in[offset_of(reduction, &odometer)], i);
        nn_odometer_next(&odometer, &reduction->under);
    }
}

void nn_reduce(const struct nn_call *call)
{
    const struct nn_shape *in = call->in[0].shape, *out = call->out_shape;
    struct reduction reduction = {.under = *in, .function = call->op->attrs[0]};
    uint32_t axes = (uint32_t)call->op->attrs[1];
    for (uint32_t d = 0; d < in->rank; d++) {
        reduction.steps[d] = nn_shape_product(in, d + 1, in->rank);
        reduction.under.dims[d] = axes >> d & 1 ? in->dims[d] : 1;
    }
    reduction.count = nn_shape_product(&reduction.under, 0, in->rank);
    size_t total = nn_shape_product(out, 0, out->rank);
    struct nn_odometer odometer = {0};
    for (size_t i = 0; i < total; i++, nn_odometer_next(&odometer, out)) {
        const float *from = call->in[0].data + offset_of(&reduction, &odometer);
        struct folded folded = {.sum = start_of(reduction.function)};
        if (reduction.function == NN_LOG_SUM_EXP_OF) {
            walk(&reduction, from, NN_MAX_OF, &folded);
        }
        walk(&reduction, from, reduction.function, &folded);
        call->out[i] = (float)result_of(&folded, reduction.function, reduction.count);
    }
}
