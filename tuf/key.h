/* SPDX-License-Identifier: Apache-2.0 */
/* key: public keys that verify metadata and secret keys that sign it.
 *
 * A key object is TUF's {"keytype","scheme","keyval":{"public"}}; its id is the SHA-256
 * of its canonical JSON. Ids are what signatures name, but thresholds count `identity`,
 * which depends on the key's own bytes only: one key listed under two ids counts once. A
 * key of a kind that is not known here parses and never verifies anything. Secret keys
 * are wiped by signing_key_wipe. */
#ifndef MUSTER_TUF_KEY_H
#define MUSTER_TUF_KEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    KEY_ID_BYTES = 65,         /* 64 digits and NUL */
    ED25519_PUBLIC_BYTES = 32, /* raw */
    ED25519_SEED_BYTES = 32,
    ED25519_SIGNATURE_HEX_BYTES = 129, /* 128 digits and NUL */
};

enum key_kind { KEY_UNKNOWN, KEY_ED25519, KEY_ECDSA_P256, KEY_RSA_PSS };

/* A public key as metadata carry it; released by its owner. */
struct verify_key {
    enum key_kind kind;
    uint8_t identity[32];                  /* SHA-256 of kind and decoded key bytes */
    uint8_t ed25519[ED25519_PUBLIC_BYTES]; /* KEY_ED25519 only */
    struct evp_pkey_st *pem;               /* owned; ECDSA and RSA only */
};

#define VERIFY_KEY_AUTO __attribute__((cleanup(verify_key_release))) struct verify_key

/* A secret Ed25519 key with its public half and its id. */
struct signing_key {
    uint8_t secret[64]; /* libsodium's form: seed, public key */
    uint8_t public_key[ED25519_PUBLIC_BYTES];
    char keyid[KEY_ID_BYTES];
};

#define SIGNING_KEY_AUTO __attribute__((cleanup(signing_key_wipe))) struct signing_key

/* Reads a key object: ed25519, ecdsa (also "ecdsa-sha2-nistp256") on P-256 or rsa with
 * rsassa-pss-sha256. A known keytype with a malformed or weak public part becomes
 * KEY_UNKNOWN too, so that it cannot count; ERR_TUF_FORMAT only when the object lacks a
 * member or one has the wrong type. */
enum status verify_key_parse(const json_t *object, struct verify_key *ret_key,
                             struct err *err) MUST_USE;

/* Frees what it owns. */
void verify_key_release(struct verify_key *key);

/* Whether `signature` (lower- or upper-case hex) is this key's over the message. Anything
 * malformed is simply false. */
bool verify_key_verify(const struct verify_key *key, const char *signature,
                       const void *message, size_t len);

/* A new key object of an Ed25519 public key; NULL without memory. The caller owns it. */
json_t *key_object_new(const uint8_t public_key[static ED25519_PUBLIC_BYTES]);

/* The id of a key object: lower-case hex SHA-256 of its canonical JSON. */
enum status key_object_id(const json_t *object, char ret_keyid[static KEY_ID_BYTES],
                          struct err *err) MUST_USE;

/* A fresh random key, or the key of a seed. */
enum status signing_key_generate(struct signing_key *ret_key, struct err *err) MUST_USE;
enum status signing_key_from_seed(const uint8_t seed[static ED25519_SEED_BYTES],
                                  struct signing_key *ret_key, struct err *err) MUST_USE;

/* Copies the seed out, for storing. The caller wipes it. */
void signing_key_seed(const struct signing_key *key,
                      uint8_t ret_seed[static ED25519_SEED_BYTES]);

/* Signs a message; the signature as lower-case hex. */
void signing_key_sign(const struct signing_key *key, const void *message, size_t len,
                      char ret_signature[static ED25519_SIGNATURE_HEX_BYTES]);

/* Overwrites the secret. */
void signing_key_wipe(struct signing_key *key);

#endif
