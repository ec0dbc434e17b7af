/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "nn/kernel.h"

/* A function of one value with the operator's two parameters. */
typedef float function(float x, float a, float b);

static float absolute(float x, float a, float b)
{
    (void)a, (void)b;
    return fabsf(x);
}

static float negative(float x, float a, float b)
{
    (void)a, (void)b;
    return -x;
}

static float reciprocal(float x, float a, float b)
{
    (void)a, (void)b;
    return 1.0f / x;
}

static float sigmoid(float x, float a, float b)
{
    (void)a, (void)b;
    return 1.0f / (1.0f + expf(-x));
}

static float softplus(float x, float a, float b)
{
    (void)a, (void)b;
    return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

static float elu(float x, float a, float b)
{
    (void)b;
    return x < 0 ? a * expm1f(x) : x;
}

static float selu(float x, float a, float b)
{
    return x > 0 ? b * x : b * a * expm1f(x);
}

static float hard_sigmoid(float x, float a, float b)
{
    return fmaxf(0.0f, fminf(1.0f, a * x + b));
}

static float hard_swish(float x, float a, float b)
{
    (void)a, (void)b;
    return x * fmaxf(0.0f, fminf(1.0f, x / 6.0f + 0.5f));
}

static float leaky_relu(float x, float a, float b)
{
    (void)b;
    return x < 0 ? a * x : x;
}

static float thresholded_relu(float x, float a, float b)
{
    (void)b;
    return x > a ? x : 0.0f;
}

static float sign(float x, float a, float b)
{
    (void)a, (void)b;
    return (float)((x > 0) - (x < 0));
}

static function *const functions[NN_UNARY_FUNCTIONS] = {
    [NN_ABS] = absolute,
    [NN_NEG] = negative,
    [NN_RECIPROCAL] = reciprocal,
    [NN_SIGMOID] = sigmoid,
    [NN_SOFTPLUS] = softplus,
    [NN_ELU] = elu,
    [NN_SELU] = selu,
    [NN_HARD_SIGMOID] = hard_sigmoid,
    [NN_HARD_SWISH] = hard_swish,
    [NN_LEAKY_RELU] = leaky_relu,
    [NN_THRESHOLDED_RELU] = thresholded_relu,
    [NN_SIGN] = sign,
};

/* Those that libm has. */
static float (*const plain_functions[NN_UNARY_FUNCTIONS])(float) = {
    [NN_SQRT] = sqrtf,   [NN_EXP] = expf,     [NN_LOG] = logf,     [NN_ERF] = erff,
    [NN_TANH] = tanhf,   [NN_FLOOR] = floorf, [NN_CEIL] = ceilf,   [NN_ROUND] = rintf,
    [NN_SIN] = sinf,     [NN_COS] = cosf,     [NN_TAN] = tanf,     [NN_ASIN] = asinf,
    [NN_ACOS] = acosf,   [NN_ATAN] = atanf,   [NN_SINH] = sinhf,   [NN_COSH] = coshf,
    [NN_ASINH] = asinhf, [NN_ACOSH] = acoshf, [NN_ATANH] = atanhf,
};

void nn_unary_over(const struct nn_op *op, const float *in, float *out, size_t count)
{
    int32_t number = op->attrs[0];
    float a = nn_attr_float(op, 1), b = nn_attr_float(op, 2);
    if (plain_functions[number]) {
        for (size_t i = 0; i < count; i++) {
            out[i] = plain_functions[number](in[i]);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = functions[number](in[i], a, b);
    }
}

void nn_unary(const struct nn_call *call)
{
    nn_unary_over(call->op, call->in[0].data, call->out,
                  nn_shape_product(call->out_shape, 0, call->out_shape->rank));
}

static float subtract(float a, float b)
{
    return a - b;
}

static float divide(float a, float b)
{
    return a / b;
}

static float prelu(float a, float b)
{
    return a < 0 ? a * b : a;
}

static void row_of(const struct nn_rows *rows, float (*apply)(float, float))
{
    for (size_t i = 0; i < rows->count; i++) {
        rows->out[i] = apply(rows->a[i * rows->a_step], rows->b[i * rows->b_step]);
    }
}

static void sub_row(const struct nn_rows *rows)
{
    row_of(rows, subtract);
}

static void div_row(const struct nn_rows *rows)
{
    row_of(rows, divide);
}

static void pow_row(const struct nn_rows *rows)
{
    row_of(rows, powf);
}

static void max_row(const struct nn_rows *rows)
{
    row_of(rows, fmaxf);
}

static void min_row(const struct nn_rows *rows)
{
    row_of(rows, fminf);
}

static void prelu_row(const struct nn_rows *rows)
{
    row_of(rows, prelu);
}

static nn_row_function *const rows_of[NN_BINARY_FUNCTIONS] = {
    [NN_SUB] = sub_row, [NN_DIV] = div_row, [NN_POW] = pow_row,
    [NN_MAX] = max_row, [NN_MIN] = min_row, [NN_PRELU] = prelu_row,
};

void nn_binary(const struct nn_call *call)
{
    nn_broadcast(call, rows_of[call->op->attrs[0]]);
}
