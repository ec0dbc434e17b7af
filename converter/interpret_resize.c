/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <math.h>
#include <string.h>

enum { ROI_SINCE = 11, SCALES_SINCE = 9 };

/* How one Resize is to be done, in ONNX's own words. */
struct resize {
    const char *mode, *place, *round;
    double cubic;
    bool exclude;
    double scale[ONNX_MAX_RANK];
    int64_t in[ONNX_MAX_RANK], out[ONNX_MAX_RANK];
    double length[ONNX_MAX_RANK]; /* of the output, before it is rounded down */
};

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static void read_modes(const struct interpretation *run, struct resize *resize)
{
    const struct onnx_node *node = run->node->onnx;
    bool old = run->graph->model->opset < ROI_SINCE || run->node->op == ONNX_UPSAMPLE;
    resize->mode = onnx_attr_text(node, "mode", "nearest");
    resize->place = onnx_attr_text(node, "coordinate_transformation_mode",
                                   old ? "asymmetric" : "half_pixel");
    resize->round =
        onnx_attr_text(node, "nearest_mode", old ? "floor" : "round_prefer_floor");
    resize->cubic = (double)onnx_attr_float(node, "cubic_coeff_a", -0.75f);
    resize->exclude = onnx_attr_int(node, "exclude_outside", 0) != 0;
}

/* The scale of dimension `d`, or 0 where there is none. */
static double scale_at(const struct interpretation *run, uint32_t d)
{
    int64_t opset = run->graph->model->opset;
    const struct onnx_node *node = run->node->onnx;
    if (run->node->op == ONNX_UPSAMPLE && opset < SCALES_SINCE) {
        const struct onnx_attr *attr = onnx_attr_find(node, "scales");
        if (attr) {
            return d < attr->float_count ? (double)attr->floats[d] : 0;
        }
        return d == 2   ? (double)onnx_attr_float(node, "height_scale", 1)
               : d == 3 ? (double)onnx_attr_float(node, "width_scale", 1)
                        : 1;
    }
    bool first = run->node->op == ONNX_UPSAMPLE || opset < ROI_SINCE;
    const struct onnx_tensor *scales = run->in[first ? 1 : 2];
    bool given = scales && scales->floats && scales->count == run->in[0]->rank;
    return given ? (double)scales->floats[d] : 0;
}

static enum status read_sizes(struct interpretation *run, struct resize *resize)
{
    const struct onnx_tensor *x = run->in[0], *sizes = run->in[3];
    bool sized = sizes && sizes->ints && sizes->count == x->rank;
    run->out->rank = x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        double scale = scale_at(run, d);
        resize->in[d] = x->dims[d];
        if (scale <= 0 && sized) {
            resize->scale[d] = (double)sizes->ints[d] / (double)x->dims[d];
            resize->length[d] = (double)sizes->ints[d];
        } else {
            resize->scale[d] = scale;
            resize->length[d] = scale * (double)x->dims[d];
        }
        if (!(resize->length[d] >= 1 && resize->length[d] <= NN_MAX_DIM)) {
            return interpret_refuse(run, "scales or sizes that do not fit");
        }
        resize->out[d] = run->out->dims[d] = (int64_t)resize->length[d];
    }
    return OK;
}

/* Where output position `at` lies among the input's. */
static double original(const struct resize *resize, uint32_t d, int64_t at)
{
    double x = (double)at, scale = resize->scale[d];
    if (is(resize->place, "asymmetric")) {
        return x / scale;
    }
    if (is(resize->place, "align_corners")) {
        return resize->length[d] == 1
                   ? 0
                   : x * (double)(resize->in[d] - 1) / (resize->length[d] - 1);
    }
    if (is(resize->place, "tf_half_pixel_for_nn")) {
        return (x + 0.5) / scale;
    }
    if (is(resize->place, "pytorch_half_pixel") && resize->out[d] <= 1) {
        return 0;
    }
    return (x + 0.5) / scale - 0.5;
}

