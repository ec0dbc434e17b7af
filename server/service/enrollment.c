/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/enrollment.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/service/changes.h"
#include "server/service/table.h"
#include "server/store/registry.h"
#include "server/store/registry_tokens.h"

enum { LABELS_JSON_MAX = 32 * 1024 };

struct enrollment_token {
    struct enrollment_token_info info; /* its labels are owned */
    json_t *labels;                    /* the same as a tree, owned */
    uint8_t hash[32];
    UT_hash_handle hh;
};

struct enrollment {
    struct changes *changes;
    struct nodes *nodes;
    const struct keys *keys;
    pthread_rwlock_t lock;
    struct enrollment_token *by_hash; /* in order of ids */
};

static void token_free(struct enrollment_token *token)
{
    if (token) {
        free((char *)token->info.labels);
        json_decref(token->labels);
        free(token);
    }
}

/* A token with its labels; the rest is the caller's. */
static struct enrollment_token *token_new(const char *name, const char *labels)
{
    struct enrollment_token *token = calloc(1, sizeof *token);
    if (!token) {
        return NULL;
    }
    (void)snprintf(token->info.name, sizeof token->info.name, "%s", name);
    token->info.labels = strdup(labels);
    token->labels = json_loads(labels, 0, NULL);
    if (!token->info.labels || !token->labels) {
        token_free(token);
        return NULL;
    }
    return token;
}

static enum status load_one(void *context, const struct enrollment_token_row *row,
                            struct err *err)
{
    struct enrollment *enrollment = context;
    struct enrollment_token *token = token_new(row->name, row->labels);
    if (!token) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a token");
    }
    token->info.id = row->id;
    token->info.max_uses = row->max_uses;
    token->info.uses = row->uses;
    token->info.pending = row->pending;
    token->info.revoked = row->revoked_ms != 0;
    token->info.created_ms = row->created_ms;
    token->info.expires_ms = row->expires_ms;
    memcpy(token->hash, row->hash, sizeof token->hash);
    HASH_ADD(hh, enrollment->by_hash, hash, sizeof token->hash, token);
    return OK;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    return enrollment_token_rows_load(db, load_one, context, err);
}

enum status enrollment_open(struct changes *changes, struct nodes *nodes,
                            const struct keys *keys, struct enrollment **ret_enrollment,
                            struct err *err)
{
    struct enrollment *enrollment = calloc(1, sizeof *enrollment);
    if (!enrollment) {
        return err_set(err, ERR_NO_MEMORY, "no memory for enrolment");
    }
    enrollment->changes = changes;
    enrollment->nodes = nodes;
    enrollment->keys = keys;
    (void)pthread_rwlock_init(&enrollment->lock, NULL);
    enum status status = changes_read(changes, load, enrollment, err);
    if (status != OK) {
        enrollment_free(enrollment);
        return status;
    }
    *ret_enrollment = enrollment;
    return OK;
}

void enrollment_free(struct enrollment *enrollment)
{
    if (!enrollment) {
        return;
    }
    struct enrollment_token *token, *next;
    HASH_ITER(hh, enrollment->by_hash, token, next)
    {
        HASH_DELETE(hh, enrollment->by_hash, token);
        token_free(token);
    }
    (void)pthread_rwlock_destroy(&enrollment->lock);
    free(enrollment);
}

/* A token that is made or revoked, on its way into the database. */
struct token_change {
    struct enrollment_token *token;
    int64_t at_ms;
    const char *actor, *action;
};

static enum status write_audit(const struct token_change *change, struct db *db,
                               struct err *err)
{
    char subject[21];
    (void)snprintf(subject, sizeof subject, "%" PRId64, change->token->info.id);
    struct audit_row row = {.at_ms = change->at_ms,
                            .actor = change->actor,
                            .action = change->action,
                            .subject = subject};
    return audit_row_insert(db, &row, err);
}

static enum status write_creation(void *context, struct db *db, struct err *err)
{
    const struct token_change *change = context;
    struct enrollment_token_info *info = &change->token->info;
    struct enrollment_token_row row = {
        .name = info->name,
        .max_uses = info->max_uses,
        .pending = info->pending,
        .labels = info->labels,
        .created_ms = change->at_ms,
        .created_by = change->actor,
        .expires_ms = info->expires_ms,
    };
    memcpy(row.hash, change->token->hash, sizeof row.hash);
    enum status status = enrollment_token_row_insert(db, &row, &info->id, err);
    return status == OK ? write_audit(change, db, err) : status;
}

static enum status write_revocation(void *context, struct db *db, struct err *err)
{
    const struct token_change *change = context;
    enum status status =
        enrollment_token_row_revoke(db, change->token->info.id, change->at_ms, err);
    return status == OK ? write_audit(change, db, err) : status;
}

static void labels_json(const struct label_list *labels, struct buf *json)
{
    buf_addc(json, '{');
    for (size_t i = 0; i < labels->count; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        buf_add_json(json, labels->items[i].key);
        buf_addc(json, ':');
        buf_add_json(json, labels->items[i].value);
    }
    buf_addc(json, '}');
}

