/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <openssl/evp.h>

static enum status digest_of(const EVP_MD *md, const void *data, size_t len,
                             uint8_t *ret_digest, struct err *err)
{
    if (EVP_Digest(data, len, ret_digest, NULL, md, NULL) != 1) {
        return err_set(err, ERR_NO_MEMORY, "could not compute a digest");
    }
    return OK;
}

enum status sha256_of(const void *data, size_t len,
                      uint8_t ret_digest[static SHA256_BYTES], struct err *err)
{
    return digest_of(EVP_sha256(), data, len, ret_digest, err);
}

enum status sha512_of(const void *data, size_t len,
                      uint8_t ret_digest[static SHA512_BYTES], struct err *err)
{
    return digest_of(EVP_sha512(), data, len, ret_digest, err);
}

static enum status start(const EVP_MD *md, void **ret_state, struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return err_set(err, ERR_NO_MEMORY, "could not start a digest");
    }
    *ret_state = ctx;
    return OK;
}

enum status sha256_init(struct sha256 *sha, struct err *err)
{
    return start(EVP_sha256(), &sha->state, err);
}

void sha256_update(struct sha256 *sha, const void *data, size_t len)
{
    (void)EVP_DigestUpdate(sha->state, data, len);
}

void sha256_finish(struct sha256 *sha, uint8_t ret_digest[static SHA256_BYTES])
{
    (void)EVP_DigestFinal_ex(sha->state, ret_digest, NULL);
    sha256_release(sha);
}

void sha256_release(struct sha256 *sha)
{
    EVP_MD_CTX_free(sha->state);
    sha->state = NULL;
}

enum status sha512_init(struct sha512 *sha, struct err *err)
{
    return start(EVP_sha512(), &sha->state, err);
}

void sha512_update(struct sha512 *sha, const void *data, size_t len)
{
    (void)EVP_DigestUpdate(sha->state, data, len);
}

void sha512_finish(struct sha512 *sha, uint8_t ret_digest[static SHA512_BYTES])
{
    (void)EVP_DigestFinal_ex(sha->state, ret_digest, NULL);
    sha512_release(sha);
}

void sha512_release(struct sha512 *sha)
{
    EVP_MD_CTX_free(sha->state);
    sha->state = NULL;
}
