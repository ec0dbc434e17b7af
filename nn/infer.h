/* SPDX-License-Identifier: Apache-2.0 */
/* infer: the inside of nn_op_infer, shared by its two files: shape.c has the core
 * operators, shape_extended.c those from 17 on. Inputs that are not optional are there.
 */
#ifndef MUSTER_NN_INFER_H
#define MUSTER_NN_INFER_H

#include "nn/model.h"

/* What one inference needs; kept together so that the functions stay short. */
struct inference {
    const struct nn_op *op;
    const struct nn_shape *const *in;
    uint32_t count;
    struct nn_shape out;
    uint64_t macs_each; /* for one output element */
    struct muster_nn_error *error;
};

#define INVALID(inference, ...)                                                          \
    nn_fail((inference)->error, MUSTER_NN_INVALID, __VA_ARGS__)

typedef enum muster_nn_status infer_function(struct inference *inference);

infer_function nn_infer_unary, nn_infer_binary, nn_infer_reduce, nn_infer_slice,
    nn_infer_resize, nn_infer_conv_transpose;

static inline bool nn_attr_within(int32_t value, int32_t low, int32_t high)
{
    return value >= low && value <= high;
}

#endif
