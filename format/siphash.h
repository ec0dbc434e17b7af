/* SPDX-License-Identifier: Apache-2.0 */
/* siphash: SipHash-2-4 (Aumasson, Bernstein 2012), a keyed 64-bit hash of short inputs.
 */
#ifndef MUSTER_FORMAT_SIPHASH_H
#define MUSTER_FORMAT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

/* The hash of `len` bytes under the key. */
uint64_t siphash_2_4(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data,
                     size_t len);

#endif
