/* SPDX-License-Identifier: Apache-2.0 */
/* auth: who a bearer token is, and session tokens of nodes.
 *
 *   "mns_" + base64url of: node id u64 LE | expires_ms u64 LE | epoch u32 LE | MAC 32
 *
 * The MAC is BLAKE2b-256 keyed with keys/session.key over the first 20 bytes. A session
 * request carries a nonce; the nonces of the clock window are kept, at most
 * AUTH_NONCES_MAX in all and AUTH_NONCES_PER_NODE a node (ERR_HTTP_RATE_LIMITED beyond),
 * and after a start requests signed before it are refused with ERR_SESSION_CLOCK, because
 * their nonces are forgotten. Memory only, thread-safe, never waits for disk. */
#ifndef MUSTER_SERVER_SERVICE_AUTH_H
#define MUSTER_SERVER_SERVICE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/service/tokens.h"

struct auth;
struct nodes;

enum {
    SESSION_TOKEN_BYTES = 4 + 70 + 1, /* text and NUL */
    SESSION_NONCE_BYTES = 16,
    SESSION_WINDOW_MS = 300000,
    AUTH_NONCES_MAX = 262144,
    AUTH_NONCES_PER_NODE = 512,
};

enum auth_kind { AUTH_NODE, AUTH_API };

struct auth_identity {
    enum auth_kind kind;
    int64_t node_id;         /* AUTH_NODE */
    struct token_info token; /* AUTH_API */
};

struct session_request {
    int64_t node_id, at_ms;
    char nonce[33]; /* hex as it was sent and signed */
    uint8_t signature[64];
};

struct auth_options {
    struct nodes *nodes;
    struct tokens *tokens;
    const struct keys *keys;
    const char *server_id;
    int64_t session_ms;
    int64_t started_ms;
};

/* The time that sessions go by: the wall clock, which may jump ahead but not back. */
int64_t auth_now_ms(struct auth *auth);

/* What `options` points to must outlive it. */
enum status auth_open(const struct auth_options *options, struct auth **ret_auth,
                      struct err *err) MUST_USE;
void auth_free(struct auth *auth);

/* Whose token this is. ERR_AUTH_REQUIRED, with the same detail whatever is wrong. */
enum status auth_identify(struct auth *auth, const char *token, int64_t now_ms,
                          struct auth_identity *ret_identity, struct err *err) MUST_USE;

/* A session token for a signed request. ERR_SESSION_CLOCK, ERR_SESSION_SIGNATURE,
 * ERR_NODE_REVOKED, ERR_NODE_PENDING, ERR_SESSION_REPLAY, ERR_HTTP_RATE_LIMITED. */
enum status auth_session(struct auth *auth, const struct session_request *request,
                         int64_t now_ms, char ret_token[static SESSION_TOKEN_BYTES],
                         int64_t *ret_expires_ms, struct err *err) MUST_USE;

#endif
