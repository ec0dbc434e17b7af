/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "nn/half.h"
#include "nn/model.h"
#include "nn/packing.h"

#define INVALID(...) nn_fail(error, MUSTER_NN_INVALID, __VA_ARGS__)
#define NO_MEMORY() nn_fail(error, MUSTER_NN_NO_MEMORY, "out of memory")

static const uint8_t *record_at(const struct muster_nn_model *model,
                                enum nn_section section, uint32_t index, uint32_t bytes)
{
    return model->file + model->sections[section].offset + (uint64_t)index * bytes;
}

static bool zero_bytes(const uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum muster_nn_status decode_shape(const uint8_t *at, uint32_t index,
                                          struct nn_tensor *tensor,
                                          struct muster_nn_error *error)
{
    struct nn_shape shape = {.rank = at[5]};
    for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
        shape.dims[d] = le_u32(at + 8 + 4 * d);
        if (d >= shape.rank && shape.dims[d] != 0) {
            return INVALID("tensor %u has a dimension past its rank", index);
        }
    }
    tensor->elements = nn_shape_elements(&shape);
    if (tensor->elements == 0) {
        return INVALID("tensor %u has a rank or dimension out of range", index);
    }
    tensor->shape = shape;
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_tensor(const struct muster_nn_model *model,
                                           uint32_t index, struct nn_tensor *tensor,
                                           struct muster_nn_error *error)
{
    const uint8_t *at = record_at(model, NN_S_TENSORS, index, NN_TENSOR_BYTES);
    tensor->name = nn_text(model, le_u32(at));
    if (!tensor->name || at[6] > NN_DATA || le_u32(at + 36) != 0 ||
        le_u64(at + 56) != 0) {
        return INVALID("tensor %u has a bad name, place or reserved field", index);
    }
    if (at[4] < NN_F32 || at[4] > NN_I4) {
        return INVALID("tensor %u has the unknown dtype %u", index, at[4]);
    }
    bool packed = (model->needs.features & NN_FEATURE_PACKED) != 0;
    bool half = at[4] == NN_F16 && at[6] == NN_DATA &&
                (model->needs.features & NN_FEATURE_HALF) != 0;
    if ((at[4] != NN_F32 && !half) || at[7] >= (packed ? NN_LAYOUTS : NN_BLOCKED) ||
        le_u32(at + 32) != 0) {
        return INVALID("tensor %u needs a feature that the header does not name", index);
    }
    enum muster_nn_status status = decode_shape(at, index, tensor, error);
    if (status) {
        return status;
    }
    tensor->dtype = half ? NN_F16 : NN_F32;
    tensor->place = at[6] == NN_DATA ? NN_DATA : NN_ARENA;
    tensor->offset = le_u64(at + 40);
    tensor->bytes = le_u64(at + 48);
    tensor->layout = (enum nn_layout)at[7];
    uint64_t bytes = nn_layout_bytes(tensor->layout, &tensor->shape) / (half ? 2 : 1);
    bool misplaced = tensor->layout != NN_ROWS &&
                     (tensor->layout == NN_PANELS) != (tensor->place == NN_DATA);
    if (bytes == 0 || misplaced || tensor->bytes != bytes) {
        return INVALID("tensor %u has %" PRIu64 " bytes for %u elements", index,
                       tensor->bytes, tensor->elements);
    }
    return MUSTER_NN_OK;
}

/* Within the arena and outside the workspace. */
static bool arena_holds(const struct muster_nn_model *model,
                        const struct nn_tensor *tensor)
{
    if (tensor->offset % NN_ALIGN != 0 || tensor->offset > model->arena_bytes ||
        tensor->bytes > model->arena_bytes - tensor->offset) {
        return false;
    }
    return model->workspace_bytes == 0 ||
           tensor->offset + tensor->bytes <= model->workspace_offset ||
           tensor->offset >= model->workspace_offset + model->workspace_bytes;
}

static bool all_finite(const float *values, uint32_t count)
{
    const uint32_t exponent = UINT32_C(0x7f800000);
    uint32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        bad |= (nn_bits_of(values[i]) & exponent) == exponent;
    }
    return bad == 0;
}

/* The lanes past the outputs in the last panel are zero. */
static bool panels_end_in_zeros(const float *values, const struct nn_tensor *tensor)
{
    uint64_t count = nn_layout_bytes(tensor->layout, &tensor->shape) / sizeof *values;
    uint32_t lanes = tensor->shape.dims[0] % NN_BLOCK;
    uint64_t each = tensor->elements / tensor->shape.dims[0] * NN_BLOCK;
    uint32_t any = 0;
    for (uint64_t i = count - each; i < count; i++) {
        any |= i % NN_BLOCK < lanes ? 0 : nn_bits_of(values[i]);
    }
    return lanes == 0 || any == 0;
}

