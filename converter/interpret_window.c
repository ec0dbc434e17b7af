/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/interpret.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { AXES = 2, SIZE_MAX_HERE = 1 << 24 };

/* A window over height and width; one-dimensional operators have height 1. */
struct window {
    int64_t in[AXES], out[AXES];
    int64_t kernel[AXES], stride[AXES], dilation[AXES];
    int64_t begin[AXES], end[AXES]; /* padding */
};

/* Reads an attribute with one integer an axis into the last `axes` of two. */
static bool read_axes(const struct onnx_node *node, const char *name, uint32_t axes,
                      int64_t *values)
{
    if (!onnx_attr_ints(node, name, values + (AXES - axes), axes)) {
        return false;
    }
    for (uint32_t a = 0; a < AXES; a++) {
        if (values[a] < 1 || values[a] > SIZE_MAX_HERE) {
            return false;
        }
    }
    return true;
}

/* Padding by name: as much as makes the output ceil(in / stride), the odd one at one end.
 */
static void pad_same(struct window *window, bool upper)
{
    for (uint32_t a = 0; a < AXES; a++) {
        int64_t outputs = (window->in[a] + window->stride[a] - 1) / window->stride[a];
        int64_t covered = (outputs - 1) * window->stride[a] +
                          (window->kernel[a] - 1) * window->dilation[a] + 1;
        int64_t total = covered > window->in[a] ? covered - window->in[a] : 0;
        window->begin[a] = upper ? total / 2 : total - total / 2;
        window->end[a] = total - window->begin[a];
    }
}

static enum status read_pads(struct interpretation *run, uint32_t axes,
                             struct window *window)
{
    const struct onnx_node *node = run->node->onnx;
    const char *automatic = onnx_attr_text(node, "auto_pad", "NOTSET");
    if (strcmp(automatic, "SAME_UPPER") == 0 || strcmp(automatic, "SAME_LOWER") == 0) {
        pad_same(window, strcmp(automatic, "SAME_UPPER") == 0);
        return OK;
    }
    if (strcmp(automatic, "VALID") == 0) {
        return OK;
    }
    int64_t pads[2 * AXES] = {0};
    if (strcmp(automatic, "NOTSET") != 0 ||
        !onnx_attr_ints(node, "pads", pads, 2 * axes)) {
        return interpret_refuse(run, "unknown padding");
    }
    for (uint32_t a = 0; a < axes; a++) {
        window->begin[AXES - axes + a] = pads[a];
        window->end[AXES - axes + a] = pads[axes + a];
        if (pads[a] < 0 || pads[axes + a] < 0 || pads[a] > SIZE_MAX_HERE ||
            pads[axes + a] > SIZE_MAX_HERE) {
            return interpret_refuse(run, "padding out of range");
        }
    }
    return OK;
}

/* Output positions: a last window may reach past the end with ceil_mode, but must begin
 * before the trailing padding. */
static int64_t positions(const struct window *window, uint32_t a, bool ceil_mode)
{
    int64_t extent = (window->kernel[a] - 1) * window->dilation[a] + 1;
    int64_t count = 0;
    int64_t span = window->in[a] + window->begin[a] + window->end[a];
    if (span >= extent) {
        count = (span - extent) / window->stride[a] + 1;
    }
    if (ceil_mode && span >= extent && (span - extent) % window->stride[a] != 0 &&
        count * window->stride[a] < window->in[a] + window->begin[a]) {
        count++;
    }
    return count;
}

static enum status read_window(struct interpretation *run, struct window *window)
{
    const struct onnx_node *node = run->node->onnx;
    const struct onnx_tensor *x = run->in[0];
    if (x->rank != 3 && x->rank != 4) {
        return interpret_refuse(run, "only one or two spatial dimensions are supported");
    }
    uint32_t axes = x->rank - 2;
    const struct onnx_tensor *w = run->node->op == ONNX_CONV ? run->in[1] : NULL;
    for (uint32_t a = 0; a < AXES; a++) {
        bool real = a >= AXES - axes;
        window->in[a] = real ? x->dims[x->rank - AXES + a] : 1;
        window->kernel[a] =
            real && w && w->rank == x->rank ? w->dims[w->rank - AXES + a] : 1;
        window->stride[a] = window->dilation[a] = 1;
    }
    if (!w && !onnx_attr_find(node, "kernel_shape")) {
        return interpret_refuse(run, "no kernel_shape");
    }
    if (!read_axes(node, "kernel_shape", axes, window->kernel) ||
        !read_axes(node, "strides", axes, window->stride) ||
        !read_axes(node, "dilations", axes, window->dilation)) {
        return interpret_refuse(run, "kernel_shape, strides or dilations out of range");
    }
    enum status status = read_pads(run, axes, window);
    if (status) {
        return status;
    }
    for (uint32_t a = 0; a < AXES; a++) {
        window->out[a] = positions(window, a, onnx_attr_int(node, "ceil_mode", 0) != 0);
        if (window->out[a] < 1 || window->out[a] > SIZE_MAX_HERE) {
            return interpret_refuse(run, "a window larger than its input");
        }
    }
    run->out->rank = x->rank;
    run->out->dims[0] = x->dims[0];
    run->out->dims[1] = w ? w->dims[0] : x->dims[1];
    memcpy(run->out->dims + 2, window->out + (AXES - axes), axes * sizeof *window->out);
    return OK;
}

