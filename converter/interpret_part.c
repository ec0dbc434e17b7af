/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <math.h>
#include <string.h>

enum { ELEM_FLOAT = 1, ELEM_INT32 = 6, ELEM_INT64 = 7, ELEM_BOOL = 9, ELEM_DOUBLE = 11 };

/* An output of integers. */
static enum status allocate_ints(struct interpretation *run)
{
    int64_t any = 0;
    return interpret_allocate(run, &(struct onnx_tensor){.ints = &any});
}

/* The place of coordinates in a tensor. */
static size_t ravel(const struct onnx_tensor *tensor, const int64_t *at)
{
    size_t index = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        index = index * (size_t)tensor->dims[d] + (size_t)at[d];
    }
    return index;
}

static int64_t bounded(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

enum status interpret_shape(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    int64_t rank = x->rank, start = onnx_attr_int(run->node->onnx, "start", 0);
    int64_t end = onnx_attr_int(run->node->onnx, "end", rank);
    start = bounded(start + (start < 0 ? rank : 0), 0, rank);
    end = bounded(end + (end < 0 ? rank : 0), start, rank);
    run->out->rank = 1;
    run->out->dims[0] = end - start;
    enum status status = allocate_ints(run);
    for (int64_t d = start; d < end && !status; d++) {
        run->out->ints[d - start] = x->dims[d];
    }
    return status;
}

enum status interpret_size(struct interpretation *run)
{
    run->out->rank = 0;
    enum status status = allocate_ints(run);
    if (!status) {
        run->out->ints[0] = (int64_t)run->in[0]->count;
    }
    return status;
}

enum status interpret_gather(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0], *indices = run->in[1];
    int64_t axis = interpret_axis(run, 0, x->rank);
    if (axis < 0 || !indices->ints || x->rank + indices->rank > ONNX_MAX_RANK + 1) {
        return interpret_refuse(run, "axis or indices that do not fit");
    }
    for (uint32_t d = 0; d < x->rank + indices->rank - 1; d++) {
        int64_t own = d - axis;
        bool inside = own >= 0 && own < indices->rank;
        run->out->dims[d] = inside    ? indices->dims[own]
                            : own < 0 ? x->dims[d]
                                      : x->dims[d + 1 - indices->rank];
    }
    run->out->rank = x->rank + indices->rank - 1;
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK] = {0}, from[ONNX_MAX_RANK] = {0};
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        int64_t index = indices->ints[ravel(indices, at + axis)];
        index += index < 0 ? x->dims[axis] : 0;
        if (index < 0 || index >= x->dims[axis]) {
            return interpret_refuse(run, "an index outside the axis");
        }
        for (uint32_t d = 0; d < x->rank; d++) {
            from[d] = d < axis ? at[d] : d > axis ? at[d + indices->rank - 1] : index;
        }
        interpret_move(run, x, ravel(x, from), i);
    }
    return status;
}

enum status interpret_cast(struct interpretation *run)
{
    static const struct {
        const char *name;
        int64_t type;
    } names[] = {{"FLOAT", ELEM_FLOAT}, {"INT64", ELEM_INT64}, {"INT32", ELEM_INT32}};
    int64_t to = onnx_attr_int(run->node->onnx, "to", 0);
    const char *text = onnx_attr_text(run->node->onnx, "to", "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        to = strcmp(text, names[i].name) == 0 ? names[i].type : to;
    }
    run->out->rank = run->in[0]->rank;
    memcpy(run->out->dims, run->in[0]->dims, sizeof run->out->dims);
    bool floats = to == ELEM_FLOAT || to == ELEM_DOUBLE;
    if (!floats && to != ELEM_INT32 && to != ELEM_INT64 && to != ELEM_BOOL) {
        return interpret_refuse(run, "a cast to an element type that is not known");
    }
    enum status status = floats
                             ? interpret_allocate(run, &(struct onnx_tensor){.rank = 0})
                             : allocate_ints(run);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        double value = interpret_number(run->in[0], i);
        if (floats) {
            run->out->floats[i] = (float)value;
        } else if (to == ELEM_BOOL) {
            run->out->ints[i] = value != 0;
        } else if (fabs(value) < (to == ELEM_INT32 ? 0x1p31 : 0x1p53)) {
            run->out->ints[i] = (int64_t)value;
        } else {
            return interpret_refuse(run, "a value that the integer cannot hold");
        }
    }
    return status;
}

