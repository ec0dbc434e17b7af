/* SPDX-License-Identifier: Apache-2.0 */
/* vec: the widest vector of the family that is being compiled, and NN_FAST's names.
 *
 * A block of 16 floats is PARTS vectors. Loads and stores are of whole, aligned
 * vectors. */
#ifndef MUSTER_NN_FAST_VEC_H
#define MUSTER_NN_FAST_VEC_H

#include "nn/fast.h"

#define NN_JOIN2(a, b) a##_##b
#define NN_JOIN(a, b) NN_JOIN2(a, b)
/* NN_OF(conv) is conv_avx2 where NN_FAST is avx2. */
#define NN_OF(name) NN_JOIN(name, NN_FAST)
#define NN_INLINE static inline __attribute__((always_inline))
#define NN_UNROLL _Pragma("GCC unroll 16")

#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES = 16, PIXELS = 14, PAIR_PIXELS = 14 };
typedef __m512 vec;
#define vec_all(x) _mm512_set1_ps(x)
#define vec_max(a, b) _mm512_max_ps(a, b)
#define vec_min(a, b) _mm512_min_ps(a, b)
#elif defined(__AVX2__)
#include <immintrin.h>
enum { LANES = 8, PIXELS = 6, PAIR_PIXELS = 3 };
typedef __m256 vec;
#define vec_all(x) _mm256_set1_ps(x)
#define vec_max(a, b) _mm256_max_ps(a, b)
#define vec_min(a, b) _mm256_min_ps(a, b)
#elif defined(NN_NEON)
#include <arm_neon.h>
#if defined(__aarch64__)
enum { LANES = 4, PIXELS = 5, PAIR_PIXELS = 1 };
#else
enum { LANES = 4, PIXELS = 3, PAIR_PIXELS = 0 };
#endif
typedef float32x4_t vec;
#define vec_all(x) vdupq_n_f32(x)
#define vec_max(a, b) vmaxq_f32(a, b)
#define vec_min(a, b) vminq_f32(a, b)
#else
#if defined(__aarch64__)
enum { LANES = 4, PIXELS = 5, PAIR_PIXELS = 1 };
#elif defined(__arm__)
enum { LANES = 4, PIXELS = 1, PAIR_PIXELS = 0 }; /* vectors are taken apart */
#else
enum { LANES = 4, PIXELS = 3, PAIR_PIXELS = 1 };
#endif
typedef float vec __attribute__((vector_size(16)));
typedef int32_t vec_mask __attribute__((vector_size(16)));
NN_INLINE vec vec_all(float x)
{
    return (vec){x, x, x, x};
}
/* b where the comparison is false, so that what is not a number in b stays. */
NN_INLINE vec vec_max(vec a, vec b)
{
    vec_mask take = a > b;
    return (vec)((take & (vec_mask)a) | (~take & (vec_mask)b));
}
NN_INLINE vec vec_min(vec a, vec b)
{
    vec_mask take = a < b;
    return (vec)((take & (vec_mask)a) | (~take & (vec_mask)b));
}
#endif

enum { PARTS = NN_BLOCK / LANES };

NN_INLINE vec vec_load(const float *at)
{
    return *(const vec *)(const void *)at;
}

NN_INLINE void vec_store(float *at, vec value)
{
    *(vec *)(void *)at = value;
}

NN_INLINE vec vec_finish(vec value, const struct nn_finish *finish)
{
    switch (finish->activation) {
    case NN_NO_ACTIVATION:
        break;
    case NN_ACT_RELU:
        return vec_max(vec_all(0.0f), value);
    case NN_ACT_CLIP:
        return vec_min(vec_all(finish->high), vec_max(vec_all(finish->low), value));
    }
    return value;
}

/* What each file of the family gives to its table. */
void NN_OF(nn_fast_conv)(const struct nn_fast_conv *conv);
void NN_OF(nn_fast_depthwise)(const struct nn_fast_conv *conv);
void NN_OF(nn_fast_pool)(const struct nn_fast_conv *conv);
void NN_OF(nn_fast_mean)(const float *in, float *out, size_t blocks, size_t pixels);
void NN_OF(nn_fast_binary)(const struct nn_fast_binary *binary);
void NN_OF(nn_fast_unary)(const struct nn_fast_unary *unary);

#endif
