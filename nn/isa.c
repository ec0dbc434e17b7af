/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/isa.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[NN_ISAS] = {
    [NN_ISA_GENERIC] = "generic",
    [NN_ISA_NEON] = "neon",
    [NN_ISA_AVX2] = "avx2",
    [NN_ISA_AVX512] = "avx512",
};

#if defined(__x86_64__)
#include <cpuid.h>

enum {
    OSXSAVE = 1 << 27,
    FMA = 1 << 12,
    SSE42 = 1 << 20,
    AVX2 = 1 << 5,
    AVX512 = 1 << 16 | 1 << 17 | 1 << 30, /* F, DQ, BW */
    XCR0_AVX = 0x6,                       /* the system saves xmm and ymm */
    XCR0_AVX512 = 0xe6                    /* ... and masks and zmm */
};
#define AVX512_VL (UINT32_C(1) << 31)

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid leaf(uint32_t number)
{
    struct cpuid id = {0};
    (void)__get_cpuid_count(number, 0, &id.a, &id.b, &id.c, &id.d);
    return id;
}

static uint32_t saved_registers(void)
{
    uint32_t low = 0, high = 0;
    if (leaf(1).c & OSXSAVE) {
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    }
    return low;
}

bool nn_isa_has(enum nn_isa isa)
{
    uint32_t saved = saved_registers(), seven = leaf(7).b;
    bool avx2 = (leaf(1).c & FMA) && (seven & AVX2) && (saved & XCR0_AVX) == XCR0_AVX;
    switch (isa) {
    case NN_ISA_GENERIC:
        return true;
    case NN_ISA_AVX2:
        return avx2;
    case NN_ISA_AVX512:
        return !NN_CORE && avx2 && (seven & AVX512) == AVX512 && (seven & AVX512_VL) &&
               (saved & XCR0_AVX512) == XCR0_AVX512;
    case NN_ISA_NEON:
    case NN_ISAS:
        break;
    }
    return false;
}

bool nn_isa_has_crc32c(void)
{
    return leaf(1).c & SSE42;
}
#elif defined(__aarch64__) || defined(__arm__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

bool nn_isa_has(enum nn_isa isa)
{
#if defined(__aarch64__)
    unsigned long neon = HWCAP_ASIMD;
#else
    unsigned long neon = HWCAP_NEON;
#endif
    return isa == NN_ISA_GENERIC ||
           (isa == NN_ISA_NEON && (getauxval(AT_HWCAP) & neon) != 0);
}

bool nn_isa_has_crc32c(void)
{
#if defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
    return (getauxval(AT_HWCAP2) & HWCAP2_CRC32) != 0;
#endif
}
#else
bool nn_isa_has(enum nn_isa isa)
{
    return isa == NN_ISA_GENERIC;
}

bool nn_isa_has_crc32c(void)
{
    return false;
}
#endif

enum nn_isa nn_isa_chosen(void)
{
    const char *wanted = getenv("MUSTER_NN_ISA");
    enum nn_isa best = NN_ISA_GENERIC;
    for (enum nn_isa isa = NN_ISA_GENERIC; isa < NN_ISAS; isa++) {
        if (!nn_isa_has(isa)) {
            continue;
        }
        best = isa < NN_ISA_AVX512 ? isa : best;
        if (wanted && strcmp(wanted, names[isa]) == 0) {
            return isa;
        }
    }
    return best;
}

const char *nn_isa_name(enum nn_isa isa)
{
    return isa < NN_ISAS ? names[isa] : "";
}