static double conv_at(const struct window *window, const float *planes,
                      const float *weights, int64_t channels, const int64_t *at)
{
    double sum = 0;
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t k = 0; k < window->kernel[0] * window->kernel[1]; k++) {
            int64_t y = at[0] * window->stride[0] - window->begin[0] +
                        k / window->kernel[1] * window->dilation[0];
            int64_t x = at[1] * window->stride[1] - window->begin[1] +
                        k % window->kernel[1] * window->dilation[1];
            if (y >= 0 && y < window->in[0] && x >= 0 && x < window->in[1]) {
                sum += (double)planes[(c * window->in[0] + y) * window->in[1] + x] *
                       (double)weights[c * window->kernel[0] * window->kernel[1] + k];
            }
        }
    }
    return sum;
}

static enum status check_conv(struct interpretation *run, const struct window *window,
                              int64_t groups)
{
    const struct onnx_tensor *x = run->in[0], *w = run->in[1], *b = run->in[2];
    if (!w->floats || w->rank != x->rank || groups < 1 || w->dims[0] % groups != 0 ||
        x->dims[1] != w->dims[1] * groups) {
        return interpret_refuse(run, "weights that do not fit the input and groups");
    }
    for (uint32_t d = 2; d < w->rank; d++) {
        if (w->dims[d] != window->kernel[d + AXES - w->rank]) {
            return interpret_refuse(run, "weights that do not fit kernel_shape");
        }
    }
    if (b && (!b->floats || b->rank != 1 || b->dims[0] != w->dims[0])) {
        return interpret_refuse(run, "a bias that is not one f32 an output channel");
    }
    return OK;
}

enum status interpret_conv(struct interpretation *run)
{
    struct window window = {0};
    int64_t groups = onnx_attr_int(run->node->onnx, "group", 1);
    enum status status = read_window(run, &window);
    if (!status) {
        status = check_conv(run, &window, groups);
    }
    if (!status) {
        status = interpret_allocate(run, run->in[0]);
    }
    if (status) {
        return status;
    }
    const struct onnx_tensor *w = run->in[1], *b = run->in[2];
    int64_t channels = w->dims[1], taps = window.kernel[0] * window.kernel[1];
    int64_t each = w->dims[0] / groups;
    status = interpret_spend(run, run->out->count * (uint64_t)(channels * taps));
    const int64_t shape[4] = {run->out->dims[0], run->out->dims[1], window.out[0],
                              window.out[1]};
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[4];
        interpret_unravel(i, shape, 4, at);
        int64_t group = at[1] / each;
        const float *planes = run->in[0]->floats + (at[0] * groups + group) * channels *
                                                       window.in[0] * window.in[1];
        double sum = conv_at(&window, planes, w->floats + at[1] * channels * taps,
                             channels, at + 2);
        run->out->floats[i] = (float)(sum + (b ? (double)b->floats[at[1]] : 0));
    }
    return status;
}

/* What one pooling window saw. */
struct pooled {
    double most, sum;
    int64_t inside, padded;
};

