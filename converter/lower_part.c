/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "converter/lower.h"

enum { TILE_REPEATS_SINCE = 6, ELEM_FLOAT = 1, ELEM_DOUBLE = 11 };

/* The first input's tensor and shape. */
static enum status first(struct lowering *lowering, const struct graph_node *node,
                         uint32_t *ret_x, struct nn_shape *ret_shape)
{
    enum status status = lower_operand(lowering, node, 0, ret_x);
    if (!status) {
        *ret_shape = lowering->ir->tensors[*ret_x].shape;
    }
    return status;
}

/* A Slice that takes all of a shape. */
static struct ir_node whole(const struct nn_shape *shape)
{
    struct ir_node made = {.code = NN_SLICE};
    for (uint32_t d = 0; d < shape->rank; d++) {
        made.attrs[NN_L_STEP + d] = 1;
        made.attrs[NN_L_SIZE + d] = (int32_t)shape->dims[d];
    }
    return made;
}

/* `count` positions of `axis` from `start` on. */
static enum status part(struct lowering *lowering, const struct graph_node *node,
                        uint32_t x, const uint32_t range[3], uint32_t *ret_tensor)
{
    struct ir_node made = whole(&lowering->ir->tensors[x].shape);
    made.attrs[NN_L_START + range[0]] = (int32_t)range[1];
    made.attrs[NN_L_SIZE + range[0]] = (int32_t)range[2];
    made.inputs = &x;
    made.input_count = 1;
    return lower_step(lowering, node, &made, NULL, ret_tensor);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One axis of an ONNX Slice; false when nothing would be left. */
static bool slice_axis(struct ir_node *made, uint32_t d, int64_t size,
                       const int64_t *range)
{
    int64_t start = range[0], end = range[1], step = clamp(range[2], -size, size);
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    if (step == 0) {
        return false;
    }
    start = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    int64_t distance = step > 0 ? end - start : start - end;
    int64_t stride = step > 0 ? step : -step;
    if (distance <= 0) {
        return false;
    }
    made->attrs[NN_L_START + d] = (int32_t)start;
    made->attrs[NN_L_STEP + d] = (int32_t)step;
    made->attrs[NN_L_SIZE + d] = (int32_t)((distance + stride - 1) / stride);
    return true;
}

enum status lower_slice(struct lowering *lowering, const struct graph_node *node)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    const int64_t *values[4] = {NULL};
    size_t counts[4] = {0};
    struct nn_shape shape;
    uint32_t x;
    enum status status = first(lowering, node, &x, &shape);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < 4; i++) {
        bool given = lower_ints(lowering, node, i + 1, names[i], &values[i], &counts[i]);
        if (lower_is_dynamic(lowering, node, i + 1) || (i < 2 && !given) ||
            counts[0] > shape.rank || (given && counts[i] != counts[0])) {
            return lower_refuse(lowering, node,
                                "starts, ends, axes or steps that are not constant");
        }
    }
    struct ir_node made = whole(&shape);
    for (size_t i = 0; i < counts[0]; i++) {
        int64_t d = counts[2] ? values[2][i] : (int64_t)i;
        d += d < 0 ? shape.rank : 0;
        if (d < 0 || d >= shape.rank) {
            return lower_refuse(lowering, node, "axes outside the rank");
        }
        const int64_t range[] = {values[0][i], values[1][i],
                                 counts[3] ? values[3][i] : 1};
        if (!slice_axis(&made, (uint32_t)d, shape.dims[d], range)) {
            return lower_refuse(lowering, node, "nothing is left");
        }
    }
    return lower_emit(lowering, node, &made, 1, NULL);
}

