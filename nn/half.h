/* SPDX-License-Identifier: Apache-2.0 */
/* half: IEEE 754 binary16, in which a file may keep its weights (docs/MNET.md section
 * 4.1). No kernel knows it: the reader widens such constants once. */
#ifndef MUSTER_NN_HALF_H
#define MUSTER_NN_HALF_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "nn/format.h"

/* The largest finite value. */
#define NN_HALF_MAX 65504.0f

static inline bool nn_half_is_finite(uint16_t half)
{
    return (half & 0x7c00u) != 0x7c00u;
}

/* The value of a finite half, exactly: its exponent moves by a multiplication, which
 * makes subnormals right as well. */
static inline float nn_half_widen(uint16_t half)
{
    uint32_t sign = (half & UINT32_C(0x8000)) << 16;
    uint32_t bits = (half & UINT32_C(0x7fff)) << 13;
    return nn_float_of(sign | nn_bits_of(nn_float_of(bits) * 0x1p112f));
}

/* The nearest half of a value of at most NN_HALF_MAX, ties to even. */
static inline uint16_t nn_half_narrow(float value)
{
    uint32_t bits = nn_bits_of(value);
    uint32_t sign = bits >> 16 & UINT32_C(0x8000);
    bits &= UINT32_C(0x7fffffff);
    if (fabsf(value) < 0x1p-14f) {
        return (uint16_t)(sign | (uint32_t)lrintf(fabsf(value) * 0x1p24f));
    }
    bits += UINT32_C(0xfff) + (bits >> 13 & 1);
    return (uint16_t)(sign | ((bits >> 13) - (UINT32_C(112) << 10)));
}

#endif
