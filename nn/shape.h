/* SPDX-License-Identifier: Apache-2.0 */
/* shape: shapes of tensors and what each operator makes of them (docs/MNET.md section 5).
 *
 * The reader and the importer both use nn_op_infer: a file states every shape, and the
 * reader refuses one that this does not compute. */
#ifndef MUSTER_NN_SHAPE_H
#define MUSTER_NN_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <muster/nn.h>

#include "nn/format.h"

struct nn_shape {
    uint32_t rank;
    uint32_t dims[NN_MAX_RANK]; /* zero past the rank */
};

struct nn_op {
    enum nn_op_code code;
    const int32_t *attrs;
    uint32_t attr_count;
};

/* What is fixed about an operator. */
struct nn_op_info {
    const char *name;
    uint8_t min_inputs;
    uint16_t max_inputs; /* inputs past min_inputs are optional */
    uint8_t attrs;       /* words */
    bool activation;     /* a fused activation is allowed */
    bool in_place;       /* may write over its first input */
};

/* The operator's row, or NULL for an unknown code. */
const struct nn_op_info *nn_op_info(uint32_t code);

/* The f32 attribute at `index`. */
static inline float nn_attr_float(const struct nn_op *op, unsigned index)
{
    return nn_float_of((uint32_t)op->attrs[index]);
}

/* The number of elements, or 0 if it is over NN_MAX_ELEMENTS or a dimension is out of
 * range. */
uint32_t nn_shape_elements(const struct nn_shape *shape);

bool nn_shape_equal(const struct nn_shape *a, const struct nn_shape *b);

/* "1x16x28x28" into `ret_text`. */
enum { NN_SHAPE_TEXT = 64 };
void nn_shape_print(const struct nn_shape *shape, char ret_text[static NN_SHAPE_TEXT]);

/* The shape that both broadcast to as numpy does; false if they do not. */
bool nn_shape_broadcast(const struct nn_shape *a, const struct nn_shape *b,
                        struct nn_shape *ret_shape);

/* Output positions of a window of `kernel` over `in` with these pads; 0 if there is none.
 */
struct nn_window {
    int64_t kernel, stride, dilation, pad_begin, pad_end;
    bool ceil_mode;
};
uint32_t nn_window_outputs(const struct nn_window *window, int64_t in);

/* Inputs of one operator: `in[i]` is NULL for an absent optional one. */
struct nn_op_inputs {
    const struct nn_shape *const *in;
    uint32_t count;
};

/* Checks the operator's attributes and its inputs' shapes and computes the output's shape
 * (for Reshape the caller puts the wished shape into ret_shape) and its
 * multiply-accumulates. MUSTER_NN_INVALID says what does not fit. */
enum muster_nn_status nn_op_infer(const struct nn_op *op, struct nn_op_inputs inputs,
                                  struct nn_shape *ret_shape, uint64_t *ret_macs,
                                  struct muster_nn_error *error);

#endif
