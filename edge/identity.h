/* SPDX-License-Identifier: Apache-2.0 */
/* identity: the node's Ed25519 key and what the server calls it.
 *
 *   <state>/identity/key        64 hex digits: the seed; 0600, created once, never sent
 *   <state>/identity/node.json  {"node_id":17,"server_id":"…"} once enrolled
 *
 * The secret is wiped on release. */
#ifndef MUSTER_EDGE_IDENTITY_H
#define MUSTER_EDGE_IDENTITY_H

#include <stdint.h>

#include "edge/env.h"

enum { SERVER_ID_BYTES = 33, IDENTITY_SIGNATURE_HEX = 129 };

struct identity {
    char folder[EDGE_PATH_BYTES];
    uint8_t secret[64]; /* libsodium's form */
    uint8_t public_key[32];
    int64_t node_id; /* 0: not enrolled */
    char server_id[SERVER_ID_BYTES];
};

/* Reads or creates the key below `state_folder`. Blocks. ERR_KEY_FORMAT when the key file
 * is damaged (it is never replaced), ERR_IO. */
enum status identity_open(const char *state_folder, struct identity *ret_identity,
                          struct err *err) MUST_USE;

/* Stores what enrolment answered. One fsync. */
enum status identity_enrolled(struct identity *identity, int64_t node_id,
                              const char *server_id, struct err *err) MUST_USE;

/* Signs text with the node's key; hex with NUL. */
void identity_sign(const struct identity *identity, const char *text,
                   char ret_signature[static IDENTITY_SIGNATURE_HEX]);

/* Wipes the secret. */
void identity_release(struct identity *identity);

#endif
