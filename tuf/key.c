/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/key.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tuf/canonical.h"
#include "tuf/json.h"

enum { KEY_OBJECT_MAX = 16 * 1024 };

static const char ED25519_NAME[] = "ed25519";

static enum status identify(struct verify_key *key, struct err *err)
{
    uint8_t input[1 + ED25519_PUBLIC_BYTES];
    input[0] = (uint8_t)key->kind;
    memcpy(input + 1, key->ed25519, ED25519_PUBLIC_BYTES);
    return sha256_of(input, sizeof input, key->identity, err);
}

enum status verify_key_parse(const json_t *object, struct verify_key *ret_key,
                             struct err *err)
{
    if (!json_is_object(object)) {
        return err_set(err, ERR_TUF_FORMAT, "key: an object expected, %s found",
                       tuf_json_kind(object));
    }
    const char *type = NULL;
    const char *scheme = NULL;
    const char *text = NULL;
    const json_t *keyval = NULL;
    enum status status = tuf_json_text(object, "keytype", &type, err);
    if (status == OK) {
        status = tuf_json_text(object, "scheme", &scheme, err);
    }
    if (status == OK) {
        status = tuf_json_object(object, "keyval", &keyval, err);
    }
    if (status == OK) {
        status = tuf_json_text(keyval, "public", &text, err);
    }
    if (status != OK) {
        return status;
    }
    struct verify_key key = {.kind = KEY_UNKNOWN};
    if (strcmp(type, ED25519_NAME) == 0 && strcmp(scheme, ED25519_NAME) == 0 &&
        hex_decode(text, key.ed25519, ED25519_PUBLIC_BYTES, NULL) == OK &&
        crypto_core_ed25519_is_valid_point(key.ed25519)) {
        key.kind = KEY_ED25519;
    }
    status = identify(&key, err);
    if (status == OK) {
        *ret_key = key;
    }
    return status;
}

bool verify_key_verify(const struct verify_key *key, const char *signature,
                       const void *message, size_t len)
{
    uint8_t raw[crypto_sign_BYTES];
    switch (key->kind) {
    case KEY_ED25519:
        return hex_decode(signature, raw, sizeof raw, NULL) == OK &&
               crypto_sign_verify_detached(raw, message, len, key->ed25519) == 0;
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