static struct pooled pool_at(const struct window *window, const float *plane,
                             const int64_t *at)
{
    struct pooled pooled = {.most = -(double)FLT_MAX};
    for (int64_t k = 0; k < window->kernel[0] * window->kernel[1]; k++) {
        int64_t y = at[0] * window->stride[0] - window->begin[0] +
                    k / window->kernel[1] * window->dilation[0];
        int64_t x = at[1] * window->stride[1] - window->begin[1] +
                    k % window->kernel[1] * window->dilation[1];
        pooled.padded +=
            y < window->in[0] + window->end[0] && x < window->in[1] + window->end[1];
        if (y >= 0 && y < window->in[0] && x >= 0 && x < window->in[1]) {
            double value = (double)plane[y * window->in[1] + x];
            pooled.most = fmax(pooled.most, value);
            pooled.sum += value;
            pooled.inside++;
        }
    }
    return pooled;
}

enum status interpret_pool(struct interpretation *run)
{
    struct window window = {0};
    enum status status = read_window(run, &window);
    if (!status) {
        status = interpret_allocate(run, run->in[0]);
    }
    if (status) {
        return status;
    }
    bool average = run->node->op == ONNX_AVERAGE_POOL;
    bool count_pad = onnx_attr_int(run->node->onnx, "count_include_pad", 0) != 0;
    uint64_t taps = (uint64_t)window.kernel[0] * (uint64_t)window.kernel[1];
    uint64_t steps;
    status = interpret_spend(
        run, __builtin_mul_overflow(taps, run->out->count, &steps) ? UINT64_MAX : steps);
    const int64_t shape[3] = {run->out->dims[0] * run->out->dims[1], window.out[0],
                              window.out[1]};
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[3];
        interpret_unravel(i, shape, 3, at);
        struct pooled pooled = pool_at(
            &window, run->in[0]->floats + at[0] * window.in[0] * window.in[1], at + 1);
        int64_t divisor = count_pad ? pooled.padded : pooled.inside;
        double mean = divisor > 0 ? pooled.sum / (double)divisor : 0;
        run->out->floats[i] = (float)(average ? mean : pooled.most);
    }
    return status;
}

enum status interpret_global_pool(struct interpretation *run)
{
    const struct onnx_tensor *x = run->in[0];
    if (x->rank < 3) {
        return interpret_refuse(run, "an input without spatial dimensions");
    }
    run->out->rank = x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        run->out->dims[d] = d < 2 ? x->dims[d] : 1;
    }
    enum status status = interpret_allocate(run, x);
    size_t size = run->out->count ? x->count / run->out->count : 0;
    for (size_t i = 0; i < run->out->count && !status; i++) {
        double sum = 0, most = (double)x->floats[i * size];
        for (size_t k = 0; k < size; k++) {
            sum += (double)x->floats[i * size + k];
            most = fmax(most, (double)x->floats[i * size + k]);
        }
        bool average = run->node->op == ONNX_GLOBAL_AVERAGE_POOL;
        run->out->floats[i] = (float)(average ? sum / (double)size : most);
    }
    return status;
}

/* Begin of the padding of a transposed convolution along one axis, and its output. */
static void transposed_axis(const struct onnx_node *node, struct window *window,
                            uint32_t a, int64_t extra, int64_t wanted)
{
    const char *automatic = onnx_attr_text(node, "auto_pad", "NOTSET");
    int64_t full = window->stride[a] * (window->in[a] - 1) + extra +
                   (window->kernel[a] - 1) * window->dilation[a] + 1;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    if (wanted == 0 && (upper || strcmp(automatic, "SAME_LOWER") == 0)) {
        wanted = window->in[a] * window->stride[a];
    }
    if (wanted == 0) {
        window->out[a] = full - window->begin[a] - window->end[a];
        return;
    }
    window->out[a] = wanted;
    int64_t begin = (full - wanted + (upper ? 0 : 1)) / 2;
    window->begin[a] = begin < 0 ? 0 : begin;
}

