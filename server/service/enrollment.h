/* SPDX-License-Identifier: Apache-2.0 */
/* enrollment: enrolment tokens, and letting nodes in with them.
 *
 * Tokens are for one node or for many, expire, can be revoked, and may lead to a pending
 * node. All are in memory, by hash. Every reason to refuse a token has the same answer,
 * ERR_ENROLL_TOKEN. Thread-safe; changes block. */
#ifndef MUSTER_SERVER_SERVICE_ENROLLMENT_H
#define MUSTER_SERVER_SERVICE_ENROLLMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/keys.h"
#include "server/service/nodes.h"

struct changes;
struct enrollment;

struct enrollment_token_info {
    int64_t id;
    char name[129];
    int64_t max_uses, uses;
    bool pending, revoked;
    int64_t created_ms, expires_ms;
    const char *labels; /* JSON object; in the arena it was asked with */
};

/* What a new token shall be. */
struct enrollment_token_order {
    const char *name;
    int64_t max_uses;
    int64_t expires_ms;
    bool pending;
    const struct label_list *labels;
};

/* Loads all tokens; `keys` must outlive it. Blocks. */
enum status enrollment_open(struct changes *changes, struct nodes *nodes,
                            const struct keys *keys, struct enrollment **ret_enrollment,
                            struct err *err) MUST_USE;
void enrollment_free(struct enrollment *enrollment);

/* Makes a token. Blocks. */
enum status enrollment_token_create(struct enrollment *enrollment,
                                    const struct enrollment_token_order *order,
                                    const char *actor, int64_t *ret_id,
                                    char ret_token[static TOKEN_TEXT_BYTES],
                                    struct err *err) MUST_USE;

/* Revokes a token; ERR_NOT_FOUND; twice is fine. Blocks. */
enum status enrollment_token_cancel(struct enrollment *enrollment, int64_t id,
                                    const char *actor, struct err *err) MUST_USE;

/* At most `limit` tokens with ids above `after_id`, by id, in the arena. */
enum status enrollment_tokens_list(struct enrollment *enrollment, int64_t after_id,
                                   size_t limit, struct arena *arena,
                                   struct enrollment_token_info **ret_items,
                                   size_t *ret_count) MUST_USE;

/* Enrols `order` (name, key, facts, declared labels) with a token; the rest of the order
 * comes from the token. ERR_ENROLL_*, ERR_NODE_REVOKED. Blocks. */
enum status enrollment_enroll(struct enrollment *enrollment, const char *token,
                              struct node_order *order, int64_t *ret_node_id,
                              enum node_state *ret_state, struct err *err) MUST_USE;

/* Whether a raw Ed25519 public key is a point of the main subgroup: on the curve,
 * canonical, and of no small order. */
bool enrollment_key_good(const uint8_t public_key[static 32]);

#endif
