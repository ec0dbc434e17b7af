/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: API tokens of people and programs, by hash, in memory.
 *
 * Created and revoked through the changes' lock; looked up by any thread without waiting
 * for disk. A token's text leaves once, when it is made. */
#ifndef MUSTER_SERVER_SERVICE_TOKENS_H
#define MUSTER_SERVER_SERVICE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/keys.h"

struct changes;
struct tokens;

enum { TOKEN_NAME_BYTES = 129 };

/* Each role may do what the ones before it may. */
enum token_role { TOKEN_VIEWER, TOKEN_OPERATOR, TOKEN_PUBLISHER, TOKEN_ADMIN };

struct token_info {
    int64_t id;
    char name[TOKEN_NAME_BYTES];
    enum token_role role;
    int64_t created_ms, expires_ms;
};

/* Loads what is not revoked. `keys` must outlive it. Blocks. */
enum status tokens_open(struct changes *changes, const struct keys *keys,
                        struct tokens **ret_tokens, struct err *err) MUST_USE;
void tokens_free(struct tokens *tokens);

/* Whose token this is; false when it is unknown, revoked or expired at `now_ms`. */
bool tokens_find(struct tokens *tokens, const char *token, int64_t now_ms,
                 struct token_info *ret_info);

/* Whether the token of an id is neither revoked nor expired. */
bool tokens_good(struct tokens *tokens, int64_t id, int64_t now_ms);

/* Makes a token; `info` has name, role and expiry, the rest is filled. Blocks. */
enum status tokens_create(struct tokens *tokens, struct token_info *info,
                          const char *actor, char ret_token[static TOKEN_TEXT_BYTES],
                          struct err *err) MUST_USE;

/* Revokes a token at once. ERR_NOT_FOUND; ERR_CONFLICT for the last unexpired one of an
 * admin. Blocks. */
enum status tokens_revoke(struct tokens *tokens, int64_t id, const char *actor,
                          struct err *err) MUST_USE;

/* At most `limit` tokens with ids above `after_id`, by id, in the arena. */
enum status tokens_list(struct tokens *tokens, int64_t after_id, size_t limit,
                        struct arena *arena, struct token_info **ret_items,
                        size_t *ret_count) MUST_USE;

/* "viewer", "operator", "publisher", "admin", and back (false for another text). */
const char *token_role_name(enum token_role role);
bool token_role_parse(const char *text, enum token_role *ret_role);

#endif
