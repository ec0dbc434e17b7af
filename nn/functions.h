/* SPDX-License-Identifier: Apache-2.0 */
/* functions: the numbers of docs/MNET.md sections 5.1 and 5.2, a part of nn/format.h:
 * functions of Unary, Binary and Reduce, and the attribute words of Slice and Resize. */
#ifndef MUSTER_NN_FUNCTIONS_H
#define MUSTER_NN_FUNCTIONS_H

/* Functions of Unary: the first attribute word; a and b follow. */
enum nn_unary {
    NN_ABS,
    NN_NEG,
    NN_RECIPROCAL,
    NN_SQRT,
    NN_EXP,
    NN_LOG,
    NN_ERF,
    NN_SIGMOID,
    NN_TANH,
    NN_SOFTPLUS,
    NN_ELU,
    NN_SELU,
    NN_HARD_SIGMOID,
    NN_HARD_SWISH,
    NN_LEAKY_RELU,
    NN_THRESHOLDED_RELU,
    NN_FLOOR,
    NN_CEIL,
    NN_ROUND,
    NN_SIGN,
    NN_SIN,
    NN_COS,
    NN_TAN,
    NN_ASIN,
    NN_ACOS,
    NN_ATAN,
    NN_SINH,
    NN_COSH,
    NN_ASINH,
    NN_ACOSH,
    NN_ATANH,
    NN_UNARY_FUNCTIONS
};

enum nn_binary { NN_SUB, NN_DIV, NN_POW, NN_MAX, NN_MIN, NN_PRELU, NN_BINARY_FUNCTIONS };

/* Functions of Reduce; the set of axes is the second word. */
enum nn_reduce {
    NN_MEAN_OF,
    NN_SUM_OF,
    NN_MAX_OF,
    NN_MIN_OF,
    NN_PRODUCT_OF,
    NN_L1_OF,
    NN_L2_OF,
    NN_SUM_SQUARE_OF,
    NN_LOG_SUM_OF,
    NN_LOG_SUM_EXP_OF,
    NN_ARG_MAX,
    NN_ARG_MAX_LAST,
    NN_ARG_MIN,
    NN_ARG_MIN_LAST,
    NN_REDUCE_FUNCTIONS
};

/* Attribute words of Slice and Resize: one a dimension. */
enum nn_slice_attr { NN_L_START, NN_L_STEP = 6, NN_L_SIZE = 12 };
enum nn_resize_attr {
    NN_R_MODE,
    NN_R_PLACE,
    NN_R_ROUND,
    NN_R_EXCLUDE,
    NN_R_CUBIC,
    NN_R_SCALE,
    NN_R_SIZE = 11
};
enum nn_resize_mode { NN_NEAREST, NN_LINEAR, NN_CUBIC };
enum nn_resize_place {
    NN_HALF_PIXEL,
    NN_PYTORCH_HALF_PIXEL,
    NN_ASYMMETRIC,
    NN_ALIGN_CORNERS,
    NN_TF_HALF_PIXEL
};
enum nn_resize_round {
    NN_ROUND_PREFER_FLOOR,
    NN_ROUND_PREFER_CEIL,
    NN_ROUND_FLOOR,
    NN_ROUND_CEIL
};

#endif
