/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/crc32c.h"

#if defined(__x86_64__) || defined(__ARM_FEATURE_CRC32)
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET __attribute__((target("sse4.2")))
#define SUM_WORD(sum, word) ((uint32_t)_mm_crc32_u64(sum, word))
#define SUM_BYTE(sum, byte) _mm_crc32_u8(sum, byte)
#else /* this file is compiled for ARMv8 with CRC */
#include <arm_acle.h>
#define TARGET
#define SUM_WORD(sum, word) __crc32cd(sum, word)
#define SUM_BYTE(sum, byte) __crc32cb(sum, byte)
#endif

/* The instruction takes three cycles and a new one can begin every cycle: three stretches
 * of the input are summed side by side and then joined. */
enum { STRETCH = 4096 };

/* Column i is what STRETCH zero bytes make of a checksum that has only bit i. */
static const uint32_t past_stretch[32] = {
    0xc2a5b65e, 0x80a71a4d, 0x04a2426b, 0x094484d6, 0x128909ac, 0x25121358, 0x4a2426b0,
    0x94484d60, 0x2d7cec31, 0x5af9d862, 0xb5f3b0c4, 0x6e0b1779, 0xdc162ef2, 0xbdc02b15,
    0x7e6c20db, 0xfcd841b6, 0xfc5cf59d, 0xfd559dcb, 0xff474d67, 0xfb62ec3f, 0xf329ae8f,
    0xe3bf2bef, 0xc292212f, 0x80c834af, 0x047c1faf, 0x08f83f5e, 0x11f07ebc, 0x23e0fd78,
    0x47c1faf0, 0x8f83f5e0, 0x1aeb9d31, 0x35d73a62,
};

static uint32_t skip_stretch(uint32_t crc)
{
    uint32_t moved = 0;
    for (unsigned i = 0; i < 32; i++) {
        moved ^= past_stretch[i] & (0 - (crc >> i & 1));
    }
    return moved;
}

static uint64_t word(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

TARGET uint32_t crc32c_instruction(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint32_t sum = ~crc;
    for (; bytes >= 3 * STRETCH; bytes -= 3 * STRETCH, at += 3 * STRETCH) {
        uint32_t second = 0, third = 0;
        for (size_t i = 0; i < STRETCH; i += 8) {
            sum = SUM_WORD(sum, word(at + i));
            second = SUM_WORD(second, word(at + STRETCH + i));
            third = SUM_WORD(third, word(at + 2 * STRETCH + i));
        }
        sum = skip_stretch(skip_stretch(sum) ^ second) ^ third;
    }
    for (; bytes >= 8; bytes -= 8, at += 8) {
        sum = SUM_WORD(sum, word(at));
    }
    for (; bytes > 0; bytes--, at++) {
        sum = SUM_BYTE(sum, *at);
    }
    return ~sum;
}
#else
uint32_t crc32c_instruction(uint32_t crc, const void *data, size_t bytes)
{
    return crc32c_portable(crc, data, bytes);
}
#endif
