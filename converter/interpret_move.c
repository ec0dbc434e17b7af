/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <string.h>

enum { PAD_AXES_INPUT = 3, PAD_LIMIT = 1 << 24 };

/* An axis counted from either end of `rank` dimensions, or -1. */
static int64_t whole_axis(int64_t axis, int64_t rank)
{
    axis += axis < 0 ? rank : 0;
    return axis >= 0 && axis < rank ? axis : -1;
}

enum status interpret_reshape(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    const int64_t *wanted;
    size_t count;
    if (!interpret_ints(run, 1, "shape", &wanted, &count) || count > ONNX_MAX_RANK) {
        return interpret_refuse(run, "no constant shape of rank at most 6");
    }
    bool keep_zero = onnx_attr_int(run->node->onnx, "allowzero", 0) != 0;
    int64_t known = 1;
    int open = -1;
    run->out->rank = (uint32_t)count;
    for (size_t d = 0; d < count; d++) {
        int64_t dim = wanted[d];
        if (dim == 0 && !keep_zero && d < x->rank) {
            dim = x->dims[d];
        }
        if (dim == -1 && open < 0) {
            open = (int)d;
            continue;
        }
        if (dim < 1 || dim > NN_MAX_DIM || known > NN_MAX_ELEMENTS) {
            return interpret_refuse(run,
                                    "a shape with a zero, an unknown or a second -1");
        }
        known *= dim;
        run->out->dims[d] = dim;
    }
    if (open >= 0) {
        run->out->dims[open] = (int64_t)x->count / known;
    }
    return interpret_copy(run);
}

enum status interpret_flatten(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    int64_t axis = onnx_attr_int(run->node->onnx, "axis", 1);
    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis > x->rank) {
        return interpret_refuse(run, "axis outside the rank");
    }
    run->out->rank = 2;
    run->out->dims[0] = run->out->dims[1] = 1;
    for (int64_t d = 0; d < x->rank; d++) {
        run->out->dims[d < axis ? 0 : 1] *= x->dims[d];
    }
    return interpret_copy(run);
}

/* The set of axes as bits; false if one is out of range or named twice. */
static bool axes_mask(const int64_t *axes, size_t count, int64_t rank, uint32_t *ret_mask)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = whole_axis(axes[i], rank);
        if (axis < 0 || (mask >> axis & 1)) {
            return false;
        }
        mask |= UINT32_C(1) << axis;
    }
    *ret_mask = mask;
    return true;
}

enum status interpret_squeeze(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    const int64_t *axes = NULL;
    size_t count = 0;
    uint32_t mask = 0;
    bool given = interpret_ints(run, 1, "axes", &axes, &count);
    if (given && !axes_mask(axes, count, x->rank, &mask)) {
        return interpret_refuse(run, "axes outside the rank");
    }
    for (uint32_t d = 0; d < x->rank; d++) {
        bool drop = given ? (mask >> d & 1) != 0 : x->dims[d] == 1;
        if (drop && x->dims[d] != 1) {
            return interpret_refuse(run, "an axis that is longer than 1");
        }
        if (!drop) {
            run->out->dims[run->out->rank++] = x->dims[d];
        }
    }
    return interpret_copy(run);
}

enum status interpret_unsqueeze(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    const int64_t *axes;
    size_t count, next = 0;
    uint32_t mask = 0;
    if (!interpret_ints(run, 1, "axes", &axes, &count) ||
        count + x->rank > ONNX_MAX_RANK ||
        !axes_mask(axes, count, (int64_t)(x->rank + count), &mask)) {
        return interpret_refuse(run, "axes that are missing or outside the rank");
    }
    run->out->rank = x->rank + (uint32_t)count;
    for (uint32_t d = 0; d < run->out->rank; d++) {
        run->out->dims[d] = mask >> d & 1 ? 1 : x->dims[next++];
    }
    return interpret_copy(run);
}

enum status interpret_transpose(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    int64_t perm[ONNX_MAX_RANK];
    uint32_t mask = 0;
    for (uint32_t d = 0; d < x->rank; d++) {
        perm[d] = x->rank - 1 - d;
    }
    if (!onnx_attr_ints(run->node->onnx, "perm", perm, x->rank) ||
        !axes_mask(perm, x->rank, x->rank, &mask)) {
        return interpret_refuse(run, "no permutation of the axes");
    }
    run->out->rank = x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        perm[d] = whole_axis(perm[d], x->rank);
        run->out->dims[d] = x->dims[perm[d]];
    }
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK], source[ONNX_MAX_RANK] = {0};
        interpret_unravel(i, run->out->dims, x->rank, at);
        size_t from = 0;
        for (uint32_t d = 0; d < x->rank; d++) {
            source[perm[d]] = at[d];
        }
        for (uint32_t d = 0; d < x->rank; d++) {
            from = from * (size_t)x->dims[d] + (size_t)source[d];
        }
        interpret_move(run, x, from, i);
    }
    return status;
}

