/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA and RSA keys: made here by libcrypto, written and signed as other tools do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/hex.h"
#include "tuf/json.h"
#include "tuf/key.h"

enum { PEM_BYTES = 4096, SIGNATURE_BYTES = 1024 };

static const char ECDSA[] = "ecdsa-sha2-nistp256";
static const char RSA_PSS[] = "rsassa-pss-sha256";

static void write_pem(EVP_PKEY *key, char ret_pem[static PEM_BYTES])
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    int len = BIO_read(bio, ret_pem, PEM_BYTES - 1);
    assert_true(len > 0);
    ret_pem[len] = '\0';
    (void)BIO_free(bio);
}

/* `salt` is a length of OpenSSL's, 0 for keys that have none. */
static void sign_text(EVP_PKEY *key, const EVP_MD *digest, int salt, const char *text,
                      char ret_hex[static 2 * SIGNATURE_BYTES + 1])
{
    uint8_t raw[SIGNATURE_BYTES];
    size_t len = sizeof raw;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    assert_int_equal(EVP_DigestSignInit(context, &padding, digest, NULL, key), 1);
    if (salt) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, salt), 1);
    }
    assert_int_equal(
        EVP_DigestSign(context, raw, &len, (const uint8_t *)text, strlen(text)), 1);
    hex_encode(raw, len, ret_hex);
    EVP_MD_CTX_free(context);
}

static void parse(const char *type, const char *scheme, const char *pem,
                  struct verify_key *ret_key)
{
    JSON_AUTO *object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", type, "scheme",
                                  scheme, "keyval", "public", pem);
    assert_int_equal(verify_key_parse(object, ret_key, NULL), OK);
}

static void an_ecdsa_key_verifies_its_own_signatures_only(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    char pem[PEM_BYTES];
    char hex[2 * SIGNATURE_BYTES + 1];
    write_pem(key, pem);
    static const char *const TYPES[] = {"ecdsa", "ecdsa-sha2-nistp256"};
    for (int i = 0; i < 2; i++) {
        VERIFY_KEY_AUTO verify = {0};
        parse(TYPES[i], ECDSA, pem, &verify);
        assert_int_equal(verify.kind, KEY_ECDSA_P256);
        sign_text(key, EVP_sha256(), 0, "abc", hex);
        assert_true(verify_key_verify(&verify, hex, "abc", 3));
        assert_false(verify_key_verify(&verify, hex, "abd", 3));
        hex[strlen(hex) - 2] = '\0';
        assert_false(verify_key_verify(&verify, hex, "abc", 3));
        sign_text(other, EVP_sha256(), 0, "abc", hex);
        assert_false(verify_key_verify(&verify, hex, "abc", 3));
        assert_false(verify_key_verify(&verify, "", "abc", 3));
        assert_false(verify_key_verify(&verify, "0g", "abc", 3));
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void an_rsa_key_verifies_pss_of_any_salt_and_nothing_else(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char pem[PEM_BYTES];
    char hex[2 * SIGNATURE_BYTES + 1];
    VERIFY_KEY_AUTO verify = {0};
    write_pem(key, pem);
    parse("rsa", RSA_PSS, pem, &verify);
    assert_int_equal(verify.kind, KEY_RSA_PSS);
    static const int SALTS[] = {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX, 20};
    for (size_t i = 0; i < sizeof SALTS / sizeof SALTS[0]; i++) {
        sign_text(key, EVP_sha256(), SALTS[i], "abc", hex);
        assert_true(verify_key_verify(&verify, hex, "abc", 3));
        assert_false(verify_key_verify(&verify, hex, "abd", 3));
    }
    sign_text(key, EVP_sha256(), 0, "abc", hex); /* PKCS#1 v1.5 */
    assert_false(verify_key_verify(&verify, hex, "abc", 3));
    sign_text(key, EVP_sha512(), RSA_PSS_SALTLEN_DIGEST, "abc", hex);
    assert_false(verify_key_verify(&verify, hex, "abc", 3));
    EVP_PKEY_free(key);
}

/* A key is counted by what it is: the same point, compressed, is the same key. */
static void the_identity_does_not_depend_on_the_writing(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char plain[PEM_BYTES];
    char compressed[PEM_BYTES];
    write_pem(key, plain);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(
                         key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
                     1);
    write_pem(key, compressed);
    assert_string_not_equal(plain, compressed);
    VERIFY_KEY_AUTO first = {0};
    VERIFY_KEY_AUTO second = {0};
    parse("ecdsa", ECDSA, plain, &first);
    parse("ecdsa-sha2-nistp256", ECDSA, compressed, &second);
    assert_int_equal(second.kind, KEY_ECDSA_P256);
    assert_memory_equal(first.identity, second.identity, sizeof first.identity);
    EVP_PKEY_free(key);
}

static void unsuitable_keys_never_count(void **state)
{
    (void)state;
    char small[PEM_BYTES];
    char curve[PEM_BYTES];
    char good[PEM_BYTES];
    char encrypted[PEM_BYTES + 128];
    EVP_PKEY *key = EVP_RSA_gen(1024);
    write_pem(key, small);
    EVP_PKEY_free(key);
    key = EVP_EC_gen("P-384");
    write_pem(key, curve);
    EVP_PKEY_free(key);
    key = EVP_EC_gen("P-256");
    write_pem(key, good);
    EVP_PKEY_free(key);
    /* would ask for a password */
    (void)snprintf(encrypted, sizeof encrypted,
                   "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
                   "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n%s",
                   strchr(good, '\n') + 1);
    const struct {
        const char *type, *scheme, *pem;
    } cases[] = {
        {"rsa", RSA_PSS, small},
        {"ecdsa", ECDSA, curve},
        {"ecdsa", ECDSA, encrypted},
        {"rsa", RSA_PSS, good},
        {"ecdsa", RSA_PSS, good},
        {"rsa", "rsassa-pss-sha512", good},
        {"ecdsa", ECDSA, ""},
        {"ecdsa", ECDSA, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
        {"ed25519", "ed25519", good},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        VERIFY_KEY_AUTO verify = {0};
        parse(cases[i].type, cases[i].scheme, cases[i].pem, &verify);
        assert_int_equal(verify.kind, KEY_UNKNOWN);
        assert_false(verify_key_verify(&verify, "00", "abc", 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ecdsa_key_verifies_its_own_signatures_only),
        cmocka_unit_test(an_rsa_key_verifies_pss_of_any_salt_and_nothing_else),
        cmocka_unit_test(the_identity_does_not_depend_on_the_writing),
        cmocka_unit_test(unsuitable_keys_never_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
