/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <math.h>
#include <string.h>

enum { AXIS_SINCE = 13 };

static void same_shape(struct interpretation *run)
{
    run->out->rank = run->in[0]->rank;
    memcpy(run->out->dims, run->in[0]->dims, sizeof run->out->dims);
}

/* The values that lie under output element `at`, one after the other. */
static double *gather_under(const struct interpretation *run, uint32_t mask,
                            const int64_t *at, double *room)
{
    const struct onnx_tensor *x = run->in[0];
    int64_t under[ONNX_MAX_RANK], own[ONNX_MAX_RANK];
    size_t count = 1;
    for (uint32_t d = 0; d < x->rank; d++) {
        under[d] = mask >> d & 1 ? x->dims[d] : 1;
        count *= (size_t)under[d];
    }
    for (size_t i = 0; i < count; i++) {
        size_t from = 0;
        interpret_unravel(i, under, x->rank, own);
        for (uint32_t d = 0; d < x->rank; d++) {
            from = from * (size_t)x->dims[d] + (size_t)(at[d] + own[d]);
        }
        room[i] = (double)x->floats[from];
    }
    return room;
}

static double reduced(enum onnx_op op, const double *values, size_t count)
{
    double sum = 0, absolute = 0, square = 0, product = 1, exponents = 0;
    double most = -INFINITY, least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        absolute += fabs(values[i]);
        square += values[i] * values[i];
        product *= values[i];
        exponents += exp(values[i]);
        most = values[i] > most ? values[i] : most;
        least = values[i] < least ? values[i] : least;
    }
    switch ((int)op) {
    case ONNX_REDUCE_MEAN:
        return sum / (double)count;
    case ONNX_REDUCE_SUM:
        return sum;
    case ONNX_REDUCE_MAX:
        return most;
    case ONNX_REDUCE_MIN:
        return least;
    case ONNX_REDUCE_PROD:
        return product;
    case ONNX_REDUCE_L1:
        return absolute;
    case ONNX_REDUCE_L2:
        return sqrt(square);
    case ONNX_REDUCE_SUM_SQUARE:
        return square;
    case ONNX_REDUCE_LOG_SUM:
        return log(sum);
    default: /* only the operators above and ReduceLogSumExp come here */
        return log(exponents);
    }
}

/* The axes as bits: all of them unless some are named. */
static enum status read_mask(struct interpretation *run, uint32_t *ret_mask)
{
    const int64_t *axes = NULL;
    size_t count = 0;
    int64_t rank = run->in[0]->rank;
    (void)interpret_ints(run, 1, "axes", &axes, &count);
    *ret_mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes ? axes[i] + (axes[i] < 0 ? rank : 0) : -1;
        if (axis < 0 || axis >= rank) {
            return interpret_refuse(run, "axes outside the rank");
        }
        *ret_mask |= UINT32_C(1) << axis;
    }
    if (count == 0 && onnx_attr_int(run->node->onnx, "noop_with_empty_axes", 0) == 0) {
        *ret_mask = (UINT32_C(1) << rank) - 1;
    }
    return OK;
}

/* Drops the reduced dimensions, which are 1, unless they are to be kept. */
static void drop_reduced(struct interpretation *run, uint32_t mask)
{
    uint32_t rank = 0;
    if (onnx_attr_int(run->node->onnx, "keepdims", 1) != 0) {
        return;
    }
    for (uint32_t d = 0; d < run->out->rank; d++) {
        if (!(mask >> d & 1)) {
            run->out->dims[rank++] = run->out->dims[d];
        }
    }
    run->out->rank = rank;
}

/* The output with the dimensions of the mask reduced to 1, and room for what is under
 * one element. */
static enum status begin_reduction(struct interpretation *run, uint32_t mask,
                                   const struct onnx_tensor *like, double **ret_room)
{
    same_shape(run);
    if (run->in[0]->count == 0) {
        return interpret_refuse(run, "an empty input");
    }
    for (uint32_t d = 0; d < run->out->rank; d++) {
        run->out->dims[d] = mask >> d & 1 ? 1 : run->out->dims[d];
    }
    enum status status = interpret_allocate(run, like);
    if (status) {
        return status;
    }
    *ret_room = arena_array(run->arena, run->in[0]->count / run->out->count + 1,
                            sizeof **ret_room);
    return *ret_room ? interpret_spend(run, run->in[0]->count)
                     : err_set(run->err, ERR_LIMIT, "the model needs too much memory");
}

enum status interpret_reduce(struct interpretation *run)
{
    uint32_t mask = 0;
    double *room = NULL;
    enum status status = read_mask(run, &mask);
    if (!status && mask == 0) {
        same_shape(run);
        return interpret_copy(run);
    }
    if (!status) {
        status = begin_reduction(run, mask, run->in[0], &room);
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        run->out->floats[i] =
            (float)reduced(run->node->op, gather_under(run, mask, at, room),
                           run->in[0]->count / run->out->count);
    }
    if (!status) {
        drop_reduced(run, mask);
    }
    return status;
}

