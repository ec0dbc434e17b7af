/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c: the Castagnoli checksum (RFC 3720, reflected 0x82F63B78), by the processor's
 * own instruction where it has one, eight bytes a step elsewhere. */
#ifndef MUSTER_NN_CRC32C_H
#define MUSTER_NN_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `bytes` bytes, going on from `crc` (0 at first). */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

/* The two ways to it. The second needs nn_isa_has_crc32c(). */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes);
uint32_t crc32c_instruction(uint32_t crc, const void *data, size_t bytes);

#endif
