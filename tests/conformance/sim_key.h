/* SPDX-License-Identifier: Apache-2.0 */
/* sim_key: keys of the three kinds that TUF clients verify, as a publisher holds them.
 * Failing to make one fails the test. */
#ifndef MUSTER_TESTS_CONFORMANCE_SIM_KEY_H
#define MUSTER_TESTS_CONFORMANCE_SIM_KEY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tuf/key.h"

enum { SIM_SIGNATURE_BYTES = 1100 }; /* hex of an RSA-4096 signature and NUL */

struct sim_key {
    char keyid[KEY_ID_BYTES];
    json_t *object;           /* owned: TUF's key object */
    struct signing_key ed;    /* Ed25519 keys only */
    struct evp_pkey_st *pkey; /* owned; the other kinds only */
};

/* An Ed25519 key, the same for the same seed. */
void sim_key_ed25519(struct sim_key *ret_key, uint8_t seed);

/* A new ECDSA P-256 or RSA key (2048 bits), with the keytype that its object shall say.
 */
void sim_key_ecdsa(struct sim_key *ret_key, const char *keytype);
void sim_key_rsa(struct sim_key *ret_key);

/* The signature as hex. */
void sim_key_sign(const struct sim_key *key, const void *message, size_t len,
                  char ret_signature[static SIM_SIGNATURE_BYTES]);

void sim_key_release(struct sim_key *key);

#endif
