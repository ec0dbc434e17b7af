/* SPDX-License-Identifier: Apache-2.0 */
/* fast: the kernels over packed layouts (docs/MNET.md section 4.12), one table for each
 * family of instructions.
 *
 * Activations lie in blocks of 16 channels: [N][ceil(C / 16)][H][W][16]. What stands in
 * the lanes past C is not specified; no kernel lets it reach another lane. Weights are
 * panels of 16 outputs: [ceil(O / 16)][kernel_h][kernel_w][I][16]. All were checked when
 * the file was opened. The sources in nn/fast/ are compiled once for each family, with
 * its flags and NN_FAST set to its name. */
#ifndef MUSTER_NN_FAST_H
#define MUSTER_NN_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "nn/format.h"
#include "nn/isa.h"

/* What is applied to a result before it is stored. */
struct nn_finish {
    enum nn_activation activation;
    float low, high; /* of NN_ACT_CLIP */
};

/* One item of a convolution, a depthwise convolution, a pool or (as 1x1 convolution whose
 * pixels are rows) a matrix product. */
struct nn_fast_conv {
    const float *in, *weights;
    const float *bias; /* whole blocks, or NULL */
    const float
        *add; /* laid out as `out` and added to it before the activation, or NULL */
    float *out;
    int64_t in_height, in_width, out_height, out_width;
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad_top, pad_left;
    size_t channels;   /* inputs of an output: I */
    size_t blocks;     /* of 16 outputs */
    size_t in_pixel;   /* floats from one input pixel to the next */
    size_t in_plane;   /* ... from one block of input channels to the next */
    size_t out_pixel;  /* ... from one output pixel to the next */
    size_t out_plane;  /* ... from one output block to the next */
    size_t last_lanes; /* how many lanes of the last block are stored: 16 for blocked */
    bool average, count_pad; /* pools */
    int64_t pad_bottom, pad_right;
    struct nn_finish finish;
};

/* out[i] = finish(a[i] op b[i]) over whole blocks; b_pixel 0 repeats b's 16 lanes for
 * all `pixels` of a block. */
struct nn_fast_binary {
    const float *a, *b;
    float *out;
    size_t blocks, pixels;
    size_t b_block, b_pixel; /* floats */
    bool multiply;
    struct nn_finish finish;
};

/* The functions of Unary that have kernels of their own. */
enum nn_fast_function {
    NN_FAST_SIGMOID,
    NN_FAST_HARD_SIGMOID,
    NN_FAST_HARD_SWISH,
    NN_FAST_LEAKY_RELU
};

/* out[i] = function(in[i]) for `count` values, whole blocks. */
struct nn_fast_unary {
    enum nn_fast_function function;
    float a, b;
    const float *in;
    float *out;
    size_t count;
};

struct nn_fast_kernels {
    void (*conv)(const struct nn_fast_conv *conv);
    void (*depthwise)(const struct nn_fast_conv *conv);
    void (*pool)(const struct nn_fast_conv *conv);
    /* The mean of `pixels` pixels of 16 lanes, for each of `blocks` blocks. */
    void (*mean)(const float *in, float *out, size_t blocks, size_t pixels);
    void (*binary)(const struct nn_fast_binary *binary);
    void (*unary)(const struct nn_fast_unary *unary); /* NULL with NN_CORE */
};

/* The tables; those of other architectures are NULL. */
extern const struct nn_fast_kernels nn_fast_generic, nn_fast_neon, nn_fast_avx2,
    nn_fast_avx512;

const struct nn_fast_kernels *nn_fast_of(enum nn_isa isa);

#endif