enum status interpret_expand(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0], *shape = run->in[1];
    if (!shape->ints || shape->count > ONNX_MAX_RANK) {
        return interpret_refuse(run, "a shape that is no list of integers");
    }
    uint32_t wanted = (uint32_t)shape->count;
    run->out->rank = x->rank > wanted ? x->rank : wanted;
    for (uint32_t d = 0; d < run->out->rank; d++) {
        uint32_t behind = run->out->rank - d;
        int64_t own = behind <= x->rank ? x->dims[x->rank - behind] : 1;
        int64_t other = behind <= wanted ? shape->ints[wanted - behind] : 1;
        if (own != other && own != 1 && other != 1) {
            return interpret_refuse(run, "a shape that does not broadcast");
        }
        run->out->dims[d] = own == 1 ? other : own;
    }
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        interpret_move(run, x, interpret_broadcast_index(x, at, run->out->rank - x->rank),
                       i);
    }
    return status;
}

enum status interpret_fill(struct interpretation *run)
{
    const struct onnx_attr *attr = onnx_attr_find(run->node->onnx, "value");
    const struct onnx_tensor *shape = run->in[0];
    float zero = 0;
    struct onnx_tensor like = {.count = 1, .floats = &zero};
    if (attr && attr->tensor) {
        like = *attr->tensor;
    }
    if (!shape->ints || shape->count > ONNX_MAX_RANK || like.count != 1) {
        return interpret_refuse(run, "a shape or a value of another form");
    }
    run->out->rank = (uint32_t)shape->count;
    memcpy(run->out->dims, shape->ints, shape->count * sizeof *shape->ints);
    enum status status = interpret_allocate(run, &like);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        interpret_move(run, &like, 0, i);
    }
    return status;
}

enum status interpret_tile(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0], *repeats = run->in[1];
    if (!repeats->ints || repeats->count != x->rank || run->node->input_count != 2) {
        return interpret_refuse(run, "repeats that are not one a dimension");
    }
    run->out->rank = x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        if (repeats->ints[d] < 0 || repeats->ints[d] > NN_MAX_DIM) {
            return interpret_refuse(run, "repeats out of range");
        }
        run->out->dims[d] = x->dims[d] * repeats->ints[d];
    }
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, run->out->rank, at);
        for (uint32_t d = 0; d < x->rank; d++) {
            at[d] %= x->dims[d];
        }
        interpret_move(run, x, ravel(x, at), i);
    }
    return status;
}

/* What a Slice takes of each dimension. */
struct ranges {
    int64_t start[ONNX_MAX_RANK], step[ONNX_MAX_RANK], size[ONNX_MAX_RANK];
};

/* Counts the positions one by one, as the definition does. */
static bool read_range(struct ranges *ranges, int64_t d, int64_t dim,
                       const int64_t *range)
{
    int64_t start = range[0] < 0 ? range[0] + dim : range[0];
    int64_t end = range[1] < 0 ? range[1] + dim : range[1], step = range[2];
    if (step == 0 || dim == 0) {
        return false;
    }
    step = bounded(step, -dim, dim);
    start = bounded(start, 0, step < 0 ? dim - 1 : dim);
    end = bounded(end, step < 0 ? -1 : 0, dim);
    ranges->start[d] = start;
    ranges->step[d] = step;
    ranges->size[d] = 0;
    for (int64_t at = start; step > 0 ? at < end : at > end; at += step) {
        ranges->size[d]++;
    }
    return true;
}

static enum status read_ranges(struct interpretation *run, struct ranges *ranges)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    const struct onnx_tensor *x = run->in[0];
    const int64_t *values[4] = {NULL};
    size_t counts[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        bool given = interpret_ints(run, i + 1, names[i], &values[i], &counts[i]);
        if ((run->in[i + 1] && !given) || (i < 2 && !given) ||
            (given && counts[i] != counts[0])) {
            return interpret_refuse(run, "starts, ends, axes or steps that do not fit");
        }
    }
    for (size_t i = 0; i < counts[0]; i++) {
        int64_t d = values[2] ? values[2][i] : (int64_t)i;
        d += d < 0 ? x->rank : 0;
        int64_t range[] = {values[0][i], values[1][i], values[3] ? values[3][i] : 1};
        if (d < 0 || d >= x->rank || !read_range(ranges, d, x->dims[d], range)) {
            return interpret_refuse(run, "axes outside the rank or a step of 0");
        }
    }
    return OK;
}

