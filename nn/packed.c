/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/fast.h"
#include "nn/kernel.h"
#include "nn/packing.h"

static const struct nn_fast_kernels *const tables[NN_ISAS] = {
    [NN_ISA_GENERIC] = &nn_fast_generic,
#if defined(__aarch64__) || defined(__arm__)
    [NN_ISA_NEON] = &nn_fast_neon,
#elif defined(__x86_64__)
    [NN_ISA_AVX2] = &nn_fast_avx2,
#if !NN_CORE
    [NN_ISA_AVX512] = &nn_fast_avx512,
#endif
#endif
};

const struct nn_fast_kernels *nn_fast_of(enum nn_isa isa)
{
    return tables[isa];
}

/* What one call needs. */
struct packed {
    const struct nn_call *call;
    const struct nn_fast_kernels *kernels;
    const struct nn_finish *finish;
};

static size_t plane_of(const struct nn_shape *shape)
{
    return (size_t)shape->dims[2] * shape->dims[3];
}

/* Floats of one item. */
static size_t item_of(enum nn_layout layout, const struct nn_shape *shape)
{
    return (size_t)(nn_layout_bytes(layout, shape) / sizeof(float)) / shape->dims[0];
}

/* A window over blocked tensors, the first item's. */
static struct nn_fast_conv window_of(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    const struct nn_shape *x = call->in[0].shape, *y = call->out_shape;
    const int32_t *attrs = call->op->attrs;
    return (struct nn_fast_conv){
        .in = call->in[0].data,
        .out = call->out,
        .in_height = x->dims[2],
        .in_width = x->dims[3],
        .out_height = y->dims[2],
        .out_width = y->dims[3],
        .kernel_h = attrs[NN_W_KERNEL_H],
        .kernel_w = attrs[NN_W_KERNEL_W],
        .stride_h = attrs[NN_W_STRIDE_H],
        .stride_w = attrs[NN_W_STRIDE_W],
        .dilation_h = attrs[NN_W_DILATION_H],
        .dilation_w = attrs[NN_W_DILATION_W],
        .pad_top = attrs[NN_W_PAD_TOP],
        .pad_left = attrs[NN_W_PAD_LEFT],
        .pad_bottom = attrs[NN_W_PAD_BOTTOM],
        .pad_right = attrs[NN_W_PAD_RIGHT],
        .blocks = nn_blocks(y->dims[1]),
        .in_pixel = NN_BLOCK,
        .in_plane = plane_of(x) * NN_BLOCK,
        .out_pixel = NN_BLOCK,
        .out_plane = plane_of(y) * NN_BLOCK,
        .last_lanes = NN_BLOCK,
        .finish = *packed->finish,
    };
}

typedef void window_function(const struct nn_fast_conv *conv);

static void run_items(const struct packed *packed, struct nn_fast_conv *conv,
                      window_function *run)
{
    const struct nn_call *call = packed->call;
    size_t in_item = item_of(call->in[0].layout, call->in[0].shape);
    size_t out_item = item_of(call->out_layout, call->out_shape);
    for (uint32_t n = 0; n < call->out_shape->dims[0]; n++) {
        run(conv);
        conv->in += in_item;
        conv->out += out_item;
        if (conv->add) {
            conv->add += out_item;
        }
    }
}

static void run_conv(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    struct nn_fast_conv conv = window_of(packed);
    conv.weights = call->in[1].data;
    conv.bias = call->inputs > 2 ? call->in[2].data : NULL;
    conv.add = call->inputs > 3 ? call->in[3].data : NULL;
    conv.channels = call->in[1].shape->dims[1];
    if (call->in[0].layout == NN_LAST) {
        conv.in_pixel = call->in[0].shape->dims[1];
    }
    bool depthwise = call->op->attrs[NN_W_GROUP] > 1;
    run_items(packed, &conv,
              depthwise ? packed->kernels->depthwise : packed->kernels->conv);
}

