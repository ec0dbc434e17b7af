/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "repo/metadata_file.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target.h"

static const char ROOT[] = "root";
static const char TARGETS[] = "targets";
static const char SNAPSHOT[] = "snapshot";

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a draft");
}

/* ---- files ---- */

static void drop_parsed(struct draft_file *file)
{
    tuf_root_free(file->root);
    tuf_snapshot_free(file->snapshot);
    tuf_targets_free(file->targets);
    file->root = NULL;
    file->snapshot = NULL;
    file->targets = NULL;
}

static void file_free(struct draft_file *file)
{
    drop_parsed(file);
    json_decref(file->body);
    json_decref(file->signatures);
    buf_release(&file->bytes);
    free(file);
}

static enum status file_new(struct draft *draft, const char *role,
                            struct draft_file **ret_file, struct err *err)
{
    if (draft->count == DRAFT_FILES_MAX) {
        return err_set(err, ERR_LIMIT, "at most %d files change at once",
                       DRAFT_FILES_MAX);
    }
    struct draft_file *file = calloc(1, sizeof *file);
    if (!file) {
        return no_memory(err);
    }
    (void)snprintf(file->role, sizeof file->role, "%s", role);
    file->bytes = BUF_INIT(metadata_file_limit(role));
    file->signatures = json_array();
    draft->files[draft->count++] = file;
    *ret_file = file;
    return OK;
}

static void drop_file(struct draft *draft, const char *role)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (strcmp(draft->files[i]->role, role) == 0) {
            file_free(draft->files[i]);
            draft->files[i] = draft->files[--draft->count];
            return;
        }
    }
}

static enum status parse(struct draft_file *file, struct err *err)
{
    enum tuf_role role = TUF_ROLE_TARGETS;
    const struct buf *bytes = &file->bytes;
    (void)metadata_role(file->role, &role);
    drop_parsed(file);
    switch (role) {
    case TUF_ROLE_ROOT:
        return tuf_root_parse(bytes->data, bytes->len, bytes->max, &file->root, err);
    case TUF_ROLE_SNAPSHOT:
        return tuf_snapshot_parse(bytes->data, bytes->len, bytes->max, &file->snapshot,
                                  err);
    case TUF_ROLE_TIMESTAMP:
        return err_set(err, ERR_INVALID_ARGUMENT, "the server signs the timestamp");
    case TUF_ROLE_TARGETS:
        break;
    }
    return tuf_targets_parse(bytes->data, bytes->len, bytes->max, &file->targets, err);
}

/* From body and signatures to bytes and the parsed form. */
static enum status seal(struct draft_file *file, struct err *err)
{
    buf_reset(&file->bytes);
    enum status status =
        signing_envelope_text(file->body, file->signatures, &file->bytes, err);
    return status == OK ? parse(file, err) : status;
}

void draft_init(struct draft *ret_draft, struct repository *repository, int64_t now_ms,
                int64_t life_ms)
{
    *ret_draft =
        (struct draft){.repository = repository, .now_ms = now_ms, .life_ms = life_ms};
}

void draft_release(struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        file_free(draft->files[i]);
    }
    draft->count = 0;
}

struct draft_file *draft_find(const struct draft *draft, const char *role)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (strcmp(draft->files[i]->role, role) == 0) {
            return draft->files[i];
        }
    }
    return NULL;
}

const struct tuf_envelope *draft_envelope(const struct draft_file *file)
{
    if (file->root) {
        return &file->root->envelope;
    }
    return file->snapshot ? &file->snapshot->envelope : &file->targets->envelope;
}

int64_t draft_published_version(const struct draft *draft, const char *role)
{
    const struct repository *repository = draft->repository;
    if (strcmp(role, ROOT) == 0) {
        return repository->trust.root->envelope.version;
    }
    if (strcmp(role, SNAPSHOT) == 0) {
        return repository->snapshot->envelope.version;
    }
    const struct tuf_meta *meta = repository_meta(repository, role);
    return meta ? meta->version : 0;
}

static const json_t *published_body(const struct draft *draft, const char *role)
{
    const struct repository *repository = draft->repository;
    if (strcmp(role, ROOT) == 0) {
        return repository->trust.root->envelope.body;
    }
    if (strcmp(role, SNAPSHOT) == 0) {
        return repository->snapshot->envelope.body;
    }
    const struct tuf_targets *targets = repository_targets(repository, role);
    return targets ? targets->envelope.body : NULL;
}

static enum status body_new(const struct draft *draft, const char *role,
                            json_t **ret_body, struct err *err)
{
    const json_t *published = published_body(draft, role);
    if (!published) {
        return signing_body_new(TUF_ROLE_TARGETS, 1, draft->now_ms, ret_body, err);
    }
    *ret_body = json_deep_copy(published);
    return *ret_body ? OK : no_memory(err);
}