enum status enrollment_token_create(struct enrollment *enrollment,
                                    const struct enrollment_token_order *order,
                                    const char *actor, int64_t *ret_id,
                                    char ret_token[static TOKEN_TEXT_BYTES],
                                    struct err *err)
{
    CHANGE_AUTO(held, enrollment->changes);
    BUF_AUTO json = BUF_INIT(LABELS_JSON_MAX);
    labels_json(order->labels, &json);
    enum status status = buf_status(&json, err);
    if (status != OK) {
        return status;
    }
    struct enrollment_token *token = token_new(order->name, json.data);
    if (!token) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a token");
    }
    char text[TOKEN_TEXT_BYTES];
    token_generate("met_", text);
    token_hash(enrollment->keys, text, token->hash);
    struct token_change change = {.token = token,
                                  .at_ms = clock_wall_ms(),
                                  .actor = actor,
                                  .action = "enrollment_token.create"};
    token->info.max_uses = order->max_uses;
    token->info.expires_ms = order->expires_ms;
    token->info.pending = order->pending;
    token->info.created_ms = change.at_ms;
    status = changes_commit(enrollment->changes, write_creation, &change, err);
    if (status != OK) {
        token_free(token);
        return status;
    }
    (void)pthread_rwlock_wrlock(&enrollment->lock);
    HASH_ADD(hh, enrollment->by_hash, hash, sizeof token->hash, token);
    *ret_id = token->info.id;
    (void)pthread_rwlock_unlock(&enrollment->lock);
    memcpy(ret_token, text, sizeof text);
    return OK;
}

static struct enrollment_token *find_id(struct enrollment *enrollment, int64_t id)
{
    struct enrollment_token *token, *next;
    HASH_ITER(hh, enrollment->by_hash, token, next)
    {
        if (token->info.id == id) {
            return token;
        }
    }
    return NULL;
}

enum status enrollment_token_cancel(struct enrollment *enrollment, int64_t id,
                                    const char *actor, struct err *err)
{
    CHANGE_AUTO(held, enrollment->changes);
    struct enrollment_token *token = find_id(enrollment, id);
    if (!token) {
        return err_set(err, ERR_NOT_FOUND, "there is no enrolment token %" PRId64, id);
    }
    if (token->info.revoked) {
        return OK;
    }
    struct token_change change = {.token = token,
                                  .at_ms = clock_wall_ms(),
                                  .actor = actor,
                                  .action = "enrollment_token.revoke"};
    enum status status =
        changes_commit(enrollment->changes, write_revocation, &change, err);
    if (status == OK) {
        (void)pthread_rwlock_wrlock(&enrollment->lock);
        token->info.revoked = true;
        (void)pthread_rwlock_unlock(&enrollment->lock);
    }
    return status;
}

enum status enrollment_tokens_list(struct enrollment *enrollment, int64_t after_id,
                                   size_t limit, struct arena *arena,
                                   struct enrollment_token_info **ret_items,
                                   size_t *ret_count)
{
    struct enrollment_token_info *items = arena_array(arena, limit, sizeof *items);
    bool memory = items != NULL;
    size_t count = 0;
    struct enrollment_token *token, *next;
    (void)pthread_rwlock_rdlock(&enrollment->lock);
    HASH_ITER(hh, enrollment->by_hash, token, next)
    {
        if (memory && token->info.id > after_id && count < limit) {
            items[count] = token->info;
            items[count].labels = arena_strdup(arena, token->info.labels);
            memory = items[count++].labels != NULL;
        }
    }
    (void)pthread_rwlock_unlock(&enrollment->lock);
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    *ret_items = items;
    *ret_count = count;
    return OK;
}

/* Whether the token may let this key in. One that is used up still serves the key that
 * used it, so that a node whose first answer was lost can ask again. */
static bool token_good(struct enrollment *enrollment,
                       const struct enrollment_token *token,
                       const uint8_t public_key[static 32])
{
    if (!token || token->info.revoked || token->info.expires_ms <= clock_wall_ms()) {
        return false;
    }
    int64_t node_id = 0;
    int64_t token_id = 0;
    bool known = nodes_by_key(enrollment->nodes, public_key, &node_id, &token_id);
    return token->info.uses < token->info.max_uses ||
           (known && token_id == token->info.id);
}

static void labels_from(const json_t *tree, struct label_list *ret_labels)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tree, key, value)
    {
        if (ret_labels->count < NODE_LABELS_MAX) {
            ret_labels->items[ret_labels->count++] =
                (struct label){.key = key, .value = json_string_value(value)};
        }
    }
}

enum status enrollment_enroll(struct enrollment *enrollment, const char *token_text,
                              struct node_order *order, int64_t *ret_node_id,
                              enum node_state *ret_state, struct err *err)
{
    if (!enrollment_key_good(order->public_key)) {
        return err_set(err, ERR_ENROLL_KEY, "the public key is malformed or weak");
    }
    uint8_t hash[32];
    token_hash(enrollment->keys, token_text, hash);
    CHANGE_AUTO(held, enrollment->changes);
    struct enrollment_token *token = NULL;
    HASH_FIND(hh, enrollment->by_hash, hash, sizeof hash, token);
    if (!token_good(enrollment, token, order->public_key)) {
        return err_set(err, ERR_ENROLL_TOKEN, "the enrolment token is not good");
    }
    int64_t known_id = 0;
    int64_t known_token = 0;
    bool known =
        nodes_by_key(enrollment->nodes, order->public_key, &known_id, &known_token);
    order->token_id = token->info.id;
    order->pending = token->info.pending;
    order->given.count = 0;
    labels_from(token->labels, &order->given);
    enum status status =
        nodes_enroll(enrollment->nodes, order, ret_node_id, ret_state, err);
    if (status == OK && !known) {
        (void)pthread_rwlock_wrlock(&enrollment->lock);
        token->info.uses++;
        (void)pthread_rwlock_unlock(&enrollment->lock);
    }
    return status;
}

bool enrollment_key_good(const uint8_t public_key[static 32])
{
    return crypto_core_ed25519_is_valid_point(public_key) == 1;
}
