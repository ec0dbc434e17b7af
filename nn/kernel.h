/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: the reference kernels, one function an operator of docs/MNET.md section 5.
 *
 * They are written to be read; what makes them fast enough is that inner loops run over
 * contiguous floats. Shapes, attributes and memory were checked when the file was opened,
 * so a kernel cannot fail. The fused activation is applied by the caller. */
#ifndef MUSTER_NN_KERNEL_H
#define MUSTER_NN_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "nn/shape.h"

/* An operand: `data` is NULL for an absent optional input. */
struct nn_value {
    const float *data;
    const struct nn_shape *shape;
    enum nn_layout layout;
};

struct nn_call {
    const struct nn_op *op;
    const struct nn_value *in;
    uint32_t inputs;
    const struct nn_shape *out_shape;
    enum nn_layout out_layout;
    float *out; /* may be in[0].data where the operator may run in place */
};

typedef void nn_kernel(const struct nn_call *call);

nn_kernel nn_conv, nn_pool, nn_global_average_pool, nn_gemm, nn_mat_mul, nn_relu, nn_clip,
    nn_add, nn_mul, nn_concat, nn_reshape, nn_softmax, nn_affine, nn_pad, nn_transpose,
    nn_unary, nn_binary, nn_reduce, nn_slice, nn_resize, nn_conv_transpose;

struct nn_fast_kernels;
struct nn_finish;

/* Whether nn_packed_run takes the call: an operand has a packed layout. */
bool nn_call_is_packed(const struct nn_call *call);

/* Runs a call over packed layouts, the fused activation included. */
void nn_packed_run(const struct nn_call *call, const struct nn_fast_kernels *kernels,
                   const struct nn_finish *finish);

/* The kernel of an operator that nn_op_info knows. */
nn_kernel *nn_kernel_of(enum nn_op_code code);

/* Unary over `count` values; `out` may be `in`. */
void nn_unary_over(const struct nn_op *op, const float *in, float *out, size_t count);

/* The same, in place over `count` values. */
void nn_relu_over(float *values, size_t count);
void nn_clip_over(float *values, size_t count, float low, float high);

/* Turns `count` scores, `step` apart, into probabilities; `out` may be `in`. */
void nn_softmax_over(const float *in, float *out, size_t count, size_t step);

/* A row of an output with two broadcasting operands. */
struct nn_rows {
    const float *a, *b;
    size_t a_step, b_step; /* within the row: 0 or 1 */
    float *out;
    size_t count;
};

/* Calls `row_of` for every row of the output of an operator with two operands. */
typedef void nn_row_function(const struct nn_rows *rows);
void nn_broadcast(const struct nn_call *call, nn_row_function *row_of);

/* An index in a shape, counted up like an odometer. */
struct nn_odometer {
    uint32_t at[NN_MAX_RANK];
};
void nn_odometer_next(struct nn_odometer *odometer, const struct nn_shape *shape);

/* The product of dims[begin] to dims[end - 1]. */
static inline size_t nn_shape_product(const struct nn_shape *shape, uint32_t begin,
                                      uint32_t end)
{
    size_t product = 1;
    for (uint32_t d = begin; d < end; d++) {
        product *= shape->dims[d];
    }
    return product;
}

#endif