static enum status read_transposed(struct interpretation *run, struct window *window)
{
    const struct onnx_node *node = run->node->onnx;
    const struct onnx_tensor *x = run->in[0], *w = run->in[1];
    if ((x->rank != 3 && x->rank != 4) || w->rank != x->rank || !w->floats) {
        return interpret_refuse(run, "only one or two spatial dimensions are supported");
    }
    uint32_t axes = x->rank - 2;
    int64_t extra[AXES] = {0}, wanted[AXES] = {0}, pads[2 * AXES] = {0};
    for (uint32_t a = 0; a < AXES; a++) {
        bool real = a >= AXES - axes;
        window->in[a] = real ? x->dims[x->rank - AXES + a] : 1;
        window->kernel[a] = real ? w->dims[w->rank - AXES + a] : 1;
        window->stride[a] = window->dilation[a] = 1;
    }
    if (!read_axes(node, "strides", axes, window->stride) ||
        !read_axes(node, "dilations", axes, window->dilation) ||
        !onnx_attr_ints(node, "pads", pads, 2 * axes) ||
        !onnx_attr_ints(node, "output_padding", extra + AXES - axes, axes) ||
        !onnx_attr_ints(node, "output_shape", wanted + AXES - axes, axes)) {
        return interpret_refuse(run, "strides, dilations, pads or sizes out of range");
    }
    for (uint32_t a = 0; a < AXES; a++) {
        bool real = a >= AXES - axes;
        window->begin[a] = real ? pads[a + axes - AXES] : 0;
        window->end[a] = real ? pads[a + 2 * axes - AXES] : 0;
        if (extra[a] < 0 || extra[a] > SIZE_MAX_HERE || wanted[a] < 0 ||
            wanted[a] > SIZE_MAX_HERE || window->kernel[a] < 1) {
            return interpret_refuse(run, "sizes out of range");
        }
        if (real) {
            transposed_axis(node, window, a, extra[a], wanted[a]);
        } else {
            window->out[a] = 1;
        }
        if (window->out[a] < 1 || window->out[a] > SIZE_MAX_HERE) {
            return interpret_refuse(run, "an output size out of range");
        }
    }
    return OK;
}

/* One output value of one group: what each input position gives to it. */
static double transposed_at(const struct interpretation *run, const struct window *window,
                            const int64_t *at, int64_t groups)
{
    const struct onnx_tensor *x = run->in[0], *w = run->in[1];
    int64_t each = x->dims[1] / groups, made = w->dims[1], group = at[1] / made;
    int64_t taps = window->kernel[0] * window->kernel[1];
    double sum = 0;
    for (int64_t k = 0; k < taps; k++) {
        int64_t y =
            at[2] + window->begin[0] - k / window->kernel[1] * window->dilation[0];
        int64_t column =
            at[3] + window->begin[1] - k % window->kernel[1] * window->dilation[1];
        if (y < 0 || column < 0 || y % window->stride[0] || column % window->stride[1] ||
            y / window->stride[0] >= window->in[0] ||
            column / window->stride[1] >= window->in[1]) {
            continue;
        }
        for (int64_t c = group * each; c < (group + 1) * each; c++) {
            int64_t from =
                ((at[0] * x->dims[1] + c) * window->in[0] + y / window->stride[0]) *
                    window->in[1] +
                column / window->stride[1];
            sum += (double)x->floats[from] *
                   (double)w->floats[(c * made + at[1] % made) * taps + k];
        }
    }
    return sum;
}

enum status interpret_conv_transpose(struct interpretation *run)
{
    struct window window = {0};
    int64_t groups = onnx_attr_int(run->node->onnx, "group", 1);
    const struct onnx_tensor *x = run->in[0], *w = run->in[1], *b = run->in[2];
    enum status status = read_transposed(run, &window);
    if (status) {
        return status;
    }
    if (groups < 1 || groups > SIZE_MAX_HERE || x->dims[1] % groups != 0 ||
        w->dims[0] != x->dims[1] || w->dims[1] < 1 || w->dims[1] > SIZE_MAX_HERE ||
        (b && (!b->floats || b->rank != 1 || b->dims[0] != w->dims[1] * groups))) {
        return interpret_refuse(run, "weights that do not fit the input and groups");
    }
    const int64_t shape[4] = {x->dims[0], w->dims[1] * groups, window.out[0],
                              window.out[1]};
    run->out->rank = x->rank;
    memcpy(run->out->dims, shape, 2 * sizeof *shape);
    memcpy(run->out->dims + 2, shape + (6 - x->rank), (x->rank - 2) * sizeof *shape);
    status = interpret_allocate(run, x);
    uint64_t steps = 0, taps = (uint64_t)window.kernel[0] * (uint64_t)window.kernel[1];
    if (!status && __builtin_mul_overflow(taps * (uint64_t)(x->dims[1] / groups + 1),
                                          run->out->count, &steps)) {
        steps = UINT64_MAX;
    }
    status = status ? status : interpret_spend(run, steps);
    for (size_t i = 0; i < run->out->count && !status; i++) {
        int64_t at[4];
        interpret_unravel(i, shape, 4, at);
        double sum = transposed_at(run, &window, at, groups);
        run->out->floats[i] = (float)(sum + (b ? (double)b->floats[at[1]] : 0));
    }
    return status;
}