enum status draft_edit(struct draft *draft, const char *role, json_t **ret_body,
                       struct err *err)
{
    struct draft_file *file = draft_find(draft, role);
    if (!file) {
        json_t *body = NULL;
        enum status status = body_new(draft, role, &body, err);
        if (status == OK) {
            status = file_new(draft, role, &file, err);
        }
        if (status != OK) {
            json_decref(body);
            return status;
        }
        file->body = body;
    }
    file->edited = true;
    *ret_body = file->body;
    return OK;
}

enum status draft_take(struct draft *draft, const char *role, const struct buf *bytes,
                       struct err *err)
{
    struct draft_file *file = NULL;
    JSON_AUTO *tree = NULL;
    const json_t *body = NULL;
    const json_t *signatures = NULL;
    enum status status =
        tuf_json_parse(bytes->data, bytes->len, metadata_file_limit(role), &tree, err);
    if (status == OK) {
        status = tuf_json_object(tree, "signed", &body, err);
    }
    if (status == OK) {
        status = tuf_json_array(tree, "signatures", &signatures, err);
    }
    if (status == OK) {
        status = file_new(draft, role, &file, err);
    }
    if (status != OK) {
        return status;
    }
    json_decref(file->signatures);
    file->body = json_incref((json_t *)body);
    file->signatures = json_incref((json_t *)signatures);
    status = seal(file, err);
    int64_t expected = draft_published_version(draft, role) + 1;
    if (status == OK && draft_envelope(file)->version != expected) {
        status = err_set(err, ERR_CONFLICT,
                         "the staged %.60s has version %" PRId64 ", %" PRId64
                         " expected: 'muster repo discard' drops what is staged",
                         role, draft_envelope(file)->version, expected);
    }
    if (status != OK) {
        drop_file(draft, role);
    }
    return status;
}

/* ---- who must sign ---- */

const struct tuf_root *draft_root(const struct draft *draft)
{
    const struct draft_file *file = draft_find(draft, ROOT);
    return file && file->root ? file->root : draft->repository->trust.root;
}

const struct tuf_targets *draft_targets(const struct draft *draft, const char *role)
{
    const struct draft_file *file = draft_find(draft, role);
    return file && file->targets ? file->targets
                                 : repository_targets(draft->repository, role);
}

static void demand(struct draft_demands *demands, const struct tuf_root *root,
                   enum tuf_role role, const char *by)
{
    demands->items[demands->count++] = (struct draft_demand){
        .keyring = &root->keyring, .authority = &root->roles[role], .by = by};
}

static void demand_delegated(struct draft_demands *demands, const struct draft *draft,
                             const char *role)
{
    const struct tuf_delegations *all = draft_targets(draft, TARGETS)->delegations;
    for (size_t i = 0; all && i < all->count; i++) {
        if (strcmp(all->roles[i].name, role) == 0) {
            demands->items[demands->count++] =
                (struct draft_demand){.keyring = &all->keyring,
                                      .authority = &all->roles[i].authority,
                                      .by = TARGETS};
        }
    }
}

struct draft_demands draft_demands(const struct draft *draft, const char *role)
{
    struct draft_demands demands = {0};
    enum tuf_role known = TUF_ROLE_TARGETS;
    if (!metadata_role(role, &known)) {
        demand_delegated(&demands, draft, role);
        return demands;
    }
    if (known == TUF_ROLE_ROOT) {
        demand(&demands, draft->repository->trust.root, known, "the root before");
    }
    if (known != TUF_ROLE_ROOT || draft_find(draft, ROOT)) {
        demand(&demands, draft_root(draft), known, "the root");
    }
    return demands;
}

static bool meets(const struct draft *draft, const char *role,
                  const struct tuf_envelope *envelope)
{
    struct draft_demands demands = draft_demands(draft, role);
    for (size_t i = 0; i < demands.count; i++) {
        if (tuf_envelope_verify(envelope, demands.items[i].keyring,
                                demands.items[i].authority, NULL, NULL) != OK) {
            return false;
        }
    }
    return demands.count > 0;
}

bool draft_file_complete(const struct draft *draft, const struct draft_file *file)
{
    return meets(draft, file->role, draft_envelope(file));
}

static bool is_targets(const char *role)
{
    return strcmp(role, ROOT) != 0 && strcmp(role, SNAPSHOT) != 0;
}

static bool needs_snapshot(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (is_targets(draft->files[i]->role)) {
            return true;
        }
    }
    return !meets(draft, SNAPSHOT, &draft->repository->snapshot->envelope);
}

bool draft_lacks_snapshot(const struct draft *draft)
{
    return !draft_find(draft, SNAPSHOT) && needs_snapshot(draft);
}

bool draft_complete(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (!draft_file_complete(draft, draft->files[i])) {
            return false;
        }
    }
    return draft->count > 0 && !draft_lacks_snapshot(draft);
}

