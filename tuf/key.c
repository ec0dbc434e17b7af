/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/key.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tuf/canonical.h"
#include "tuf/json.h"
#include "tuf/pem_key.h"

enum { KEY_OBJECT_MAX = 16 * 1024 };

static const char ED25519_NAME[] = "ed25519";
static const char ECDSA_NAME[] = "ecdsa";
static const char ECDSA_SCHEME[] = "ecdsa-sha2-nistp256"; /* once a keytype as well */
static const char RSA_NAME[] = "rsa";
static const char RSA_SCHEME[] = "rsassa-pss-sha256";

/* What a key object says, before it is understood. */
struct key_text {
    const char *type, *scheme, *public;
};

static enum status read_key(const json_t *object, struct key_text *ret_text,
                            struct err *err)
{
    const json_t *keyval = NULL;
    enum status status = tuf_json_text(object, "keytype", &ret_text->type, err);
    if (status == OK) {
        status = tuf_json_text(object, "scheme", &ret_text->scheme, err);
    }
    if (status == OK) {
        status = tuf_json_object(object, "keyval", &keyval, err);
    }
    return status == OK ? tuf_json_text(keyval, "public", &ret_text->public, err)
                        : status;
}

static enum key_kind kind_of(const struct key_text *text)
{
    if (strcmp(text->type, ED25519_NAME) == 0 &&
        strcmp(text->scheme, ED25519_NAME) == 0) {
        return KEY_ED25519;
    }
    if ((strcmp(text->type, ECDSA_NAME) == 0 || strcmp(text->type, ECDSA_SCHEME) == 0) &&
        strcmp(text->scheme, ECDSA_SCHEME) == 0) {
        return KEY_ECDSA_P256;
    }
    if (strcmp(text->type, RSA_NAME) == 0 && strcmp(text->scheme, RSA_SCHEME) == 0) {
        return KEY_RSA_PSS;
    }
    return KEY_UNKNOWN;
}

/* Decodes the public part; false when it is no key of that kind. */
static bool decode_public(struct verify_key *key, const char *public)
{
    switch (key->kind) {
    case KEY_ED25519:
        return hex_decode(public, key->ed25519, ED25519_PUBLIC_BYTES, NULL) == OK &&
               crypto_core_ed25519_is_valid_point(key->ed25519);
    case KEY_ECDSA_P256:
        key->pem = pem_key_read_ecdsa(public);
        return key->pem != NULL;
    case KEY_RSA_PSS:
        key->pem = pem_key_read_rsa(public);
        return key->pem != NULL;
    case KEY_UNKNOWN:
        break;
    }
    return false;
}

/* Depends on the key alone, not on how it is written. */
static enum status identify(struct verify_key *key, struct err *err)
{
    uint8_t input[1 + SHA256_BYTES] = {(uint8_t)key->kind};
    enum status status = OK;
    if (key->pem) {
        status = pem_key_identity(key->pem, input + 1, err);
    } else {
        memcpy(input + 1, key->ed25519, ED25519_PUBLIC_BYTES);
    }
    return status == OK ? sha256_of(input, sizeof input, key->identity, err) : status;
}

enum status verify_key_parse(const json_t *object, struct verify_key *ret_key,
                             struct err *err)
{
    if (!json_is_object(object)) {
        return err_set(err, ERR_TUF_FORMAT, "key: an object expected, %s found",
                       tuf_json_kind(object));
    }
    struct key_text text = {0};
    enum status status = read_key(object, &text, err);
    if (status != OK) {
        return status;
    }
    VERIFY_KEY_AUTO key = {.kind = kind_of(&text)};
    if (!decode_public(&key, text.public)) {
        verify_key_release(&key);
    }
    status = identify(&key, err);
    if (status == OK) {
        *ret_key = key;
        key = (struct verify_key){0};
    }
    return status;
}

void verify_key_release(struct verify_key *key)
{
    pem_key_free(key->pem);
    *key = (struct verify_key){0};
}

static bool verify_pem(const struct verify_key *key, const char *signature,
                       const void *message, size_t len)
{
    uint8_t raw[RSA_BITS_MAX / 8];
    size_t digits = strlen(signature);
    return digits <= 2 * sizeof raw && digits % 2 == 0 &&
           hex_decode(signature, raw, digits / 2, NULL) == OK &&
           pem_key_verify(key->pem, raw, digits / 2, message, len);
}

bool verify_key_verify(const struct verify_key *key, const char *signature,
                       const void *message, size_t len)
{
    uint8_t raw[crypto_sign_BYTES];
    switch (key->kind) {
    case KEY_ED25519:
        return hex_decode(signature, raw, sizeof raw, NULL) == OK &&
               crypto_sign_verify_detached(raw, message, len, key->ed25519) == 0;
    case KEY_ECDSA_P256:
    case KEY_RSA_PSS:
        return verify_pem(key, signature, message, len);
    case KEY_UNKNOWN:
        break;
    }
    return false;
}

json_t *key_object_new(const uint8_t public_key[static ED25519_PUBLIC_BYTES])
{
    char text[2 * ED25519_PUBLIC_BYTES + 1];
    hex_encode(public_key, ED25519_PUBLIC_BYTES, text);
    return json_pack("{s:s, s:s, s:{s:s}}", "keytype", ED25519_NAME, "scheme",
                     ED25519_NAME, "keyval", "public", text);
}

enum status key_object_id(const json_t *object, char ret_keyid[static KEY_ID_BYTES],
                          struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(KEY_OBJECT_MAX);
    uint8_t digest[SHA256_BYTES];
    enum status status = canonical_json(object, &bytes, err);
    if (status == OK) {
        status = sha256_of(bytes.data, bytes.len, digest, err);
    }
    if (status == OK) {
        hex_encode(digest, sizeof digest, ret_keyid);
    }
    return status;
}

static enum status complete_key(struct signing_key *key, struct err *err)
{
    JSON_AUTO *object = key_object_new(key->public_key);
    if (!object) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a key");
    }
    return key_object_id(object, key->keyid, err);
}

enum status signing_key_generate(struct signing_key *ret_key, struct err *err)
{
    uint8_t seed[ED25519_SEED_BYTES];
    if (sodium_init() < 0) {
        return err_set(err, ERR_INTERNAL, "libsodium could not start");
    }
    randombytes_buf(seed, sizeof seed);
    enum status status = signing_key_from_seed(seed, ret_key, err);
    sodium_memzero(seed, sizeof seed);
    return status;
}

enum status signing_key_from_seed(const uint8_t seed[static ED25519_SEED_BYTES],
                                  struct signing_key *ret_key, struct err *err)
{
    SIGNING_KEY_AUTO key = {0};
    if (crypto_sign_seed_keypair(key.public_key, key.secret, seed) != 0) {
        return err_set(err, ERR_INTERNAL, "could not make a key of a seed");
    }
    enum status status = complete_key(&key, err);
    if (status == OK) {
        *ret_key = key;
    }
    return status;
}

void signing_key_seed(const struct signing_key *key,
                      uint8_t ret_seed[static ED25519_SEED_BYTES])
{
    memcpy(ret_seed, key->secret, ED25519_SEED_BYTES);
}

void signing_key_sign(const struct signing_key *key, const void *message, size_t len,
                      char ret_signature[static ED25519_SIGNATURE_HEX_BYTES])
{
    uint8_t raw[crypto_sign_BYTES];
    (void)crypto_sign_detached(raw, NULL, message, len, key->secret);
    hex_encode(raw, sizeof raw, ret_signature);
}

void signing_key_wipe(struct signing_key *key)
{
    sodium_memzero(key, sizeof *key);
}