static double nearest(const struct resize *resize, double x)
{
    double below = floor(x), part = x - below;
    if (is(resize->round, "floor")) {
        return below;
    }
    if (is(resize->round, "ceil")) {
        return part > 0 ? below + 1 : below;
    }
    bool prefer_ceil = is(resize->round, "round_prefer_ceil");
    return part > 0.5 || (part == 0.5 && prefer_ceil) ? below + 1 : below;
}

/* How much input position `at` counts for an output that lies at `x`. */
static double influence(const struct resize *resize, double x, double at)
{
    double a = resize->cubic, s = fabs(x - at);
    if (is(resize->mode, "nearest")) {
        return at == nearest(resize, x) ? 1 : 0;
    }
    if (!is(resize->mode, "cubic")) {
        return s < 1 ? 1 - s : 0;
    }
    if (s <= 1) {
        return (a + 2) * s * s * s - (a + 3) * s * s + 1;
    }
    return s < 2 ? a * s * s * s - 5 * a * s * s + 8 * a * s - 4 * a : 0;
}

/* One dimension of the input resized: from `from` with `step` between its values. */
static double line_at(const struct resize *resize, uint32_t d, int64_t at,
                      const double *from, size_t step)
{
    double x = original(resize, d, at), sum = 0, weights = 0;
    if (resize->scale[d] == 1 && resize->out[d] == resize->in[d]) {
        return from[(size_t)at * step];
    }
    double last = (double)(resize->in[d] - 1);
    x = fmin(fmax(x, -4), last + 4);
    for (double k = floor(x) - 2; k <= floor(x) + 3; k++) {
        double weight = influence(resize, x, k);
        bool outside = k < 0 || k > last;
        if (outside && resize->exclude && !is(resize->mode, "nearest")) {
            continue;
        }
        weights += weight;
        sum += weight * from[(size_t)fmin(fmax(k, 0), last) * step];
    }
    return resize->exclude ? sum / weights : sum;
}

/* Resizes dimension `d` of `values`; those before it are done, those behind it are not.
 */
static enum status resize_dimension(struct interpretation *run,
                                    const struct resize *resize, uint32_t d,
                                    double **values)
{
    size_t before = 1, behind = 1, in = (size_t)resize->in[d];
    size_t out = (size_t)resize->out[d];
    for (uint32_t k = 0; k < run->out->rank; k++) {
        *(k < d ? &before : &behind) *= (size_t)(k < d ? resize->out[k] : resize->in[k]);
    }
    behind /= in;
    double *made = arena_array(run->arena, before * behind * out + 1, sizeof *made);
    if (!made) {
        return err_set(run->err, ERR_LIMIT, "the model needs too much memory");
    }
    enum status status = interpret_spend(run, (uint64_t)before * behind * out * 6);
    for (size_t i = 0; i < before * out * behind && !status; i++) {
        size_t head = i / behind / out, tail = i % behind;
        made[i] = line_at(resize, d, (int64_t)(i / behind % out),
                          *values + head * in * behind + tail, behind);
    }
    *values = made;
    return status;
}

enum status interpret_resize(struct interpretation *run)
{
    struct resize resize = {0};
    const struct onnx_tensor *x = run->in[0];
    read_modes(run, &resize);
    enum status status = read_sizes(run, &resize);
    double *values = arena_array(run->arena, x->count + 1, sizeof *values);
    if (!status && (!values || x->count == 0)) {
        return err_set(run->err, ERR_LIMIT, "the model needs too much memory");
    }
    for (size_t i = 0; i < x->count && !status; i++) {
        values[i] = (double)x->floats[i];
    }
    for (uint32_t d = 0; d < x->rank && !status; d++) {
        status = resize_dimension(run, &resize, d, &values);
    }
    if (!status) {
        status = interpret_allocate(run, x);
    }
    for (size_t i = 0; i < run->out->count && !status; i++) {
        run->out->floats[i] = (float)values[i];
    }
    return status;
}