/* The size of output `o`, or 0. */
static uint32_t split_size(const struct graph_node *node, const int64_t *sizes,
                           size_t count, size_t o, uint32_t dim)
{
    uint32_t outputs = (uint32_t)node->output_count;
    if (count) {
        return sizes[o] > 0 && sizes[o] <= dim ? (uint32_t)sizes[o] : 0;
    }
    uint32_t each = (dim + outputs - 1) / outputs;
    if (dim % outputs != 0 && !onnx_attr_find(node->onnx, "num_outputs")) {
        return 0;
    }
    return o + 1 < outputs ? each : dim - each * (outputs - 1);
}

enum status lower_split(struct lowering *lowering, const struct graph_node *node)
{
    const int64_t *sizes = NULL;
    size_t count = 0;
    struct nn_shape shape;
    uint32_t x, axis;
    enum status status = first(lowering, node, &x, &shape);
    if (!status) {
        status = lower_axis(lowering, node, 0, shape.rank, &axis);
    }
    if (status) {
        return status;
    }
    (void)lower_ints(lowering, node, 1, "split", &sizes, &count);
    if (lower_is_dynamic(lowering, node, 1) || (count && count != node->output_count)) {
        return lower_refuse(lowering, node, "sizes that are not constant or do not fit");
    }
    uint32_t begin = 0;
    for (size_t o = 0; o < node->output_count && !status; o++) {
        uint32_t size = split_size(node, sizes, count, o, shape.dims[axis]);
        uint32_t tensor;
        if (size == 0 || size > shape.dims[axis] - begin) {
            return lower_refuse(lowering, node, "parts that are empty or do not fit");
        }
        status = part(lowering, node, x, (uint32_t[]){axis, begin, size}, &tensor);
        begin += size;
        if (!status && node->outputs[o] != GRAPH_NO_VALUE) {
            struct graph_node one = *node;
            one.output = node->outputs[o];
            lower_finish(lowering, &one, tensor);
        }
    }
    return status;
}

/* The parts of `x` that the indices name, joined along the axis again. */
static enum status gather_parts(struct lowering *lowering, const struct graph_node *node,
                                uint32_t axis, const struct onnx_tensor *indices,
                                uint32_t *x)
{
    uint32_t size = lowering->ir->tensors[*x].shape.dims[axis];
    uint32_t *parts = arena_array(lowering->arena, indices->count, sizeof *parts);
    enum status status = OK;
    if (!parts || indices->count == 0 || indices->count > NN_MAX_CONCAT) {
        return lower_refuse(lowering, node, "no or too many indices");
    }
    for (size_t i = 0; i < indices->count && !status; i++) {
        int64_t at = indices->ints[i] + (indices->ints[i] < 0 ? size : 0);
        if (at < 0 || at >= size) {
            return lower_refuse(lowering, node, "an index outside the axis");
        }
        status = part(lowering, node, *x, (uint32_t[]){axis, (uint32_t)at, 1}, &parts[i]);
    }
    struct ir_node join = {.code = NN_CONCAT,
                           .attrs = {(int32_t)axis},
                           .inputs = parts,
                           .input_count = (uint32_t)indices->count};
    return status ? status : lower_step(lowering, node, &join, NULL, x);
}

enum status lower_gather(struct lowering *lowering, const struct graph_node *node)
{
    const struct onnx_tensor *indices = lower_constant(lowering, node, 1);
    struct nn_shape shape, wished = {0};
    uint32_t x, axis;
    enum status status = first(lowering, node, &x, &shape);
    if (!status) {
        status = lower_axis(lowering, node, 0, shape.rank, &axis);
    }
    if (status) {
        return status;
    }
    if (!indices || !indices->ints || shape.rank + indices->rank > NN_MAX_RANK + 1) {
        return lower_refuse(lowering, node, "indices that are not constant integers");
    }
    status = gather_parts(lowering, node, axis, indices, &x);
    for (uint32_t d = 0; d < shape.rank; d++) {
        for (uint32_t i = 0; d == axis && i < indices->rank; i++) {
            wished.dims[wished.rank++] = (uint32_t)indices->dims[i];
        }
        if (d != axis) {
            wished.dims[wished.rank++] = shape.dims[d];
        }
    }
    if (!status) {
        status = lower_reshape_step(lowering, node, x, &wished, &x);
    }
    if (!status) {
        lower_finish(lowering, node, x);
    }
    return status;
}