static struct ranges whole_ranges(const struct onnx_tensor *x)
{
    struct ranges ranges = {{0}, {0}, {0}};
    for (uint32_t d = 0; d < x->rank; d++) {
        ranges.step[d] = 1;
        ranges.size[d] = x->dims[d];
    }
    return ranges;
}

static enum status take(struct interpretation *run, const struct ranges *ranges)
{
    const struct onnx_tensor *x = run->in[0];
    run->out->rank = x->rank;
    memcpy(run->out->dims, ranges->size, sizeof run->out->dims);
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[ONNX_MAX_RANK];
        interpret_unravel(i, run->out->dims, x->rank, at);
        for (uint32_t d = 0; d < x->rank; d++) {
            at[d] = ranges->start[d] + at[d] * ranges->step[d];
        }
        interpret_move(run, x, ravel(x, at), i);
    }
    return status;
}

enum status interpret_slice(struct interpretation *run)
{
    struct ranges ranges = whole_ranges(run->in[0]);
    enum status status = read_ranges(run, &ranges);
    return status ? status : take(run, &ranges);
}

enum status interpret_split(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    const int64_t *sizes = NULL;
    size_t count = 0, outputs = run->node->output_count;
    int64_t axis = interpret_axis(run, 0, x->rank);
    bool given = interpret_ints(run, 1, "split", &sizes, &count);
    if (axis < 0 || (run->in[1] && !given) || (given && count != outputs)) {
        return interpret_refuse(run, "axis or sizes that do not fit");
    }
    int64_t each = (x->dims[axis] + (int64_t)outputs - 1) / (int64_t)outputs;
    struct ranges ranges = whole_ranges(x);
    for (size_t o = 0; o <= run->output; o++) {
        ranges.start[axis] += o ? ranges.size[axis] : 0;
        int64_t left = x->dims[axis] - ranges.start[axis];
        ranges.size[axis] = given ? sizes[o] : each < left ? each : left;
        if (ranges.size[axis] < 0 || ranges.size[axis] > left) {
            return interpret_refuse(run, "parts that do not fit");
        }
    }
    return take(run, &ranges);
}

/* DepthToSpace and SpaceToDepth: where every output value comes from. */
enum status interpret_blocks(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    int64_t block = onnx_attr_int(run->node->onnx, "blocksize", 0);
    const char *mode = onnx_attr_text(run->node->onnx, "mode", "DCR");
    bool to_space = run->node->op == ONNX_DEPTH_TO_SPACE, column = mode[0] == 'C';
    if (x->rank != 4 || block < 1 || block > UINT16_MAX ||
        (to_space ? x->dims[1] % (block * block) != 0
                  : x->dims[2] % block != 0 || x->dims[3] % block != 0)) {
        return interpret_refuse(run, "dimensions that are no blocks");
    }
    int64_t area = block * block;
    run->out->rank = 4;
    run->out->dims[0] = x->dims[0];
    run->out->dims[1] = to_space ? x->dims[1] / area : x->dims[1] * area;
    run->out->dims[2] = to_space ? x->dims[2] * block : x->dims[2] / block;
    run->out->dims[3] = to_space ? x->dims[3] * block : x->dims[3] / block;
    enum status status = interpret_allocate(run, x);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[4], from[4];
        interpret_unravel(i, run->out->dims, 4, at);
        from[0] = at[0];
        if (to_space) {
            int64_t place = at[2] % block * block + at[3] % block;
            from[1] = column ? at[1] * area + place : place * run->out->dims[1] + at[1];
            from[2] = at[2] / block;
            from[3] = at[3] / block;
        } else {
            int64_t place = at[1] / x->dims[1];
            from[1] = at[1] % x->dims[1];
            from[2] = at[2] * block + place / block;
            from[3] = at[3] * block + place % block;
        }
        interpret_move(run, x, ravel(x, from), i);
    }
    return status;
}
