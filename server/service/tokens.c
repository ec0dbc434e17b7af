/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tokens.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/service/changes.h"
#include "server/service/table.h"
#include "server/store/registry.h"
#include "server/store/registry_tokens.h"

struct token {
    struct token_info info;
    uint8_t hash[32];
    UT_hash_handle hh;
};

struct tokens {
    struct changes *changes;
    const struct keys *keys;
    pthread_rwlock_t lock;
    struct token *by_hash; /* in order of ids */
};

static const char *const ROLE_NAMES[] = {[TOKEN_VIEWER] = "viewer",
                                         [TOKEN_OPERATOR] = "operator",
                                         [TOKEN_PUBLISHER] = "publisher",
                                         [TOKEN_ADMIN] = "admin"};

const char *token_role_name(enum token_role role)
{
    return ROLE_NAMES[role];
}

bool token_role_parse(const char *text, enum token_role *ret_role)
{
    for (enum token_role role = TOKEN_VIEWER; role <= TOKEN_ADMIN; role++) {
        if (strcmp(text, ROLE_NAMES[role]) == 0) {
            *ret_role = role;
            return true;
        }
    }
    return false;
}

static enum status load_one(void *context, const struct api_token_row *row,
                            struct err *err)
{
    struct tokens *tokens = context;
    struct token *token = calloc(1, sizeof *token);
    if (!token) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a token");
    }
    token->info.id = row->id;
    token->info.created_ms = row->created_ms;
    token->info.expires_ms = row->expires_ms;
    (void)snprintf(token->info.name, sizeof token->info.name, "%s", row->name);
    (void)token_role_parse(row->role, &token->info.role);
    memcpy(token->hash, row->hash, sizeof token->hash);
    HASH_ADD(hh, tokens->by_hash, hash, sizeof token->hash, token);
    return OK;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    return api_token_rows_load(db, load_one, context, err);
}

enum status tokens_open(struct changes *changes, const struct keys *keys,
                        struct tokens **ret_tokens, struct err *err)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens) {
        return err_set(err, ERR_NO_MEMORY, "no memory for tokens");
    }
    tokens->changes = changes;
    tokens->keys = keys;
    (void)pthread_rwlock_init(&tokens->lock, NULL);
    enum status status = changes_read(changes, load, tokens, err);
    if (status != OK) {
        tokens_free(tokens);
        return status;
    }
    *ret_tokens = tokens;
    return OK;
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens) {
        return;
    }
    struct token *token, *next;
    HASH_ITER(hh, tokens->by_hash, token, next)
    {
        HASH_DELETE(hh, tokens->by_hash, token);
        free(token);
    }
    (void)pthread_rwlock_destroy(&tokens->lock);
    free(tokens);
}

bool tokens_find(struct tokens *tokens, const char *text, int64_t now_ms,
                 struct token_info *ret_info)
{
    uint8_t hash[32];
    struct token *token = NULL;
    token_hash(tokens->keys, text, hash);
    (void)pthread_rwlock_rdlock(&tokens->lock);
    HASH_FIND(hh, tokens->by_hash, hash, sizeof hash, token);
    bool good = token && sodium_memcmp(token->hash, hash, sizeof hash) == 0 &&
                token->info.expires_ms > now_ms;
    if (good) {
        *ret_info = token->info;
    }
    (void)pthread_rwlock_unlock(&tokens->lock);
    return good;
}

bool tokens_good(struct tokens *tokens, int64_t id, int64_t now_ms)
{
    bool good = false;
    (void)pthread_rwlock_rdlock(&tokens->lock);
    for (const struct token *it = tokens->by_hash; it && !good; it = it->hh.next) {
        good = it->info.id == id && it->info.expires_ms > now_ms;
    }
    (void)pthread_rwlock_unlock(&tokens->lock);
    return good;
}

/* A token on its way into the database. */
struct creation {
    struct token *token;
    const char *actor;
};

static enum status write_audit(struct db *db, int64_t at_ms, const char *actor,
                               const char *action, int64_t id)
{
    char subject[21];
    (void)snprintf(subject, sizeof subject, "%" PRId64, id);
    struct audit_row row = {
        .at_ms = at_ms, .actor = actor, .action = action, .subject = subject};
    return audit_row_insert(db, &row, NULL);
}

