/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/lower.h"

#include <string.h>

enum { PAD_AXES_INPUT = 3 };

bool lower_ints(const struct lowering *lowering, const struct graph_node *node,
                size_t index, const char *name, const int64_t **ret_values,
                size_t *ret_count)
{
    const struct onnx_tensor *tensor = lower_constant(lowering, node, index);
    const struct onnx_attr *attr = onnx_attr_find(node->onnx, name);
    *ret_count = 0;
    if (tensor && tensor->ints) {
        *ret_values = tensor->ints;
        *ret_count = tensor->count;
        return true;
    }
    if (attr) {
        *ret_values = attr->ints;
        *ret_count = attr->int_count;
    }
    return attr != NULL;
}

bool lower_is_dynamic(const struct lowering *lowering, const struct graph_node *node,
                      size_t index)
{
    return index < node->input_count && node->inputs[index] != GRAPH_NO_VALUE &&
           !lower_constant(lowering, node, index);
}

/* The shape of the first input, which gets its tensor here. */
static enum status first_shape(struct lowering *lowering, const struct graph_node *node,
                               struct nn_shape *ret_shape)
{
    uint32_t tensor;
    enum status status = lower_operand(lowering, node, 0, &tensor);
    if (!status) {
        *ret_shape = lowering->ir->tensors[tensor].shape;
    }
    return status;
}

static enum status emit_reshape(struct lowering *lowering, const struct graph_node *node,
                                const struct nn_shape *wished)
{
    return lower_emit(lowering, node, &(struct ir_node){.code = NN_RESHAPE}, 1, wished);
}

enum status lower_reshape(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x, wished = {0};
    const int64_t *dims;
    size_t count;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    if (!lower_ints(lowering, node, 1, "shape", &dims, &count) || count > NN_MAX_RANK) {
        return lower_refuse(lowering, node,
                            "a shape that is not constant or over rank 6");
    }
    uint64_t product = 1;
    size_t open = NN_MAX_RANK;
    bool copy_zero = onnx_attr_int(node->onnx, "allowzero", 0) == 0;
    for (size_t d = 0; d < count; d++) {
        bool inherited = dims[d] == 0 && copy_zero && d < x.rank;
        int64_t dim = inherited ? x.dims[d] : dims[d];
        if (dim == -1 && open == NN_MAX_RANK) {
            open = d;
            dim = 1;
        }
        if (dim < 1 || dim > NN_MAX_DIM || product > NN_MAX_ELEMENTS) {
            return lower_refuse(lowering, node, "a shape with a zero or a second -1");
        }
        wished.dims[d] = (uint32_t)dim;
        product *= (uint64_t)dim;
    }
    wished.rank = (uint32_t)count;
    uint32_t elements = nn_shape_elements(&x);
    if (open < NN_MAX_RANK) {
        wished.dims[open] = elements % product == 0 ? (uint32_t)(elements / product) : 0;
    }
    return emit_reshape(lowering, node, &wished);
}

enum status lower_flatten(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    int64_t axis = onnx_attr_int(node->onnx, "axis", 1);
    axis += axis < 0 ? x.rank : 0;
    if (axis < 0 || axis > x.rank) {
        return lower_refuse(lowering, node, "axis outside the rank");
    }
    struct nn_shape head = {.rank = (uint32_t)axis};
    memcpy(head.dims, x.dims, head.rank * sizeof *head.dims);
    uint32_t rows = nn_shape_elements(&head);
    struct nn_shape wished = {.rank = 2, .dims = {rows, nn_shape_elements(&x) / rows}};
    return emit_reshape(lowering, node, &wished);
}

/* The axes as bits of a mask; false if one is out of range or twice there. */
static bool mask_of(const int64_t *axes, size_t count, uint32_t rank, uint32_t *ret_mask)
{
    *ret_mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || (*ret_mask & UINT32_C(1) << axis)) {
            return false;
        }
        *ret_mask |= UINT32_C(1) << axis;
    }
    return true;
}

enum status lower_squeeze(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x, wished = {0};
    const int64_t *axes = NULL;
    size_t count;
    uint32_t mask;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    bool given = lower_ints(lowering, node, 1, "axes", &axes, &count);
    if (lower_is_dynamic(lowering, node, 1) || !mask_of(axes, count, x.rank, &mask)) {
        return lower_refuse(lowering, node,
                            "axes that are not constant or outside the rank");
    }
    for (uint32_t d = 0; d < x.rank; d++) {
        bool named = (mask >> d & 1) != 0;
        if (named && x.dims[d] != 1) {
            return lower_refuse(lowering, node, "an axis that is longer than 1");
        }
        if (given ? !named : x.dims[d] != 1) {
            wished.dims[wished.rank++] = x.dims[d];
        }
    }
    return emit_reshape(lowering, node, &wished);
}

