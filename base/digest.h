/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 and SHA-512 through libcrypto (seven times libsodium's speed). */
#ifndef MUSTER_BASE_DIGEST_H
#define MUSTER_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 65, SHA512_BYTES = 64 };

struct sha256 {
    void *state; /* an EVP_MD_CTX, owned; NULL: released */
};

struct sha512 {
    void *state; /* the same */
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

/* The same of SHA-512. */
enum status sha512_init(struct sha512 *sha, struct err *err) MUST_USE;
void sha512_update(struct sha512 *sha, const void *data, size_t len);
void sha512_finish(struct sha512 *sha, uint8_t ret_digest[static SHA512_BYTES]);
void sha512_release(struct sha512 *sha);

#endif
