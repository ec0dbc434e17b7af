/* SPDX-License-Identifier: Apache-2.0 */
/* isa: which instructions this machine has, and which family of kernels runs.
 *
 * The library is built for the oldest machine of its architecture; code for newer ones
 * stands in files of its own and is entered only after this module has said so. On x86
 * it asks CPUID, and XCR0 for the registers that the system saves; on ARM the system's
 * hardware capabilities. Thread-safe. */
#ifndef MUSTER_NN_ISA_H
#define MUSTER_NN_ISA_H

#include <stdbool.h>

enum nn_isa {
    NN_ISA_GENERIC, /* what every machine of the architecture has: SSE2, VFP, ARMv8 */
    NN_ISA_NEON,    /* 32-bit ARM: where the system has it; aarch64: always */
    NN_ISA_AVX2,    /* with FMA */
    NN_ISA_AVX512,  /* F, BW, DQ and VL */
    NN_ISAS
};

/* The family that kernels are taken from: the one that the environment variable
 * MUSTER_NN_ISA names (generic, neon, avx2, avx512) if the machine has it; otherwise the
 * best up to AVX2. AVX-512 is taken by name only until its kernels have been measured on
 * a machine that has it. */
enum nn_isa nn_isa_chosen(void);

bool nn_isa_has(enum nn_isa isa);

/* "generic", "neon", "avx2", "avx512". */
const char *nn_isa_name(enum nn_isa isa);

/* Whether the processor has an instruction for CRC32C. */
bool nn_isa_has_crc32c(void);

#endif