enum status draft_add_signature(struct draft_file *file, const char *keyid,
                                const char *signature, struct err *err)
{
    json_t *entry = json_pack("{s:s, s:s}", "keyid", keyid, "sig", signature);
    if (json_array_append_new(file->signatures, entry) != 0) {
        return no_memory(err);
    }
    return seal(file, err);
}

/* ---- settling ---- */

/* The next version and a new expiry; the signatures were over other bytes. */
static enum status settle_file(struct draft *draft, struct draft_file *file,
                               struct err *err)
{
    int64_t version = draft_published_version(draft, file->role) + 1;
    enum status status =
        signing_body_renew(file->body, version, draft->now_ms + draft->life_ms, err);
    if (status == OK) {
        (void)json_array_clear(file->signatures);
        status = seal(file, err);
        file->edited = false;
    }
    return status == OK && file->targets ? model_targets_check(file->targets, err)
                                         : status;
}

static enum status settle_edited(struct draft *draft, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        if (draft->files[i]->edited) {
            status = settle_file(draft, draft->files[i], err);
        }
    }
    return status;
}

/* Adds a role's file, unchanged, because the published one would not be valid. */
static enum status sign_again(struct draft *draft, const char *role, struct err *err)
{
    json_t *body = NULL;
    enum status status = draft_edit(draft, role, &body, err);
    return status == OK ? settle_edited(draft, err) : status;
}

static enum status settle_delegated(struct draft *draft, struct err *err)
{
    const struct tuf_delegations *all = draft_targets(draft, TARGETS)->delegations;
    enum status status = OK;
    for (size_t i = 0; status == OK && all && i < all->count; i++) {
        const char *role = all->roles[i].name;
        const struct tuf_targets *published = repository_targets(draft->repository, role);
        if (draft_find(draft, role) || !repository_meta(draft->repository, role) ||
            (published && meets(draft, role, &published->envelope))) {
            continue;
        }
        status = sign_again(draft, role, err);
    }
    return status;
}

/* A staged file of a role that is no longer delegated to goes. */
static void drop_undelegated(struct draft *draft)
{
    for (size_t i = draft->count; i > 0; i--) {
        const char *role = draft->files[i - 1]->role;
        if (draft_demands(draft, role).count == 0) {
            drop_file(draft, role);
        }
    }
}

static bool targets_complete(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (is_targets(draft->files[i]->role) &&
            !draft_file_complete(draft, draft->files[i])) {
            return false;
        }
    }
    return true;
}

/* Depends on the other files only, so that whoever completes them makes the same bytes:
 * as top-level targets, else the latest of what is signed. */
static int64_t snapshot_expiry(const struct draft *draft)
{
    int64_t latest_ms = draft->repository->snapshot->envelope.expires_ms;
    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        if (strcmp(file->role, TARGETS) == 0) {
            return file->targets->envelope.expires_ms;
        }
        if (is_targets(file->role) && file->targets->envelope.expires_ms > latest_ms) {
            latest_ms = file->targets->envelope.expires_ms;
        }
    }
    return latest_ms;
}

static enum status name_files(const struct draft *draft, json_t *body, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        char name[TUF_ROLE_NAME_MAX + 8];
        if (!is_targets(file->role)) {
            continue;
        }
        struct signing_file meta = {.data = file->bytes.data,
                                    .len = file->bytes.len,
                                    .version = file->targets->envelope.version};
        (void)snprintf(name, sizeof name, "%s.json", file->role);
        status = signing_set_meta(body, name, &meta, err);
    }
    return status;
}

static enum status settle_snapshot(struct draft *draft, struct err *err)
{
    const struct tuf_envelope *published = &draft->repository->snapshot->envelope;
    struct draft_file *file = draft_find(draft, SNAPSHOT);
    JSON_AUTO *body = json_deep_copy(published->body);
    if (!body) {
        return no_memory(err);
    }
    enum status status =
        signing_body_renew(body, published->version + 1, snapshot_expiry(draft), err);
    if (status == OK) {
        status = name_files(draft, body, err);
    }
    if (status != OK || (file && json_equal(file->body, body))) {
        return status;
    }
    drop_file(draft, SNAPSHOT);
    status = file_new(draft, SNAPSHOT, &file, err);
    if (status == OK) {
        file->body = json_incref(body);
        status = seal(file, err);
    }
    return status;
}

enum status draft_settle(struct draft *draft, struct err *err)
{
    enum status status = settle_edited(draft, err);
    if (status == OK && !draft_find(draft, TARGETS) &&
        !meets(draft, TARGETS, &draft->repository->targets->envelope)) {
        status = sign_again(draft, TARGETS, err);
    }
    if (status == OK) {
        drop_undelegated(draft);
        status = settle_delegated(draft, err);
    }
    if (status != OK) {
        return status;
    }
    if (!needs_snapshot(draft) || !targets_complete(draft)) {
        drop_file(draft, SNAPSHOT);
        return OK;
    }
    return settle_snapshot(draft, err);
}