/* Multiplies by ones, which broadcast: what is repeated stays as it is. */
enum status lower_expand(struct lowering *lowering, const struct graph_node *node)
{
    const struct onnx_tensor *wanted = lower_constant(lowering, node, 1);
    struct nn_shape shape, ones = {0};
    uint32_t operands[2];
    enum status status = first(lowering, node, &operands[0], &shape);
    if (status) {
        return status;
    }
    if (!wanted || !wanted->ints || wanted->rank != 1 || wanted->count > NN_MAX_RANK) {
        return lower_refuse(lowering, node, "a shape that is not constant");
    }
    ones.rank = (uint32_t)wanted->count;
    for (uint32_t d = 0; d < ones.rank; d++) {
        uint32_t behind = ones.rank - d;
        bool own = behind <= shape.rank && shape.dims[shape.rank - behind] != 1;
        bool fits = wanted->ints[d] >= 1 && wanted->ints[d] <= NN_MAX_DIM;
        if (!fits || (own && wanted->ints[d] != 1 &&
                      wanted->ints[d] != shape.dims[shape.rank - behind])) {
            return lower_refuse(lowering, node, "a shape that does not broadcast");
        }
        ones.dims[d] = own ? 1 : (uint32_t)wanted->ints[d];
    }
    uint32_t count = nn_shape_elements(&ones);
    float *data = arena_array(lowering->arena, count, sizeof *data);
    for (uint32_t i = 0; data && i < count; i++) {
        data[i] = 1;
    }
    operands[1] =
        data && count ? ir_add_constant(lowering->ir, "", &ones, data) : IR_NONE;
    if (operands[1] == IR_NONE) {
        return lower_refuse(lowering, node, "too large");
    }
    struct ir_node made = {.code = NN_MUL};
    status = lower_binary_step(lowering, node, &made, operands, &operands[0]);
    if (!status) {
        lower_finish(lowering, node, operands[0]);
    }
    return status;
}

enum status lower_tile(struct lowering *lowering, const struct graph_node *node)
{
    const struct onnx_tensor *repeats = lower_constant(lowering, node, 1);
    struct nn_shape shape;
    uint32_t x;
    enum status status = first(lowering, node, &x, &shape);
    if (!status && (!repeats || !repeats->ints || repeats->count != shape.rank ||
                    lowering->graph->model->opset < TILE_REPEATS_SINCE)) {
        return lower_refuse(lowering, node,
                            "repeats that are not one constant a dimension");
    }
    for (uint32_t d = 0; d < shape.rank && !status; d++) {
        uint32_t copies[NN_MAX_CONCAT];
        int64_t count = repeats->ints[d];
        if (count < 1 || count > NN_MAX_CONCAT) {
            return lower_refuse(lowering, node, "repeats out of range");
        }
        for (int64_t i = 0; i < count; i++) {
            copies[i] = x;
        }
        struct ir_node join = {.code = NN_CONCAT,
                               .attrs = {(int32_t)d},
                               .inputs = copies,
                               .input_count = (uint32_t)count};
        status = count == 1 ? OK : lower_step(lowering, node, &join, NULL, &x);
    }
    if (!status) {
        lower_finish(lowering, node, x);
    }
    return status;
}

/* Reshape to `apart`, transpose by `perm`, reshape to `wished`. */
static enum status shuffle(struct lowering *lowering, const struct graph_node *node,
                           const struct nn_shape *apart, const int32_t *perm,
                           const struct nn_shape *wished)
{
    uint32_t x;
    struct ir_node transpose = {.code = NN_TRANSPOSE, .inputs = &x, .input_count = 1};
    memcpy(transpose.attrs, perm, NN_MAX_RANK * sizeof *perm);
    enum status status = lower_operand(lowering, node, 0, &x);
    if (!status) {
        status = lower_reshape_step(lowering, node, x, apart, &x);
    }
    if (!status) {
        status = lower_step(lowering, node, &transpose, NULL, &x);
    }
    if (!status) {
        status = lower_reshape_step(lowering, node, x, wished, &x);
    }
    if (!status) {
        lower_finish(lowering, node, x);
    }
    return status;
}

