/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one value over whole blocks: the activations of MobileNetV3 and
 * EfficientNet. */
#include "nn/fast/vec.h"

typedef int32_t vec_bits __attribute__((vector_size(LANES * 4)));

/* e^x for x in [-87, 88], beyond as at the end: 2^n times a polynomial of what is left,
 * at most half of ln 2 (Cephes' coefficients; 2 units in the last place). */
NN_INLINE vec vec_exp(vec x)
{
    const vec to_integer = vec_all(12582912.0f); /* 1.5 * 2^23: its last bit is 1 */
    x = vec_min(vec_all(88.0f), vec_max(vec_all(-87.0f), x));
    vec shifted = x * vec_all(1.44269504088896341f) + to_integer;
    vec n = shifted - to_integer;
    vec r = x - n * vec_all(0.693359375f) - n * vec_all(-2.12194440e-4f);
    vec sum = vec_all(1.9875691500e-4f);
    sum = sum * r + vec_all(1.3981999507e-3f);
    sum = sum * r + vec_all(8.3334519073e-3f);
    sum = sum * r + vec_all(4.1665795894e-2f);
    sum = sum * r + vec_all(1.6666665459e-1f);
    sum = sum * r + vec_all(5.0000001201e-1f);
    sum = sum * r * r + r + vec_all(1.0f);
    vec_bits power = (vec_bits)shifted - (vec_bits)to_integer + 127;
    return sum * (vec)(power << 23);
}

NN_INLINE vec within_unit(vec x)
{
    return vec_max(vec_all(0.0f), vec_min(vec_all(1.0f), x));
}

NN_INLINE vec value_of(const struct nn_fast_unary *unary, enum nn_fast_function function,
                       vec x)
{
    switch (function) {
    case NN_FAST_SIGMOID:
        return vec_all(1.0f) / (vec_all(1.0f) + vec_exp(-x));
    case NN_FAST_HARD_SIGMOID:
        return within_unit(vec_all(unary->a) * x + vec_all(unary->b));
    case NN_FAST_HARD_SWISH:
        return x * within_unit(x * vec_all(1.0f / 6.0f) + vec_all(0.5f));
    case NN_FAST_LEAKY_RELU:
        return vec_max(vec_all(0.0f), x) + vec_all(unary->a) * vec_min(vec_all(0.0f), x);
    }
    return x;
}

/* A block at a time: what its vectors wait for overlaps. */
NN_INLINE void each(const struct nn_fast_unary *unary, enum nn_fast_function function)
{
    for (size_t i = 0; i < unary->count; i += NN_BLOCK) {
        vec values[PARTS];
        NN_UNROLL
        for (int v = 0; v < PARTS; v++) {
            values[v] =
                value_of(unary, function, vec_load(unary->in + i + (size_t)v * LANES));
        }
        NN_UNROLL
        for (int v = 0; v < PARTS; v++) {
            vec_store(unary->out + i + (size_t)v * LANES, values[v]);
        }
    }
}

void NN_OF(nn_fast_unary)(const struct nn_fast_unary *unary)
{
    const struct nn_fast_unary kept = *unary;
    switch (kept.function) {
    case NN_FAST_SIGMOID:
        each(&kept, NN_FAST_SIGMOID);
        break;
    case NN_FAST_HARD_SIGMOID:
        each(&kept, NN_FAST_HARD_SIGMOID);
        break;
    case NN_FAST_HARD_SWISH:
        each(&kept, NN_FAST_HARD_SWISH);
        break;
    case NN_FAST_LEAKY_RELU:
        each(&kept, NN_FAST_LEAKY_RELU);
        break;
    }
}
