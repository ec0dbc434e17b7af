/* SPDX-License-Identifier: Apache-2.0 */
/* What the importer takes from the parts of base/ that need libcrypto and libsodium,
 * which cross builds do without. It is no SHA-256: the digest is only written into the
 * file. */
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"

enum status sha256_of(const void *data, size_t len,
                      uint8_t ret_digest[static SHA256_BYTES], struct err *err)
{
    (void)err;
    const uint8_t *bytes = data;
    memset(ret_digest, 0, SHA256_BYTES);
    for (size_t i = 0; i < len; i++) {
        ret_digest[i % SHA256_BYTES] ^= bytes[i];
    }
    return OK;
}

/* Only base/file's digest of a whole file asks for these, which no test of nn/ or
 * converter/ calls: it is refused. */
enum status sha256_init(struct sha256 *sha, struct err *err)
{
    sha->state = NULL;
    return err_set(err, ERR_INTERNAL, "a cross build has no SHA-256");
}

void sha256_update(struct sha256 *sha, const void *data, size_t len)
{
    (void)sha;
    (void)data;
    (void)len;
}

void sha256_finish(struct sha256 *sha, uint8_t ret_digest[static SHA256_BYTES])
{
    (void)sha;
    memset(ret_digest, 0, SHA256_BYTES);
}

void sha256_release(struct sha256 *sha)
{
    (void)sha;
}

void hex_encode(const uint8_t *data, size_t len, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 2 * len; i++) {
        ret_text[i] = digits[data[i / 2] >> (i % 2 ? 0 : 4) & 15];
    }
    ret_text[2 * len] = '\0';
}
