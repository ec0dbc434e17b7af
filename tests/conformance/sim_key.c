/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/sim_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/hex.h"

static const char ECDSA_SCHEME[] = "ecdsa-sha2-nistp256";
static const char RSA_SCHEME[] = "rsassa-pss-sha256";

static void set_id(struct sim_key *key)
{
    assert_non_null(key->object);
    assert_int_equal(key_object_id(key->object, key->keyid, NULL), OK);
}

void sim_key_ed25519(struct sim_key *ret_key, uint8_t seed)
{
    uint8_t bytes[ED25519_SEED_BYTES];
    memset(bytes, seed, sizeof bytes);
    *ret_key = (struct sim_key){0};
    assert_int_equal(signing_key_from_seed(bytes, &ret_key->ed, NULL), OK);
    ret_key->object = key_object_new(ret_key->ed.public_key);
    set_id(ret_key);
}

static void describe(struct sim_key *key, const char *keytype, const char *scheme)
{
    assert_non_null(key->pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key->pkey), 1);
    char *pem = NULL;
    long len = BIO_get_mem_data(bio, &pem);
    key->object = json_pack("{s:s, s:s, s:{s:s%}}", "keytype", keytype, "scheme", scheme,
                            "keyval", "public", pem, (size_t)len);
    BIO_free(bio);
    set_id(key);
}

void sim_key_ecdsa(struct sim_key *ret_key, const char *keytype)
{
    *ret_key = (struct sim_key){.pkey = EVP_EC_gen("P-256")};
    describe(ret_key, keytype, ECDSA_SCHEME);
}

void sim_key_rsa(struct sim_key *ret_key)
{
    *ret_key = (struct sim_key){.pkey = EVP_RSA_gen(2048)};
    describe(ret_key, "rsa", RSA_SCHEME);
}

static size_t sign_pkey(const struct sim_key *key, const void *message, size_t len,
                        uint8_t *ret_raw, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    assert_int_equal(
        EVP_DigestSignInit(context, &parameters, EVP_sha256(), NULL, key->pkey), 1);
    if (EVP_PKEY_base_id(key->pkey) == EVP_PKEY_RSA) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING),
                         1);
    }
    assert_int_equal(EVP_DigestSign(context, ret_raw, &size, message, len), 1);
    EVP_MD_CTX_free(context);
    return size;
}

void sim_key_sign(const struct sim_key *key, const void *message, size_t len,
                  char ret_signature[static SIM_SIGNATURE_BYTES])
{
    if (!key->pkey) {
        signing_key_sign(&key->ed, message, len, ret_signature);
        return;
    }
    uint8_t raw[SIM_SIGNATURE_BYTES / 2 - 1];
    hex_encode(raw, sign_pkey(key, message, len, raw, sizeof raw), ret_signature);
}

void sim_key_release(struct sim_key *key)
{
    json_decref(key->object);
    EVP_PKEY_free(key->pkey);
    *key = (struct sim_key){0};
}