enum status interpret_position(struct interpretation *run)
{
    int64_t axis = interpret_axis(run, 0, run->in[0]->rank), whole = 0;
    bool last = onnx_attr_int(run->node->onnx, "select_last_index", 0) != 0;
    double sign = run->node->op == ONNX_ARG_MAX ? 1 : -1, *room = NULL;
    if (axis < 0) {
        return interpret_refuse(run, "axis outside the rank");
    }
    uint32_t mask = UINT32_C(1) << axis;
    enum status status =
        begin_reduction(run, mask, &(struct onnx_tensor){.ints = &whole}, &room);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK], best = 0;
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        (void)gather_under(run, mask, at, room);
        for (int64_t k = 1; k < run->in[0]->dims[axis]; k++) {
            double more = sign * (room[k] - room[best]);
            best = more > 0 || (last && more == 0) ? k : best;
        }
        run->out->ints[i] = best;
    }
    if (!status) {
        drop_reduced(run, mask);
    }
    return status;
}

enum status interpret_log_softmax(struct interpretation *run)
{
    bool flat = run->graph->model->opset < AXIS_SINCE;
    const struct onnx_tensor *x = run->in[0];
    int64_t axis = interpret_axis(run, flat ? 1 : -1, x->rank);
    size_t count = 1, step = 1;
    if (axis < 0) {
        return interpret_refuse(run, "axis outside the rank");
    }
    for (int64_t d = axis; d < x->rank; d++) {
        *(d == axis || flat ? &count : &step) *= (size_t)x->dims[d];
    }
    same_shape(run);
    enum status status = interpret_copy(run);
    for (size_t line = 0; count > 0 && line < x->count / count && !status; line++) {
        const float *in = x->floats + line / step * count * step + line % step;
        float *out = run->out->floats + (in - x->floats);
        double sum = 0, most = -INFINITY;
        for (size_t i = 0; i < count; i++) {
            most = fmax(most, (double)in[i * step]);
        }
        for (size_t i = 0; i < count; i++) {
            sum += exp((double)in[i * step] - most);
        }
        for (size_t i = 0; i < count; i++) {
            out[i * step] = (float)((double)in[i * step] - most - log(sum));
        }
    }
    return status;
}

enum status interpret_instance(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0], *scale = run->in[1], *shift = run->in[2];
    double epsilon = (double)onnx_attr_float(run->node->onnx, "epsilon", 1e-5f);
    if (x->rank < 3 || !scale->floats || !shift->floats ||
        scale->count != (size_t)x->dims[1] || shift->count != scale->count) {
        return interpret_refuse(run, "parameters that are not one f32 a channel");
    }
    same_shape(run);
    enum status status = interpret_copy(run);
    size_t planes = (size_t)(x->dims[0] * x->dims[1]);
    size_t size = planes ? x->count / planes : 0;
    for (size_t p = 0; p < planes && !status; p++) {
        const float *in = x->floats + p * size;
        double sum = 0, square = 0;
        for (size_t i = 0; i < size; i++) {
            sum += (double)in[i];
        }
        double mean = sum / (double)size;
        for (size_t i = 0; i < size; i++) {
            square += ((double)in[i] - mean) * ((double)in[i] - mean);
        }
        double deviation = sqrt(square / (double)size + epsilon);
        size_t c = p % (size_t)x->dims[1];
        for (size_t i = 0; i < size; i++) {
            run->out->floats[p * size + i] =
                (float)(((double)in[i] - mean) / deviation * (double)scale->floats[c] +
                        (double)shift->floats[c]);
        }
    }
    return status;
}

enum status interpret_local_response(struct interpretation *run)
{
    const struct onnx_node *node = run->node->onnx;
    const struct onnx_tensor *x = run->in[0];
    double alpha = (double)onnx_attr_float(node, "alpha", 1e-4f);
    double beta = (double)onnx_attr_float(node, "beta", 0.75f);
    double bias = (double)onnx_attr_float(node, "bias", 1);
    int64_t size = onnx_attr_int(node, "size", 0);
    if (x->rank < 2 || size < 1 || size > NN_MAX_DIM || x->count == 0) {
        return interpret_refuse(run, "no channels or a size out of range");
    }
    same_shape(run);
    enum status status = interpret_copy(run);
    int64_t channels = x->dims[1];
    size_t plane = x->count / (size_t)(x->dims[0] * channels);
    if (!status) {
        status = interpret_spend(run, x->count * (uint64_t)size);
    }
    for (size_t i = 0; i < x->count && !status; i++) {
        int64_t c = (int64_t)(i / plane) % channels;
        double sum = 0;
        for (int64_t k = c - (size - 1) / 2; k <= c + size / 2; k++) {
            double value = k >= 0 && k < channels
                               ? (double)x->floats[(int64_t)i + (k - c) * (int64_t)plane]
                               : 0;
            sum += value * value;
        }
        run->out->floats[i] =
            (float)((double)x->floats[i] / pow(bias + alpha / (double)size * sum, beta));
    }
    return status;
}
