/* SPDX-License-Identifier: Apache-2.0 */
/* lanes: sums of a convolution's tile by NEON's product of a vector and one lane of
 * another: some inputs of a pixel are loaded at once, not one after another. */
#ifndef MUSTER_NN_FAST_LANES_H
#define MUSTER_NN_FAST_LANES_H

#include "nn/fast/vec.h"

#if defined(__aarch64__)
enum { NN_LANES_STEP = 4 };
typedef float32x4_t nn_lanes;
#define NN_LANES_LOAD(at) vld1q_f32(at)
#define NN_LANES_ADD(sum, weight, values, lane) vfmaq_laneq_f32(sum, weight, values, lane)
#else
enum { NN_LANES_STEP = 2 };
typedef float32x2_t nn_lanes;
#define NN_LANES_LOAD(at) vld1_f32(at)
#define NN_LANES_ADD(sum, weight, values, lane) vmlaq_lane_f32(sum, weight, values, lane)
#endif

/* Input c + lane of every pixel. The lane is a constant. */
#define NN_LANES_INPUT(lane)                                                             \
    NN_UNROLL                                                                            \
    for (int v = 0; v < blocks * PARTS; v++) {                                           \
        const float *panel = v < PARTS ? first : second;                                 \
        vec weight = vec_load(panel + (c + (lane)) * NN_BLOCK + v % PARTS * LANES);      \
        NN_UNROLL                                                                        \
        for (int p = 0; p < pixels; p++) {                                               \
            sums[p][v] = NN_LANES_ADD(sums[p][v], weight, values[p], lane);              \
        }                                                                                \
    }

/* Adds whole steps of the `count` inputs of every pixel; returns how many. */
NN_INLINE size_t lanes_add(vec sums[PIXELS][2 * PARTS], const float *const *at,
                           const float *first, const float *second, size_t count,
                           const int pixels, const int blocks)
{
    size_t c = 0;
    for (; c + NN_LANES_STEP <= count; c += NN_LANES_STEP) {
        nn_lanes values[PIXELS];
        NN_UNROLL
        for (int p = 0; p < pixels; p++) {
            values[p] = NN_LANES_LOAD(at[p] + c);
        }
        NN_LANES_INPUT(0)
        NN_LANES_INPUT(1)
#if defined(__aarch64__)
        NN_LANES_INPUT(2)
        NN_LANES_INPUT(3)
#endif
    }
    return c;
}

#endif