/* The rows of the first factor are the pixels of a 1x1 convolution. */
static void run_gemm(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    uint32_t rows = call->out_shape->dims[0], columns = call->out_shape->dims[1];
    uint32_t inner = call->in[0].shape->dims[1];
    struct nn_fast_conv conv = {
        .in = call->in[0].data,
        .weights = call->in[1].data,
        .bias = call->inputs > 2 ? call->in[2].data : NULL,
        .out = call->out,
        .in_height = 1,
        .in_width = rows,
        .out_height = 1,
        .out_width = rows,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
        .channels = inner,
        .blocks = nn_blocks(columns),
        .in_pixel = inner,
        .in_plane = NN_BLOCK,
        .out_pixel = columns,
        .out_plane = NN_BLOCK,
        .last_lanes = columns % NN_BLOCK ? columns % NN_BLOCK : NN_BLOCK,
        .finish = *packed->finish,
    };
    packed->kernels->conv(&conv);
}

static void run_pool(const struct packed *packed)
{
    struct nn_fast_conv pool = window_of(packed);
    pool.average = packed->call->op->code == NN_AVERAGE_POOL;
    pool.count_pad = pool.average && packed->call->op->attrs[NN_W_COUNT_PAD] != 0;
    run_items(packed, &pool, packed->kernels->pool);
}

static void run_binary(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    const struct nn_shape *y = call->out_shape, *b = call->in[1].shape;
    bool same = nn_shape_equal(b, y);
    struct nn_fast_binary binary = {
        .a = call->in[0].data,
        .b = call->in[1].data,
        .out = call->out,
        .blocks = (size_t)y->dims[0] * nn_blocks(y->dims[1]),
        .pixels = plane_of(y),
        .b_block = (same ? plane_of(y) : 1) * NN_BLOCK,
        .b_pixel = same ? NN_BLOCK : 0,
        .multiply = call->op->code == NN_MUL,
        .finish = *packed->finish,
    };
    packed->kernels->binary(&binary);
}

/* Relu and Clip are sums with zeros that are finished. */
static void run_each(const struct packed *packed)
{
    static const float zeros[NN_BLOCK] __attribute__((aligned(NN_ALIGN)));
    const struct nn_call *call = packed->call;
    const struct nn_shape *y = call->out_shape;
    struct nn_fast_binary binary = {
        .a = call->in[0].data,
        .b = zeros,
        .out = call->out,
        .blocks = (size_t)y->dims[0] * nn_blocks(y->dims[1]),
        .pixels = plane_of(y),
        .finish = {.activation = NN_ACT_RELU},
    };
    if (call->op->code == NN_CLIP) {
        binary.finish = (struct nn_finish){NN_ACT_CLIP, nn_attr_float(call->op, 0),
                                           nn_attr_float(call->op, 1)};
    }
    packed->kernels->binary(&binary);
}

/* Which kernel computes a function of Unary; false: none. */
static bool fast_function(int32_t function, enum nn_fast_function *ret_function)
{
    static const enum nn_unary functions[] = {[NN_FAST_SIGMOID] = NN_SIGMOID,
                                              [NN_FAST_HARD_SIGMOID] = NN_HARD_SIGMOID,
                                              [NN_FAST_HARD_SWISH] = NN_HARD_SWISH,
                                              [NN_FAST_LEAKY_RELU] = NN_LEAKY_RELU};
    for (int i = NN_FAST_SIGMOID; i <= NN_FAST_LEAKY_RELU; i++) {
        if ((int32_t)functions[i] == function) {
            *ret_function = (enum nn_fast_function)i;
            return true;
        }
    }
    return false;
}

/* The lanes past the channels are computed like the others. */
static void run_unary(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    const struct nn_shape *y = call->out_shape;
    struct nn_fast_unary unary = {
        .a = nn_attr_float(call->op, 1),
        .b = nn_attr_float(call->op, 2),
        .in = call->in[0].data,
        .out = call->out,
        .count = item_of(NN_BLOCKED, y) * y->dims[0],
    };
    if (fast_function(call->op->attrs[0], &unary.function)) {
        packed->kernels->unary(&unary);
    } else {
        nn_unary_over(call->op, unary.in, unary.out, unary.count);
    }
}