static enum status write_creation(void *context, struct db *db, struct err *err)
{
    const struct creation *creation = context;
    struct token *token = creation->token;
    struct api_token_row row = {
        .name = token->info.name,
        .role = token_role_name(token->info.role),
        .created_ms = token->info.created_ms,
        .expires_ms = token->info.expires_ms,
        .created_by = creation->actor,
    };
    memcpy(row.hash, token->hash, sizeof row.hash);
    enum status status = api_token_row_insert(db, &row, &token->info.id, err);
    return status == OK ? write_audit(db, row.created_ms, creation->actor,
                                      "api_token.create", token->info.id)
                        : status;
}

enum status tokens_create(struct tokens *tokens, struct token_info *info,
                          const char *actor, char ret_token[static TOKEN_TEXT_BYTES],
                          struct err *err)
{
    CHANGE_AUTO(held, tokens->changes);
    char text[TOKEN_TEXT_BYTES];
    struct token *token = calloc(1, sizeof *token);
    if (!token) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a token");
    }
    token_generate("mat_", text);
    token_hash(tokens->keys, text, token->hash);
    token->info = *info;
    token->info.created_ms = clock_wall_ms();
    struct creation creation = {.token = token, .actor = actor};
    enum status status = changes_commit(tokens->changes, write_creation, &creation, err);
    if (status != OK) {
        free(token);
        return status;
    }
    (void)pthread_rwlock_wrlock(&tokens->lock);
    HASH_ADD(hh, tokens->by_hash, hash, sizeof token->hash, token);
    *info = token->info;
    (void)pthread_rwlock_unlock(&tokens->lock);
    memcpy(ret_token, text, sizeof text);
    return OK;
}

struct revocation {
    int64_t id, at_ms;
    const char *actor;
};

static enum status write_revocation(void *context, struct db *db, struct err *err)
{
    const struct revocation *revocation = context;
    enum status status = api_token_row_revoke(db, revocation->id, revocation->at_ms, err);
    return status == OK ? write_audit(db, revocation->at_ms, revocation->actor,
                                      "api_token.revoke", revocation->id)
                        : status;
}

/* The token of an id, and how many other unexpired admins there are. */
static struct token *find_id(struct tokens *tokens, int64_t id, int64_t now_ms,
                             size_t *ret_other_admins)
{
    struct token *found = NULL;
    struct token *token, *next;
    HASH_ITER(hh, tokens->by_hash, token, next)
    {
        if (token->info.id == id) {
            found = token;
        } else {
            *ret_other_admins +=
                token->info.role == TOKEN_ADMIN && token->info.expires_ms > now_ms;
        }
    }
    return found;
}

enum status tokens_revoke(struct tokens *tokens, int64_t id, const char *actor,
                          struct err *err)
{
    CHANGE_AUTO(held, tokens->changes);
    struct revocation revocation = {.id = id, .at_ms = clock_wall_ms(), .actor = actor};
    size_t other_admins = 0;
    struct token *token = find_id(tokens, id, revocation.at_ms, &other_admins);
    if (!token) {
        return err_set(err, ERR_NOT_FOUND, "there is no API token %" PRId64, id);
    }
    if (token->info.role == TOKEN_ADMIN && other_admins == 0) {
        return err_set(err, ERR_CONFLICT,
                       "the last token of an admin cannot be revoked: nobody could make "
                       "another one");
    }
    enum status status =
        changes_commit(tokens->changes, write_revocation, &revocation, err);
    if (status == OK) {
        (void)pthread_rwlock_wrlock(&tokens->lock);
        HASH_DELETE(hh, tokens->by_hash, token);
        (void)pthread_rwlock_unlock(&tokens->lock);
        free(token);
    }
    return status;
}

enum status tokens_list(struct tokens *tokens, int64_t after_id, size_t limit,
                        struct arena *arena, struct token_info **ret_items,
                        size_t *ret_count)
{
    struct token_info *items = arena_array(arena, limit, sizeof *items);
    if (!items) {
        return ERR_NO_MEMORY;
    }
    size_t count = 0;
    struct token *token, *next;
    (void)pthread_rwlock_rdlock(&tokens->lock);
    HASH_ITER(hh, tokens->by_hash, token, next)
    {
        if (token->info.id > after_id && count < limit) {
            items[count++] = token->info;
        }
    }
    (void)pthread_rwlock_unlock(&tokens->lock);
    *ret_items = items;
    *ret_count = count;
    return OK;
}