/* The first input's shape, which must have rank 4, and the size of the blocks. */
static enum status block_of(struct lowering *lowering, const struct graph_node *node,
                            struct nn_shape *ret_shape, uint32_t *ret_block)
{
    uint32_t x;
    int64_t block = onnx_attr_int(node->onnx, "blocksize", 0);
    enum status status = first(lowering, node, &x, ret_shape);
    if (!status && (ret_shape->rank != 4 || block < 1 || block > UINT16_MAX)) {
        return lower_refuse(lowering, node, "a rank other than 4 or no blocksize");
    }
    *ret_block = (uint32_t)block;
    return status;
}

enum status lower_depth_to_space(struct lowering *lowering, const struct graph_node *node)
{
    static const int32_t by_depth[] = {0, 3, 4, 1, 5, 2},
                         by_column[] = {0, 1, 4, 2, 5, 3};
    struct nn_shape x;
    uint32_t b;
    enum status status = block_of(lowering, node, &x, &b);
    if (status) {
        return status;
    }
    const char *mode = onnx_attr_text(node->onnx, "mode", "DCR");
    bool column = strcmp(mode, "CRD") == 0;
    if (x.dims[1] % (b * b) != 0 || (!column && strcmp(mode, "DCR") != 0)) {
        return lower_refuse(lowering, node, "channels that are no blocks, or a mode");
    }
    uint32_t c = x.dims[1] / (b * b), h = x.dims[2], w = x.dims[3];
    struct nn_shape depth = {.rank = 6, .dims = {x.dims[0], b, b, c, h, w}};
    struct nn_shape columns = {.rank = 6, .dims = {x.dims[0], c, b, b, h, w}};
    struct nn_shape wished = {.rank = 4, .dims = {x.dims[0], c, h * b, w * b}};
    return shuffle(lowering, node, column ? &columns : &depth,
                   column ? by_column : by_depth, &wished);
}

enum status lower_space_to_depth(struct lowering *lowering, const struct graph_node *node)
{
    static const int32_t perm[] = {0, 3, 5, 1, 2, 4};
    struct nn_shape x;
    uint32_t b;
    enum status status = block_of(lowering, node, &x, &b);
    if (status) {
        return status;
    }
    if (x.dims[2] % b != 0 || x.dims[3] % b != 0 || x.dims[1] > NN_MAX_DIM / b / b) {
        return lower_refuse(lowering, node, "height or width that are no blocks");
    }
    uint32_t h = x.dims[2] / b, w = x.dims[3] / b;
    struct nn_shape apart = {.rank = 6, .dims = {x.dims[0], x.dims[1], h, b, w, b}};
    struct nn_shape wished = {.rank = 4, .dims = {x.dims[0], x.dims[1] * b * b, h, w}};
    return shuffle(lowering, node, &apart, perm, &wished);
}

/* Values at run time are f32: a cast to that changes nothing. */
enum status lower_cast(struct lowering *lowering, const struct graph_node *node)
{
    uint32_t x;
    int64_t to = onnx_attr_int(node->onnx, "to", 0);
    const struct onnx_attr *attr = onnx_attr_find(node->onnx, "to");
    bool named = attr && attr->s && strcmp(attr->s, "FLOAT") == 0;
    if (to != ELEM_FLOAT && to != ELEM_DOUBLE && !named) {
        return lower_refuse(lowering, node,
                            "a cast of values that are not constant to another "
                            "type than f32");
    }
    enum status status = lower_operand(lowering, node, 0, &x);
    if (!status) {
        lower_finish(lowering, node, x);
    }
    return status;
}
