/* SPDX-License-Identifier: Apache-2.0 */
/* keys: the server's own secrets, files below keys/ of the data directory, never in the
 * database.
 *
 *   session.key    MACs session tokens, hashes API and enrolment tokens, signs links
 *   timestamp.key  signs TUF timestamps (an Ed25519 seed)
 *   seal.key       seals secrets of webhooks
 *
 * Each is 64 hex digits and a line feed, mode 0600. A stolen database lets no one in
 * without them, and a written-to one neither, because token hashes are keyed. */
#ifndef MUSTER_SERVER_SERVICE_KEYS_H
#define MUSTER_SERVER_SERVICE_KEYS_H

#include <stdint.h>

#include "base/err.h"
#include "tuf/key.h"

enum {
    TOKEN_SECRET_BYTES = 32,
    TOKEN_TEXT_BYTES = 4 + 43 + 1, /* "mat_" or "met_", base64url, NUL */
};

struct keys {
    uint8_t session[32];
    uint8_t seal[32];
    uint8_t link[32]; /* derived from `session`: signs links to artifacts */
    struct signing_key timestamp;
};

#define KEYS_AUTO __attribute__((cleanup(keys_wipe))) struct keys

/* Writes the key files that are missing below `folder`. Blocks. */
enum status keys_create(const char *folder, struct err *err) MUST_USE;

/* Reads all of them; ERR_NOT_FOUND, ERR_KEY_FORMAT. Blocks. */
enum status keys_load(const char *folder, struct keys *ret_keys,
                      struct err *err) MUST_USE;

/* Overwrites the secrets. */
void keys_wipe(struct keys *keys);

/* A new random token: prefix such as "mat_" and 256 bits. */
void token_generate(const char *prefix, char ret_token[static TOKEN_TEXT_BYTES]);

/* What is stored of a token: BLAKE2b-256 keyed with the session key. */
void token_hash(const struct keys *keys, const char *token, uint8_t ret_hash[static 32]);

#endif
