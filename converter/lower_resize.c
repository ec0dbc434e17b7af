/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "converter/lower.h"

enum { ROI_SINCE = 11, INPUT_SCALES_SINCE = 9, UPSAMPLE_PLANES = 4 };

/* The number of `text` in a table of words, or -1. */
static int32_t word_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

#define WORD_OF(text, words) word_of(text, words, sizeof(words) / sizeof *(words))

/* Modes in the order of nn/format.h; before opset 11 there was only one way. */
static enum status put_modes(const struct lowering *lowering,
                             const struct graph_node *node, int32_t *attrs)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const places[] = {"half_pixel", "pytorch_half_pixel", "asymmetric",
                                         "align_corners", "tf_half_pixel_for_nn"};
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil",
                                         "floor", "ceil"};
    const struct onnx_node *onnx = node->onnx;
    bool old = lowering->graph->model->opset < ROI_SINCE || node->op == ONNX_UPSAMPLE;
    const char *mode = onnx_attr_text(onnx, "mode", "nearest");
    attrs[NN_R_MODE] = WORD_OF(strcmp(mode, "bilinear") == 0 ? "linear" : mode, modes);
    attrs[NN_R_PLACE] = WORD_OF(onnx_attr_text(onnx, "coordinate_transformation_mode",
                                               old ? "asymmetric" : "half_pixel"),
                                places);
    attrs[NN_R_ROUND] = WORD_OF(
        onnx_attr_text(onnx, "nearest_mode", old ? "floor" : "round_prefer_floor"),
        rounds);
    attrs[NN_R_EXCLUDE] = onnx_attr_int(onnx, "exclude_outside", 0) != 0;
    attrs[NN_R_CUBIC] =
        (int32_t)nn_bits_of(onnx_attr_float(onnx, "cubic_coeff_a", -0.75f));
    if (attrs[NN_R_MODE] < 0 || attrs[NN_R_PLACE] < 0 || attrs[NN_R_ROUND] < 0) {
        return lower_refuse(lowering, node, "an unknown mode");
    }
    return OK;
}

/* The scales, from wherever the opset has them. NULL when there are none. */
static const float *scales_of(const struct lowering *lowering,
                              const struct graph_node *node, float *room, size_t *count)
{
    int64_t opset = lowering->graph->model->opset;
    bool upsample = node->op == ONNX_UPSAMPLE;
    const struct onnx_attr *attr = onnx_attr_find(node->onnx, "scales");
    *count = 0;
    if (upsample && opset < INPUT_SCALES_SINCE) {
        if (attr) {
            *count = attr->float_count;
            return attr->floats;
        }
        *count = UPSAMPLE_PLANES;
        room[0] = room[1] = 1;
        room[2] = onnx_attr_float(node->onnx, "height_scale", 1);
        room[3] = onnx_attr_float(node->onnx, "width_scale", 1);
        return room;
    }
    size_t index = upsample || opset < ROI_SINCE ? 1 : 2;
    const struct onnx_tensor *tensor = lower_constant(lowering, node, index);
    if (!tensor || !tensor->floats || tensor->count == 0) {
        return NULL;
    }
    *count = tensor->count;
    return tensor->floats;
}

/* Scales and sizes by dimension; a scale of 0 stands for the ratio of the sizes. */
static enum status put_sizes(const struct lowering *lowering,
                             const struct graph_node *node, const struct nn_shape *x,
                             int32_t *attrs)
{
    float room[UPSAMPLE_PLANES];
    size_t count;
    const float *scales = scales_of(lowering, node, room, &count);
    const struct onnx_tensor *sizes = lower_constant(lowering, node, 3);
    bool by_size = !scales && sizes && sizes->ints && sizes->count == x->rank;
    if (!by_size && (!scales || count != x->rank)) {
        return lower_refuse(lowering, node,
                            "scales or sizes that are not one constant a dimension");
    }
    for (uint32_t d = 0; d < x->rank; d++) {
        double size = by_size ? (double)sizes->ints[d]
                              : floor((double)x->dims[d] * (double)scales[d]);
        if (!(size >= 1 && size <= NN_MAX_DIM)) {
            return lower_refuse(lowering, node, "a size out of range");
        }
        attrs[NN_R_SCALE + d] = (int32_t)nn_bits_of(by_size ? 0 : scales[d]);
        attrs[NN_R_SIZE + d] = (int32_t)size;
    }
    return OK;
}

enum status lower_resize(struct lowering *lowering, const struct graph_node *node)
{
    struct ir_node made = {.code = NN_RESIZE};
    uint32_t x;
    enum status status = lower_operand(lowering, node, 0, &x);
    for (size_t i = 1; i < node->input_count && !status; i++) {
        if (lower_is_dynamic(lowering, node, i)) {
            status =
                lower_refuse(lowering, node, "scales or sizes that are not constant");
        }
    }
    if (!status) {
        status = put_modes(lowering, node, made.attrs);
    }
    if (!status) {
        status = put_sizes(lowering, node, &lowering->ir->tensors[x].shape, made.attrs);
    }
    return status ? status : lower_emit(lowering, node, &made, 1, NULL);
}
