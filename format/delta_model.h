/* SPDX-License-Identifier: Apache-2.0 */
/* delta_model: what delta_encode and delta_decode share: the layout, how values become
 * ordered integers, and the probabilities that both sides learn alike.
 *
 *   0  48  the header of a transport (transport.h): method 2, stride 0, the base's
 * SHA-256 48   8  length of the base, little-endian 56      one range_code stream to the
 * end
 *
 * The result is cut into segments of 4 KiB, the last may be shorter. Each has a kind and,
 * unless it is DELTA_FRESH, a place in the base: its own place plus a shift that stays
 * until it is changed. Then come the values, each as the difference of two ordered
 * integers: is it zero (what were the last two?), how many bits it has, its sign, its top
 * three bits below the first, and the rest as it is. The exponent of the base's value,
 * which both sides know, chooses the probabilities: how far a weight moves in steps of
 * its own precision depends on it. docs/PROTOCOL.md section 4 has every field. */
#ifndef MUSTER_FORMAT_DELTA_MODEL_H
#define MUSTER_FORMAT_DELTA_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "format/range_code.h"

enum {
    DELTA_HEADER_BYTES = 56,
    DELTA_METHOD = 2,
    DELTA_SEGMENT_BYTES = 4 * 1024,
    DELTA_SHIFT_BITS = 36, /* of a shift, its sign included: 2 GiB are the most */
    DELTA_SCALES = 32,     /* what the base's value says of the size of the step */
    DELTA_TOP_BITS = 2,
};

/* What the values of a segment are. */
enum delta_kind {
    DELTA_COPY,   /* the base's bytes */
    DELTA_BYTES,  /* 8-bit integers, or anything */
    DELTA_FLOAT2, /* sign and magnitude in 16 bits: half precision */
    DELTA_FLOAT4, /* the same in 32 bits */
    DELTA_INT4,   /* 32-bit integers */
    DELTA_FRESH,  /* bytes without a base */
};

enum { DELTA_KINDS = DELTA_FRESH + 1, DELTA_VALUE_KINDS = DELTA_INT4 - DELTA_BYTES + 1 };

/* Probabilities of the values of one kind. Trees begin at node 1. */
struct delta_values {
    struct range_bit changed[DELTA_SCALES][4];
    struct range_bit bits[DELTA_SCALES][32];
    struct range_bit sign[DELTA_SCALES][2];
    struct range_bit top[DELTA_SCALES][32][1 << DELTA_TOP_BITS];
};

struct delta_model {
    struct range_bit kind[DELTA_KINDS][8];
    struct range_bit moved;
    struct range_bit skew[2][4]; /* of 2 bytes, of 4 */
    struct delta_values values[DELTA_VALUE_KINDS];
    struct range_bit fresh[4][256]; /* by place in a word */
};

/* All probabilities at one half. */
void delta_model_init(struct delta_model *model);

/* Bytes of a value: 1, 2 or 4; 1 for the kinds without values. */
static inline size_t delta_width(enum delta_kind kind)
{
    static const uint8_t widths[] = {1, 1, 2, 4, 4, 1};
    return widths[kind];
}

static inline uint32_t delta_load(const uint8_t *from, size_t width)
{
    uint32_t value = from[0];
    if (width > 1) {
        value |= (uint32_t)from[1] << 8;
    }
    if (width > 2) {
        value |= (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    }
    return value;
}

static inline void delta_store(uint8_t *to, size_t width, uint32_t value)
{
    to[0] = (uint8_t)value;
    if (width > 1) {
        to[1] = (uint8_t)(value >> 8);
    }
    if (width > 2) {
        to[2] = (uint8_t)(value >> 16);
        to[3] = (uint8_t)(value >> 24);
    }
}

/* Bit patterns to integers in the order of the values, one to one for every pattern: not
 * a number, infinities and minus zero included. */
static inline uint32_t delta_order(enum delta_kind kind, uint32_t bits)
{
    if (kind == DELTA_FLOAT4) {
        return bits ^ (bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31);
    }
    if (kind == DELTA_FLOAT2) {
        return bits ^ (bits >> 15 ? UINT16_MAX : 1u << 15);
    }
    return bits;
}

static inline uint32_t delta_unorder(enum delta_kind kind, uint32_t order)
{
    if (kind == DELTA_FLOAT4) {
        return order ^ (order >> 31 ? UINT32_C(1) << 31 : UINT32_MAX);
    }
    if (kind == DELTA_FLOAT2) {
        return order ^ (order >> 15 ? 1u << 15 : UINT16_MAX);
    }
    return order;
}

static inline uint32_t delta_bit_length(uint32_t value)
{
    return value == 0 ? 0 : 32 - (uint32_t)__builtin_clz(value);
}

/* The bits that a value of this width has. */
static inline uint32_t delta_mask(size_t width)
{
    return UINT32_MAX >> (32 - 8 * width);
}

/* Exponent of a float modulo 32, bits of an integer's magnitude. */
static inline uint32_t delta_scale(enum delta_kind kind, uint32_t bits)
{
    if (kind == DELTA_FLOAT4) {
        return bits >> 23 & 31;
    }
    if (kind == DELTA_FLOAT2) {
        return bits >> 10 & 31;
    }
    uint32_t sign_bit = kind == DELTA_BYTES ? 1u << 7 : UINT32_C(1) << 31;
    uint32_t magnitude = bits & sign_bit ? (~bits & (sign_bit - 1)) : bits;
    uint32_t length = delta_bit_length(magnitude);
    return length < DELTA_SCALES ? length : DELTA_SCALES - 1;
}

/* Whether the base's value is below zero. */
static inline uint32_t delta_below(size_t width, uint32_t bits)
{
    return bits >> (8 * width - 1) & 1;
}

#endif
