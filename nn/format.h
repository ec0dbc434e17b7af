/* SPDX-License-Identifier: Apache-2.0 */
/* format: the numbers of docs/MNET.md, shared by the reader here and the writer in
 * converter/.
 *
 *   header 384 bytes | tensors | nodes | refs | attrs | quants | ports | metas | classes
 * | tests | strings | data, each section at a multiple of 64
 *
 * Fields are read with the le_ functions below, never through a struct. */
#ifndef MUSTER_NN_FORMAT_H
#define MUSTER_NN_FORMAT_H

#include <stdint.h>
#include <string.h>

#include "nn/functions.h"

#define NN_MAGIC "\x89MNET\r\n\x1a"

enum {
    NN_MAJOR = 1,
    NN_MINOR = 0,
    NN_MAGIC_BYTES = 8,
    NN_HEADER_BYTES = 384,
    NN_DIRECTORY_AT = 112,
    NN_SLOT_BYTES = 16,
    NN_SLOTS = 17,
    NN_ALIGN = 64,
    NN_TENSOR_BYTES = 64,
    NN_NODE_BYTES = 64,
    NN_QUANT_BYTES = 32,
    NN_PORT_BYTES = 128,
    NN_META_BYTES = 8,
    NN_TEST_BYTES = 32,
    NN_MAX_RANK = 6,
    NN_MAX_DIM = 1 << 24,
    NN_MAX_ELEMENTS = 0x7fffffff,
    NN_MAX_TENSORS = 16384,
    NN_MAX_NODES = 4096,
    NN_MAX_REFS = 65536,
    NN_MAX_ATTRS = 65536,
    NN_MAX_PORTS = 32,
    NN_MAX_METAS = 256,
    NN_MAX_CLASSES = 65536,
    NN_MAX_TESTS = 256,
    NN_MAX_STRINGS = 1 << 24,
    NN_MAX_DATA = 1 << 26,
    NN_MAX_TEXT = 1024,
    NN_MAX_CONCAT = 1024,
    NN_TAPS_MAX = 64, /* of a kernel of a packed Conv of group 1 */
    NN_BLOCK = 16     /* channels of a block, outputs of a panel */
};

#define NN_ABSENT UINT32_C(0xffffffff)

/* Where the header's fields are. */
enum nn_header_field {
    NN_H_MAJOR = 8,
    NN_H_MINOR = 10,
    NN_H_HEADER_BYTES = 12,
    NN_H_FILE_BYTES = 16,
    NN_H_HEADER_CRC = 24,
    NN_H_BODY_CRC = 28,
    NN_H_FEATURES = 32,
    NN_H_OP_SET = 40,
    NN_H_ARENA_BYTES = 72,
    NN_H_WORKSPACE_OFFSET = 80,
    NN_H_WORKSPACE_BYTES = 88,
    NN_H_MACS = 96,
    NN_H_ALIGNMENT = 104,
    NN_H_RESERVED = 108
};

/* Directory slots, in file order. */
enum nn_section {
    NN_S_TENSORS,
    NN_S_NODES,
    NN_S_REFS,
    NN_S_ATTRS,
    NN_S_QUANTS,
    NN_S_PORTS,
    NN_S_METAS,
    NN_S_CLASSES,
    NN_S_TESTS,
    NN_S_STRINGS,
    NN_S_DATA,
    NN_SECTIONS
};

enum nn_dtype { NN_F32 = 1, NN_F16, NN_BF16, NN_I8, NN_U8, NN_I32, NN_I4 };
/* Feature bits. */
#define NN_FEATURE_HALF UINT64_C(0x02)
#define NN_FEATURE_PACKED UINT64_C(0x04)
#define NN_FEATURE_FIT UINT64_C(0x08)
#define NN_FEATURE_FUNCTIONS UINT64_C(0x20)

/* Where the elements of a tensor are; section 4.12. */
enum nn_layout { NN_ROWS, NN_BLOCKED, NN_LAST, NN_PANELS, NN_LAYOUTS };

enum nn_place { NN_ARENA = 0, NN_DATA = 1 };
enum nn_activation { NN_NO_ACTIVATION = 0, NN_ACT_RELU = 1, NN_ACT_CLIP = 2 };

enum nn_op_code {
    NN_CONV = 1,
    NN_MAX_POOL,
    NN_AVERAGE_POOL,
    NN_GLOBAL_AVERAGE_POOL,
    NN_GEMM,
    NN_MAT_MUL,
    NN_RELU,
    NN_CLIP,
    NN_ADD,
    NN_MUL,
    NN_CONCAT,
    NN_RESHAPE,
    NN_SOFTMAX,
    NN_AFFINE,
    NN_PAD,
    NN_TRANSPOSE,
    NN_UNARY,
    NN_BINARY,
    NN_REDUCE,
    NN_SLICE,
    NN_RESIZE,
    NN_CONV_TRANSPOSE,
    NN_OP_CODES
};

/* Attribute words of Conv and the pools. */
enum nn_window_attr {
    NN_W_KERNEL_H,
    NN_W_KERNEL_W,
    NN_W_STRIDE_H,
    NN_W_STRIDE_W,
    NN_W_PAD_TOP,
    NN_W_PAD_LEFT,
    NN_W_PAD_BOTTOM,
    NN_W_PAD_RIGHT,
    NN_W_DILATION_H,
    NN_W_DILATION_W,
    NN_W_GROUP = 10,     /* Conv */
    NN_W_CEIL_MODE = 10, /* pools */
    NN_W_COUNT_PAD = 11  /* AveragePool */
};

enum nn_gemm_attr { NN_G_ALPHA, NN_G_BETA, NN_G_TRANS_A, NN_G_TRANS_B };
enum nn_pad_attr { NN_P_MODE, NN_P_VALUE, NN_P_BEGIN, NN_P_END = 8 };
enum nn_pad_mode { NN_PAD_CONSTANT, NN_PAD_REFLECT, NN_PAD_EDGE };

static inline uint64_t nn_align64(uint64_t value)
{
    return (value + 63) & ~UINT64_C(63);
}

static inline uint16_t le_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t le_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static inline uint64_t le_u64(const uint8_t *at)
{
    return (uint64_t)le_u32(at) | (uint64_t)le_u32(at + 4) << 32;
}

static inline float nn_float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t nn_bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Element i of a self-test input that is generated from `seed`, in [-span, span). */
static inline float nn_generated(uint64_t seed, uint64_t i, float span)
{
    uint64_t z = seed + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z = z ^ (z >> 31);
    return ((float)(z >> 40) * 0x1p-23f - 1.0f) * span;
}

#endif