static void run_concat(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    float *out = call->out;
    for (uint32_t n = 0; n < call->out_shape->dims[0]; n++) {
        for (uint32_t i = 0; i < call->inputs; i++) {
            size_t item = item_of(NN_BLOCKED, call->in[i].shape);
            memcpy(out, call->in[i].data + n * item, item * sizeof *out);
            out += item;
        }
    }
}

/* Where a packed tensor has its elements. */
struct grid {
    uint32_t items, channels, width; /* width: lanes of a pixel */
    size_t pixels;
};

static struct grid grid_of(enum nn_layout layout, const struct nn_shape *shape)
{
    return (struct grid){.items = shape->dims[0],
                         .channels = shape->dims[1],
                         .width = layout == NN_BLOCKED ? NN_BLOCK : shape->dims[1],
                         .pixels = plane_of(shape)};
}

/* From rows to a packed layout; lanes past the channels become zero. */
static void pack(const struct grid *grid, const float *in, float *out)
{
    for (uint32_t n = 0; n < grid->items; n++) {
        for (uint32_t c = 0; c < grid->channels; c += grid->width) {
            uint32_t left = grid->channels - c;
            uint32_t lanes = left < grid->width ? left : grid->width;
            for (size_t p = 0; p < grid->pixels; p++, out += grid->width) {
                for (uint32_t l = 0; l < grid->width; l++) {
                    out[l] = l < lanes ? in[l * grid->pixels + p] : 0.0f;
                }
            }
            in += lanes * grid->pixels;
        }
    }
}

static void unpack(const struct grid *grid, const float *in, float *out)
{
    for (uint32_t n = 0; n < grid->items; n++) {
        for (uint32_t c = 0; c < grid->channels; c += grid->width) {
            uint32_t left = grid->channels - c;
            uint32_t lanes = left < grid->width ? left : grid->width;
            for (uint32_t l = 0; l < lanes; l++, out += grid->pixels) {
                for (size_t p = 0; p < grid->pixels; p++) {
                    out[p] = in[p * grid->width + l];
                }
            }
            in += grid->width * grid->pixels;
        }
    }
}

static void run_reshape(const struct packed *packed)
{
    const struct nn_call *call = packed->call;
    if (call->out_layout == NN_ROWS) {
        struct grid grid = grid_of(call->in[0].layout, call->in[0].shape);
        unpack(&grid, call->in[0].data, call->out);
    } else {
        struct grid grid = grid_of(call->out_layout, call->out_shape);
        pack(&grid, call->in[0].data, call->out);
    }
}

bool nn_call_is_packed(const struct nn_call *call)
{
    return call->out_layout != NN_ROWS || call->in[0].layout != NN_ROWS ||
           (call->inputs > 1 && call->in[1].layout == NN_PANELS);
}

void nn_packed_run(const struct nn_call *call, const struct nn_fast_kernels *kernels,
                   const struct nn_finish *finish)
{
    const struct packed packed = {call, kernels, finish};
    const struct nn_shape *x = call->in[0].shape;
    enum nn_op_code code = call->op->code;
    if (code == NN_CONV) {
        run_conv(&packed);
    } else if (code == NN_GEMM) {
        run_gemm(&packed);
    } else if (code == NN_MAX_POOL || code == NN_AVERAGE_POOL) {
        run_pool(&packed);
    } else if (code == NN_GLOBAL_AVERAGE_POOL) {
        kernels->mean(call->in[0].data, call->out,
                      (size_t)x->dims[0] * nn_blocks(x->dims[1]), plane_of(x));
    } else if (code == NN_ADD || code == NN_MUL) {
        run_binary(&packed);
    } else if (code == NN_RELU || code == NN_CLIP) {
        run_each(&packed);
    } else if (code == NN_UNARY && !NN_CORE) {
        run_unary(&packed);
    } else if (code == NN_CONCAT) {
        run_concat(&packed);
    } else if (code == NN_RESHAPE) {
        run_reshape(&packed);
    }
}
