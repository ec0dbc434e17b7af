/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/pem_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/digest.h"

static const char P256_NAME[] = "prime256v1";

enum { P256_COORDINATE_BYTES = 32, NUMBER_BYTES_MAX = RSA_BITS_MAX / 8 };

/* libcrypto would ask the terminal for the password of an encrypted PEM. */
static int no_password(char *buf, int size, int writing, void *user)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)user;
    return 0;
}

static EVP_PKEY *read_pem(const char *pem)
{
    size_t len = strlen(pem);
    if (len > PEM_KEY_BYTES_MAX) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (!bio) {
        return NULL;
    }
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    (void)BIO_free(bio);
    ERR_clear_error();
    return key;
}

EVP_PKEY *pem_key_read_ecdsa(const char *pem)
{
    EVP_PKEY *key = read_pem(pem);
    char group[32] = "";
    if (key && EVP_PKEY_is_a(key, "EC") &&
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
        strcmp(group, P256_NAME) == 0) {
        return key;
    }
    pem_key_free(key);
    return NULL;
}

EVP_PKEY *pem_key_read_rsa(const char *pem)
{
    EVP_PKEY *key = read_pem(pem);
    if (key && EVP_PKEY_is_a(key, "RSA")) {
        int bits = EVP_PKEY_get_bits(key);
        if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) {
            return key;
        }
    }
    pem_key_free(key);
    return NULL;
}

void pem_key_free(EVP_PKEY *key)
{
    EVP_PKEY_free(key);
}

/* Appends a number of the key, padded to `width` bytes. */
static bool append_number(const EVP_PKEY *key, const char *name, uint8_t *bytes,
                          size_t width)
{
    BIGNUM *number = NULL;
    bool done = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
                BN_bn2binpad(number, bytes, (int)width) == (int)width;
    BN_free(number);
    return done;
}

enum status pem_key_identity(const EVP_PKEY *key, uint8_t ret_identity[static 32],
                             struct err *err)
{
    uint8_t bytes[2 * NUMBER_BYTES_MAX];
    bool ecdsa = EVP_PKEY_is_a(key, "EC");
    size_t width = ecdsa ? P256_COORDINATE_BYTES : NUMBER_BYTES_MAX;
    const char *first = ecdsa ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_RSA_N;
    const char *second = ecdsa ? OSSL_PKEY_PARAM_EC_PUB_Y : OSSL_PKEY_PARAM_RSA_E;
    if (!append_number(key, first, bytes, width) ||
        !append_number(key, second, bytes + width, width)) {
        ERR_clear_error();
        return err_set(err, ERR_INTERNAL, "could not read the numbers of a key");
    }
    return sha256_of(bytes, 2 * width, ret_identity, err);
}

static bool set_padding(EVP_PKEY_CTX *padding)
{
    return EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(padding, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_AUTO) == 1;
}

bool pem_key_verify(EVP_PKEY *key, const uint8_t *signature, size_t signature_len,
                    const void *message, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL; /* belongs to the context */
    bool good = context &&
                EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, key) == 1 &&
                (!EVP_PKEY_is_a(key, "RSA") || set_padding(padding)) &&
                EVP_DigestVerify(context, signature, signature_len, message, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