/* Widens an f16 constant into memory of its own, so that no kernel knows of halves. */
static enum muster_nn_status widen(const struct muster_nn_model *model, uint32_t index,
                                   struct muster_nn_error *error)
{
    struct nn_tensor *tensor = &model->tensors[index];
    const uint8_t *at = model->data + tensor->offset;
    size_t count = (size_t)tensor->bytes / sizeof(uint16_t);
    size_t room = (size_t)nn_align64(count * sizeof(float));
    bool finite = true;
    tensor->widened = aligned_alloc(NN_ALIGN, room);
    if (!tensor->widened) {
        return NO_MEMORY();
    }
    for (size_t i = 0; i < count; i++) {
        finite = finite && nn_half_is_finite(le_u16(at + 2 * i));
        tensor->widened[i] = nn_half_widen(le_u16(at + 2 * i));
    }
    memset(tensor->widened + count, 0, room - count * sizeof(float));
    return finite ? MUSTER_NN_OK
                  : INVALID("constant %u has a value that is not finite", index);
}

/* One constant follows another: `*end` is where the data section is used up to. */
static enum muster_nn_status check_constant(const struct muster_nn_model *model,
                                            uint32_t index, uint64_t *end,
                                            struct muster_nn_error *error)
{
    const struct nn_tensor *tensor = &model->tensors[index];
    uint64_t begin = nn_align64(*end);
    uint64_t data_bytes = (uint64_t)nn_count(model, NN_S_DATA) * NN_ALIGN;
    if (tensor->offset != begin || begin > data_bytes ||
        tensor->bytes > data_bytes - begin) {
        return INVALID("constant %u does not follow the one before", index);
    }
    if (!zero_bytes(model->data + *end, (size_t)(begin - *end))) {
        return INVALID("padding before constant %u is not zero", index);
    }
    if (tensor->dtype == NN_F16) {
        enum muster_nn_status status = widen(model, index, error);
        if (status) {
            return status;
        }
    } else if (!all_finite(nn_constant(model, tensor),
                           (uint32_t)(tensor->bytes / sizeof(float)))) {
        return INVALID("constant %u has a value that is not finite", index);
    }
    if (tensor->layout == NN_PANELS &&
        !panels_end_in_zeros(nn_constant(model, tensor), tensor)) {
        return INVALID("constant %u has values past its outputs", index);
    }
    *end = begin + tensor->bytes;
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_tensors(struct muster_nn_model *model,
                                            struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_TENSORS);
    model->tensors = calloc(count, sizeof *model->tensors);
    if (!model->tensors) {
        return NO_MEMORY();
    }
    uint64_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct nn_tensor *tensor = &model->tensors[i];
        enum muster_nn_status status = decode_tensor(model, i, tensor, error);
        if (status) {
            return status;
        }
        if (tensor->place == NN_DATA) {
            status = check_constant(model, i, &end, error);
            model->weight_bytes += tensor->bytes;
        } else if (!arena_holds(model, tensor)) {
            status = INVALID("tensor %u does not lie in the arena", i);
        }
        if (status) {
            return status;
        }
    }
    model->data_used = end;
    uint64_t needed = 0;
    for (uint32_t i = 0; i < count; i++) {
        needed |= model->tensors[i].layout != NN_ROWS ? NN_FEATURE_PACKED : 0;
        needed |= model->tensors[i].dtype == NN_F16 ? NN_FEATURE_HALF : 0;
    }
    bool functions = (model->needs.features & NN_FEATURE_FUNCTIONS) != 0;
    bool unary = (model->needs.op_set[NN_UNARY / 8] & 1u << NN_UNARY % 8) != 0;
    bool packed = (needed & NN_FEATURE_PACKED) != 0;
    if (needed != (model->needs.features & (NN_FEATURE_PACKED | NN_FEATURE_HALF)) ||
        (functions && !(packed && unary))) {
        return INVALID("the feature bits are not those that the tensors need");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_words(struct muster_nn_model *model,
                                          struct muster_nn_error *error)
{
    uint32_t refs = nn_count(model, NN_S_REFS), attrs = nn_count(model, NN_S_ATTRS);
    model->refs = calloc(refs + UINT32_C(1), sizeof *model->refs);
    model->attrs = calloc(attrs + UINT32_C(1), sizeof *model->attrs);
    if (!model->refs || !model->attrs) {
        return NO_MEMORY();
    }
    for (uint32_t i = 0; i < refs; i++) {
        model->refs[i] = le_u32(record_at(model, NN_S_REFS, i, 4));
        if (model->refs[i] != NN_ABSENT &&
            model->refs[i] >= nn_count(model, NN_S_TENSORS)) {
            return INVALID("ref %u names the tensor %u, which does not exist", i,
                           model->refs[i]);
        }
    }
    for (uint32_t i = 0; i < attrs; i++) {
        model->attrs[i] = (int32_t)le_u32(record_at(model, NN_S_ATTRS, i, 4));
    }
    return MUSTER_NN_OK;
}

static bool activation_valid(const struct nn_node *node, const struct nn_op_info *info)
{
    switch (node->activation) {
    case NN_NO_ACTIVATION:
        return nn_bits_of(node->act_a) == 0 && nn_bits_of(node->act_b) == 0;
    case NN_ACT_RELU:
        return info->activation && nn_bits_of(node->act_a) == 0 &&
               nn_bits_of(node->act_b) == 0;
    case NN_ACT_CLIP:
        return info->activation && isfinite(node->act_a) && isfinite(node->act_b) &&
               node->act_a <= node->act_b;
    }
    return false;
}

/* Where the next node's refs and attrs must begin. */
struct cursor {
    uint32_t ref, attr;
};

static enum muster_nn_status decode_node(struct muster_nn_model *model, uint32_t index,
                                         struct cursor *cursor,
                                         struct muster_nn_error *error)
{
    const uint8_t *at = record_at(model, NN_S_NODES, index, NN_NODE_BYTES);
    struct nn_node *node = &model->nodes[index];
    const struct nn_op_info *info = nn_op_info(le_u16(at));
    uint32_t outputs = le_u16(at + 8), attrs = le_u16(at + 10);
    if (!info || le_u16(at + 2) != 1) {
        return nn_fail(error, MUSTER_NN_UNSUPPORTED,
                       "node %u has the unknown operator %u.%u", index, le_u16(at),
                       le_u16(at + 2));
    }
    node->name = nn_text(model, le_u32(at + 20));
    if (!node->name || at[5] != 0 || !zero_bytes(at + 32, 32) || outputs != 1) {
        return INVALID("node %u has a bad name, reserved field or number of outputs",
                       index);
    }
    node->op.code = (enum nn_op_code)le_u16(at);
    node->inputs = le_u16(at + 6);
    node->first_ref = le_u32(at + 12);
    if (node->first_ref != cursor->ref || le_u32(at + 16) != cursor->attr ||
        node->inputs + outputs > nn_count(model, NN_S_REFS) - cursor->ref ||
        attrs > nn_count(model, NN_S_ATTRS) - cursor->attr) {
        return INVALID("refs or attrs of node %u do not follow those before", index);
    }
    node->op.attrs = model->attrs + cursor->attr;
    node->op.attr_count = attrs;
    cursor->ref += node->inputs + outputs;
    cursor->attr += attrs;
    node->activation = (enum nn_activation)at[4];
    node->act_a = nn_float_of(le_u32(at + 24));
    node->act_b = nn_float_of(le_u32(at + 28));
    if (at[4] > NN_ACT_CLIP || !activation_valid(node, info)) {
        return INVALID("node %u (%s) has a bad activation", index, info->name);
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_nodes(struct muster_nn_model *model,
                                          struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_NODES);
    model->nodes = calloc(count, sizeof *model->nodes);
    if (!model->nodes) {
        return NO_MEMORY();
    }
    struct cursor cursor = {0};
    for (uint32_t i = 0; i < count; i++) {
        enum muster_nn_status status = decode_node(model, i, &cursor, error);
        if (status) {
            return status;
        }
    }
    if (cursor.ref != nn_count(model, NN_S_REFS) ||
        cursor.attr != nn_count(model, NN_S_ATTRS)) {
        return INVALID("refs or attrs that no node uses");
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_tables_decode(struct muster_nn_model *model,
                                       struct muster_nn_error *error)
{
    if (nn_count(model, NN_S_QUANTS) != 0) {
        return INVALID("quantization records without the feature");
    }
    enum muster_nn_status status = decode_tensors(model, error);
    if (!status) {
        status = decode_words(model, error);
    }
    return status ? status : decode_nodes(model, error);
}