enum status lower_unsqueeze(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x, wished = {0};
    const int64_t *axes = NULL;
    size_t count;
    uint32_t mask, next = 0;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    if (!lower_ints(lowering, node, 1, "axes", &axes, &count) ||
        count + x.rank > NN_MAX_RANK ||
        !mask_of(axes, count, (uint32_t)count + x.rank, &mask)) {
        return lower_refuse(lowering, node,
                            "axes that are not constant or outside the rank");
    }
    wished.rank = (uint32_t)count + x.rank;
    for (uint32_t d = 0; d < wished.rank; d++) {
        wished.dims[d] = mask >> d & 1 ? 1 : x.dims[next++];
    }
    return emit_reshape(lowering, node, &wished);
}

enum status lower_transpose(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x;
    int64_t perm[NN_MAX_RANK] = {0};
    struct ir_node made = {.code = NN_TRANSPOSE};
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    for (uint32_t d = 0; d < x.rank; d++) {
        perm[d] = x.rank - 1 - d;
    }
    if (!onnx_attr_ints(node->onnx, "perm", perm, x.rank)) {
        return lower_refuse(lowering, node, "a permutation of another rank");
    }
    for (uint32_t d = 0; d < x.rank; d++) {
        int64_t from = perm[d] < 0 ? perm[d] + x.rank : perm[d];
        if (from < 0 || from >= x.rank) {
            return lower_refuse(lowering, node, "no permutation");
        }
        made.attrs[d] = (int32_t)from;
    }
    return lower_emit(lowering, node, &made, 1, NULL);
}

enum status lower_concat(struct lowering *lowering, const struct graph_node *node)
{
    struct nn_shape x;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    int64_t axis = onnx_attr_int(node->onnx, "axis", 1);
    axis += axis < 0 ? x.rank : 0;
    if (axis < 0 || axis >= x.rank) {
        return lower_refuse(lowering, node, "axis outside the rank");
    }
    struct ir_node made = {.code = NN_CONCAT, .attrs = {(int32_t)axis}};
    return lower_emit(lowering, node, &made, node->input_count, NULL);
}

/* The pads into the node's attributes, by dimension. */
static enum status put_pads(const struct lowering *lowering,
                            const struct graph_node *node, uint32_t rank, int32_t *attrs)
{
    const struct onnx_tensor *axes = lower_constant(lowering, node, PAD_AXES_INPUT);
    const char *name = lowering->graph->model->opset == 1 ? "paddings" : "pads";
    const int64_t *pads;
    size_t count;
    size_t named = axes ? axes->count : rank;
    if (!lower_ints(lowering, node, 1, name, &pads, &count) || named > rank ||
        count != 2 * named || (axes && !axes->ints) ||
        lower_is_dynamic(lowering, node, PAD_AXES_INPUT)) {
        return lower_refuse(lowering, node, "pads that are not constant or do not fit");
    }
    for (size_t i = 0; i < named; i++) {
        int64_t axis = axes ? axes->ints[i] : (int64_t)i;
        axis += axis < 0 ? rank : 0;
        if (axis < 0 || axis >= rank || pads[i] < 0 || pads[i] > NN_MAX_DIM ||
            pads[named + i] < 0 || pads[named + i] > NN_MAX_DIM) {
            return lower_refuse(lowering, node, "negative or very large pads");
        }
        attrs[NN_P_BEGIN + axis] = (int32_t)pads[i];
        attrs[NN_P_END + axis] = (int32_t)pads[named + i];
    }
    return OK;
}

enum status lower_pad(struct lowering *lowering, const struct graph_node *node)
{
    static const char *const modes[] = {"constant", "reflect", "edge"};
    const char *mode = onnx_attr_text(node->onnx, "mode", "constant");
    struct ir_node made = {.code = NN_PAD, .attrs = {-1}};
    struct nn_shape x;
    enum status status = first_shape(lowering, node, &x);
    if (status) {
        return status;
    }
    for (int32_t m = NN_PAD_CONSTANT; m <= NN_PAD_EDGE; m++) {
        if (strcmp(mode, modes[m]) == 0) {
            made.attrs[NN_P_MODE] = m;
        }
    }
    const struct onnx_tensor *given = lower_constant(lowering, node, 2);
    float value = onnx_attr_float(node->onnx, "value", 0);
    if (made.attrs[NN_P_MODE] < 0 || lower_is_dynamic(lowering, node, 2) ||
        (given && (!given->floats || given->count != 1))) {
        return lower_refuse(lowering, node,
                            "an unknown mode or a value that is not constant");
    }
    value = given ? given->floats[0] : value;
    made.attrs[NN_P_VALUE] = (int32_t)nn_bits_of(value);
    status = put_pads(lowering, node, x.rank, made.attrs);
    return status ? status : lower_emit(lowering, node, &made, 1, NULL);
}
