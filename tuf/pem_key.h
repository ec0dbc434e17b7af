/* SPDX-License-Identifier: Apache-2.0 */
/* pem_key: ECDSA P-256 and RSA-PSS public keys in PEM, through libcrypto.
 *
 * Their owners have them in hardware or in other tools; muster's own keys are Ed25519.
 * Internal to tuf/: key.h is the way in. Not thread-safe for one key. */
#ifndef MUSTER_TUF_PEM_KEY_H
#define MUSTER_TUF_PEM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    RSA_BITS_MIN = 2048, /* TUF's lower bound */
    RSA_BITS_MAX = 8192, /* a larger one only costs time */
    PEM_KEY_BYTES_MAX = 4096,
};

/* Read a PEM "PUBLIC KEY"; NULL when it is none of that kind: an ECDSA key on P-256, an
 * RSA key of RSA_BITS_MIN … RSA_BITS_MAX. The caller frees with pem_key_free. */
struct evp_pkey_st *pem_key_read_ecdsa(const char *pem);
struct evp_pkey_st *pem_key_read_rsa(const char *pem);
void pem_key_free(struct evp_pkey_st *key);

/* SHA-256 of what the key is, however it is written: both coordinates of the point, or
 * modulus and exponent. */
enum status pem_key_identity(const struct evp_pkey_st *key,
                             uint8_t ret_identity[static 32], struct err *err) MUST_USE;

/* Whether a signature over SHA-256 of the message is this key's: DER for ECDSA; PSS with
 * MGF1-SHA256 and any salt length for RSA. */
bool pem_key_verify(struct evp_pkey_st *key, const uint8_t *signature,
                    size_t signature_len, const void *message, size_t len);

#endif