static enum status concat_shape(struct interpretation *run, int64_t axis)
{
    const struct onnx_tensor *first = run->in[0];
    run->out->rank = first->rank;
    memcpy(run->out->dims, first->dims, sizeof run->out->dims);
    run->out->dims[axis] = 0;
    for (size_t i = 0; i < run->node->input_count; i++) {
        int32_t number = run->node->inputs[i];
        const struct onnx_tensor *in =
            number == GRAPH_NO_VALUE ? NULL : &run->values[number];
        if (!in || in->rank != first->rank || !in->ints != !first->ints) {
            return interpret_refuse(run, "inputs of different rank or type");
        }
        for (uint32_t d = 0; d < in->rank; d++) {
            if (d != axis && in->dims[d] != first->dims[d]) {
                return interpret_refuse(run, "inputs that differ outside the axis");
            }
        }
        run->out->dims[axis] += in->dims[axis];
    }
    return OK;
}

enum status interpret_concat(struct interpretation *run)
{
    int64_t axis =
        whole_axis(onnx_attr_int(run->node->onnx, "axis", 1), run->in[0]->rank);
    if (axis < 0) {
        return interpret_refuse(run, "axis outside the rank");
    }
    enum status status = concat_shape(run, axis);
    if (!status) {
        status = interpret_allocate(run, run->in[0]);
    }
    if (status) {
        return status;
    }
    size_t inner = 1;
    for (uint32_t d = (uint32_t)axis + 1; d < run->out->rank; d++) {
        inner *= (size_t)run->out->dims[d];
    }
    size_t row = inner * (size_t)run->out->dims[axis], begin = 0;
    for (size_t i = 0; i < run->node->input_count; i++) {
        const struct onnx_tensor *in = &run->values[run->node->inputs[i]];
        size_t piece = inner * (size_t)in->dims[axis];
        for (size_t k = 0; k < in->count; k++) {
            interpret_move(run, in, k, k / piece * row + begin + k % piece);
        }
        begin += piece;
    }
    return OK;
}

/* Pads of every dimension: `begin` in the first six, `end` in the others. */
static enum status read_pads(struct interpretation *run, int64_t pads[2 * ONNX_MAX_RANK])
{
    const struct onnx_tensor *x = run->in[0], *axes = run->in[PAD_AXES_INPUT];
    const char *name = run->graph->model->opset == 1 ? "paddings" : "pads";
    const int64_t *values;
    size_t count, named = x->rank;
    if (axes) {
        named = axes->count;
    }
    if (!interpret_ints(run, 1, name, &values, &count) || named > x->rank ||
        count != 2 * named || (axes && !axes->ints)) {
        return interpret_refuse(run, "pads that are missing or do not fit the rank");
    }
    for (size_t i = 0; i < named; i++) {
        int64_t axis = axes ? whole_axis(axes->ints[i], x->rank) : (int64_t)i;
        if (axis < 0 || values[i] < 0 || values[named + i] < 0 || values[i] > PAD_LIMIT ||
            values[named + i] > PAD_LIMIT) {
            return interpret_refuse(run, "negative or very large pads");
        }
        pads[axis] = values[i];
        pads[ONNX_MAX_RANK + axis] = values[named + i];
    }
    return OK;
}

/* The input position that position `at` shows, or -1 for the constant. */
static int64_t pad_source(int64_t at, int64_t size, const char *mode)
{
    if (at >= 0 && at < size) {
        return at;
    }
    if (strcmp(mode, "reflect") == 0) {
        return at < 0 ? -at : 2 * size - 2 - at;
    }
    if (strcmp(mode, "edge") == 0) {
        return at < 0 ? 0 : size - 1;
    }
    return -1;
}

static enum status pad_shape(struct interpretation *run, const char *mode,
                             const int64_t pads[2 * ONNX_MAX_RANK])
{
    const struct onnx_tensor *x = run->in[0];
    bool reflect = strcmp(mode, "reflect") == 0;
    if (!reflect && strcmp(mode, "edge") != 0 && strcmp(mode, "constant") != 0) {
        return interpret_refuse(run, "an unknown mode");
    }
    run->out->rank = x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        int64_t begin = pads[d], end = pads[ONNX_MAX_RANK + d];
        if (reflect && (begin >= x->dims[d] || end >= x->dims[d])) {
            return interpret_refuse(run, "reflection over more than the input");
        }
        run->out->dims[d] = x->dims[d] + begin + end;
    }
    return OK;
}

enum status interpret_pad(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0], *given = run->in[2];
    const char *mode = onnx_attr_text(run->node->onnx, "mode", "constant");
    int64_t pads[2 * ONNX_MAX_RANK] = {0};
    float value = onnx_attr_float(run->node->onnx, "value", 0);
    if (given && given->count != 1) {
        return interpret_refuse(run, "a value that is no scalar");
    }
    value = given ? (float)interpret_number(given, 0) : value;
    enum status status = read_pads(run, pads);
    if (!status) {
        status = pad_shape(run, mode, pads);
    }
    if (!status) {
        status = interpret_allocate(run, x);
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK], from = 0;
        interpret_unravel(i, run->out->dims, x->rank, at);
        for (uint32_t d = 0; d < x->rank && from >= 0; d++) {
            int64_t source = pad_source(at[d] - pads[d], x->dims[d], mode);
            from = source < 0 ? -1 : from * x->dims[d] + source;
        }
        if (from >= 0) {
            interpret_move(run, x, (size_t)from, i);
        } else if (run->out->ints) {
            run->out->ints[i] = (int64_t)value;
        } else {
            run->out->floats[i] = value;
        }
    }
    return status;
}
