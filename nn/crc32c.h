/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c: the Castagnoli checksum (RFC 3720, reflected 0x82F63B78), eight bytes a step.
 */
#ifndef MUSTER_NN_CRC32C_H
#define MUSTER_NN_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `bytes` bytes, going on from `crc` (0 at first). */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
