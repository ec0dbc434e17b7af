/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/artifacts.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/artifact_needs.h"
#include "server/service/changes.h"
#include "server/service/table.h"
#include "server/store/registry_models.h"
#include "tuf/target.h"

struct artifact {
    struct artifact_info info;
    json_t *classes; /* a list, owned */
    struct artifact_needs needs;
    UT_hash_handle hh;
};

struct model {
    char name[65];
    char task[33];
    int64_t floor;
};

/* `items` are sorted by model, seq and variant and never removed. */
struct artifacts {
    pthread_rwlock_t lock;
    struct artifact **items;
    size_t count, cap;
    struct artifact *by_sha256; /* of equal digests the highest seq */
    struct model *models;       /* by name */
    size_t model_count;
};

static int order_of(const struct artifact_info *a, const struct artifact_info *b)
{
    int order = strcmp(a->model, b->model);
    if (order == 0) {
        order = (a->seq > b->seq) - (a->seq < b->seq);
    }
    return order != 0 ? order : strcmp(a->variant, b->variant);
}

static void artifact_free(struct artifact *artifact)
{
    if (artifact) {
        json_decref(artifact->classes);
        artifact_needs_release(&artifact->needs);
        free(artifact);
    }
}

/* Puts the digest into the table unless one of a higher seq is there. */
static void index_digest(struct artifacts *artifacts, struct artifact *artifact)
{
    struct artifact *other = NULL;
    HASH_FIND(hh, artifacts->by_sha256, artifact->info.sha256, 32, other);
    if (other && other->info.seq > artifact->info.seq) {
        return;
    }
    if (other) {
        HASH_DELETE(hh, artifacts->by_sha256, other);
    }
    HASH_ADD(hh, artifacts->by_sha256, info.sha256, 32, artifact);
}

static void unindex_digest(struct artifacts *artifacts, struct artifact *artifact)
{
    struct artifact *other = NULL;
    HASH_FIND(hh, artifacts->by_sha256, artifact->info.sha256, 32, other);
    if (other == artifact) {
        HASH_DELETE(hh, artifacts->by_sha256, other);
    }
}

static enum status insert_at(struct artifacts *artifacts, size_t i,
                             struct artifact *artifact, struct err *err)
{
    if (artifacts->count == artifacts->cap) {
        size_t cap = artifacts->cap ? artifacts->cap * 2 : 16;
        struct artifact **items =
            realloc(artifacts->items, cap * sizeof(struct artifact *));
        if (!items) {
            return err_set(err, ERR_NO_MEMORY, "no memory for artifacts");
        }
        artifacts->items = items;
        artifacts->cap = cap;
    }
    memmove(&artifacts->items[i + 1], &artifacts->items[i],
            (artifacts->count - i) * sizeof artifacts->items[0]);
    artifacts->items[i] = artifact;
    artifacts->count++;
    return OK;
}

/* Takes the artifact, in place of one of the same model, seq and variant, whose time of
 * publication stays. With the lock. */
static enum status put(struct artifacts *artifacts, struct artifact *artifact,
                       struct err *err)
{
    size_t i = 0;
    while (i < artifacts->count &&
           order_of(&artifacts->items[i]->info, &artifact->info) < 0) {
        i++;
    }
    if (i < artifacts->count &&
        order_of(&artifacts->items[i]->info, &artifact->info) == 0) {
        struct artifact *old = artifacts->items[i];
        artifact->info.published_ms = old->info.published_ms;
        unindex_digest(artifacts, old);
        artifacts->items[i] = artifact;
        artifact_free(old);
    } else {
        enum status status = insert_at(artifacts, i, artifact, err);
        if (status != OK) {
            artifact_free(artifact);
            return status;
        }
    }
    index_digest(artifacts, artifact);
    return OK;
}

static struct model *find_model(struct artifacts *artifacts, const char *name)
{
    for (size_t i = 0; i < artifacts->model_count; i++) {
        if (strcmp(artifacts->models[i].name, name) == 0) {
            return &artifacts->models[i];
        }
    }
    return NULL;
}

/* Adds a model or sets its task and raises its floor. With the lock. */
static enum status put_model(struct artifacts *artifacts, const struct model_row *row,
                             struct err *err)
{
    struct model *model = find_model(artifacts, row->name);
    if (!model) {
        struct model *models =
            realloc(artifacts->models, (artifacts->model_count + 1) * sizeof *models);
        if (!models) {
            return err_set(err, ERR_NO_MEMORY, "no memory for models");
        }
        artifacts->models = models;
        size_t i = artifacts->model_count++;
        while (i > 0 && strcmp(models[i - 1].name, row->name) > 0) {
            models[i] = models[i - 1];
            i--;
        }
        model = &models[i];
        *model = (struct model){0};
        (void)snprintf(model->name, sizeof model->name, "%s", row->name);
    }
    (void)snprintf(model->task, sizeof model->task, "%s", row->task);
    model->floor = row->floor > model->floor ? row->floor : model->floor;
    return OK;
}

/* `target` has what the row has not: NULL when the row comes from the database, whose
 * listed artifacts are listed from verified targets soon after. */
static struct artifact *artifact_of_row(const struct artifact_row *row,
                                        const struct model_target *target)
{
    struct artifact *artifact = calloc(1, sizeof *artifact);
    if (!artifact) {
        return NULL;
    }
    struct artifact_info *info = &artifact->info;
    memcpy(info->sha256, row->sha256, sizeof info->sha256);
    (void)snprintf(info->model, sizeof info->model, "%s", row->model);
    (void)snprintf(info->version, sizeof info->version, "%s", row->version);
    (void)snprintf(info->variant, sizeof info->variant, "%s", row->variant);
    (void)snprintf(info->path, sizeof info->path, "%s", row->path);
    info->seq = row->seq;
    info->length = (uint64_t)row->length;
    info->ram_bytes = row->ram_bytes;
    info->published_ms = row->published_ms;
    info->listed = row->listed;
    artifact->classes = json_loads(row->classes, 0, NULL);
    info->class_count = json_array_size(artifact->classes);
    json_t *hardware = row->hardware ? json_loads(row->hardware, 0, NULL) : NULL;
    struct model_target told = {.hardware = hardware, .ram_bytes = row->ram_bytes};
    enum status status =
        artifact_needs_init(&artifact->needs, target ? target : &told, NULL);
    json_decref(hardware);
    if (status != OK) {
        artifact_free(artifact);
        return NULL;
    }
    return artifact;
}

static enum status list_artifact(void *context, const struct artifact_row *row,
                                 const struct model_target *target, struct err *err)
{
    struct artifact *artifact = artifact_of_row(row, target);
    return artifact ? put(context, artifact, err)
                    : err_set(err, ERR_NO_MEMORY, "no memory for an artifact");
}

static enum status load_artifact(void *context, const struct artifact_row *row,
                                 struct err *err)
{
    return list_artifact(context, row, NULL, err);
}

static enum status load_model(void *context, const struct model_row *row, struct err *err)
{
    return put_model(context, row, err);
}

static enum status load(void *context, struct db *db, struct err *err)
{
    enum status status = model_rows_load(db, load_model, context, err);
    return status == OK ? artifact_rows_load(db, load_artifact, context, err) : status;
}

enum status artifacts_open(struct changes *changes, struct artifacts **ret_artifacts,
                           struct err *err)
{
    struct artifacts *artifacts = calloc(1, sizeof *artifacts);
    if (!artifacts) {
        return err_set(err, ERR_NO_MEMORY, "no memory for artifacts");
    }
    (void)pthread_rwlock_init(&artifacts->lock, NULL);
    enum status status = changes_read(changes, load, artifacts, err);
    if (status != OK) {
        artifacts_free(artifacts);
        return status;
    }
    *ret_artifacts = artifacts;
    return OK;
}

void artifacts_free(struct artifacts *artifacts)
{
    if (!artifacts) {
        return;
    }
    HASH_CLEAR(hh, artifacts->by_sha256);
    for (size_t i = 0; i < artifacts->count; i++) {
        artifact_free(artifacts->items[i]);
    }
    free(artifacts->items);
    free(artifacts->models);
    (void)pthread_rwlock_destroy(&artifacts->lock);
    free(artifacts);
}

bool artifacts_find(struct artifacts *artifacts, const uint8_t sha256[static 32],
                    struct artifact_info *ret_info)
{
    struct artifact *artifact = NULL;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    HASH_FIND(hh, artifacts->by_sha256, sha256, 32, artifact);
    if (artifact) {
        *ret_info = artifact->info;
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return artifact != NULL;
}

static const char **copy_names(const json_t *classes, struct arena *arena)
{
    size_t count = json_array_size(classes);
    const char **names = arena_array(arena, count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        names[i] = arena_strdup(arena, json_string_value(json_array_get(classes, i)));
        if (!names[i]) {
            return NULL;
        }
    }
    return names;
}

bool artifacts_classes(struct artifacts *artifacts, const uint8_t sha256[static 32],
                       struct arena *arena, const char *const **ret_names,
                       size_t *ret_count)
{
    struct artifact *artifact = NULL;
    const char **names = NULL;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    HASH_FIND(hh, artifacts->by_sha256, sha256, 32, artifact);
    if (artifact) {
        names = copy_names(artifact->classes, arena);
    }
    if (names) {
        *ret_names = names;
        *ret_count = artifact->info.class_count;
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return names != NULL;
}

enum status artifacts_select(struct artifacts *artifacts, const char *model,
                             struct arena *arena, struct artifact_info **ret_items,
                             size_t *ret_count, struct err *err)
{
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    struct artifact_info *items = arena_array(arena, artifacts->count + 1, sizeof *items);
    for (size_t i = 0; items && i < artifacts->count; i++) {
        const struct artifact_info *info = &artifacts->items[i]->info;
        if (!model || strcmp(info->model, model) == 0) {
            items[count++] = *info;
        }
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    if (!items) {
        return err_set(err, ERR_NO_MEMORY, "too many artifacts for one answer");
    }
    *ret_items = items;
    *ret_count = count;
    return OK;
}

/* With the lock. */
static struct model_info describe(const struct artifacts *artifacts,
                                  const struct model *model)
{
    struct model_info info = {.floor = model->floor};
    memcpy(info.model, model->name, sizeof info.model);
    memcpy(info.task, model->task, sizeof info.task);
    for (size_t i = 0; i < artifacts->count; i++) {
        const struct artifact_info *item = &artifacts->items[i]->info;
        if (item->listed && item->seq > info.newest_seq &&
            strcmp(item->model, model->name) == 0) {
            info.newest_seq = item->seq; /* items come in order of seq */
            memcpy(info.newest_version, item->version, sizeof info.newest_version);
            info.versions++;
        }
    }
    return info;
}

enum status artifacts_models(struct artifacts *artifacts, const char *after, size_t limit,
                             struct arena *arena, struct model_info **ret_items,
                             size_t *ret_count)
{
    size_t count = 0;
    struct model_info *items = arena_array(arena, limit, sizeof *items);
    if (!items) {
        return ERR_NO_MEMORY;
    }
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    for (size_t i = 0; i < artifacts->model_count && count < limit; i++) {
        if (strcmp(artifacts->models[i].name, after) > 0) {
            items[count++] = describe(artifacts, &artifacts->models[i]);
        }
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    *ret_items = items;
    *ret_count = count;
    return OK;
}

enum status artifacts_model(struct artifacts *artifacts, const char *model,
                            struct model_info *ret_info, struct err *err)
{
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    const struct model *found = find_model(artifacts, model);
    if (found) {
        *ret_info = describe(artifacts, found);
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return found
               ? OK
               : err_set(err, ERR_MODEL_UNKNOWN, "no model '%.64s' is published", model);
}

enum status artifacts_version(struct artifacts *artifacts, const char *model,
                              const char *version, int64_t *ret_seq, struct err *err)
{
    int64_t seq = 0;
    int64_t floor = 0;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    for (size_t i = 0; i < artifacts->count; i++) {
        const struct artifact_info *info = &artifacts->items[i]->info;
        if (info->listed && strcmp(info->model, model) == 0 &&
            strcmp(info->version, version) == 0) {
            seq = info->seq;
        }
    }
    const struct model *found = find_model(artifacts, model);
    floor = found ? found->floor : 0;
    (void)pthread_rwlock_unlock(&artifacts->lock);
    if (seq == 0) {
        return err_set(err, ERR_MODEL_UNKNOWN,
                       "no version '%.64s' of model '%.64s' is published", version,
                       model);
    }
    if (seq < floor) {
        return err_set(err, ERR_MODEL_BELOW_FLOOR,
                       "version '%.64s' has seq %lld, the floor is %lld", version,
                       (long long)seq, (long long)floor);
    }
    *ret_seq = seq;
    return OK;
}

bool artifacts_version_name(struct artifacts *artifacts, const char *model, int64_t seq,
                            char ret_version[static 65])
{
    bool found = false;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    for (size_t i = 0; i < artifacts->count && !found; i++) {
        const struct artifact_info *info = &artifacts->items[i]->info;
        found = info->seq == seq && strcmp(info->model, model) == 0;
        if (found) {
            memcpy(ret_version, info->version, sizeof info->version);
        }
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return found;
}

/* Native formats before foreign ones, then the smallest. */
static bool is_better(const struct artifact *a, const struct artifact *b)
{
    bool native = artifact_needs_native(&a->needs);
    return native != artifact_needs_native(&b->needs) ? native
                                                      : a->info.length < b->info.length;
}

static bool is_meant(const struct artifact *item, const struct artifact_wish *wish)
{
    return item->info.listed && item->info.seq == wish->seq &&
           strcmp(item->info.model, wish->model) == 0;
}

bool artifacts_choose(struct artifacts *artifacts, const struct artifact_wish *wish,
                      struct artifact_info *ret_info)
{
    const struct artifact *best = NULL;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    const struct model *model = find_model(artifacts, wish->model);
    bool allowed = model && wish->seq >= model->floor;
    for (size_t i = 0; allowed && i < artifacts->count; i++) {
        const struct artifact *item = artifacts->items[i];
        struct fit fit;
        if (!is_meant(item, wish) || (best && !is_better(item, best))) {
            continue;
        }
        fit_judge(&item->needs.target, wish->node, &fit);
        best = fit.verdict == FIT_RUNS ? item : best;
    }
    if (best) {
        *ret_info = best->info;
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return best != NULL;
}

enum status artifacts_judge(struct artifacts *artifacts, const struct artifact_wish *wish,
                            struct arena *arena, struct artifact_fit **ret_items,
                            size_t *ret_count)
{
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&artifacts->lock);
    for (size_t i = 0; i < artifacts->count; i++) {
        count += is_meant(artifacts->items[i], wish);
    }
    struct artifact_fit *items = arena_array(arena, count + 1, sizeof *items);
    for (size_t i = 0, at = 0; items && i < artifacts->count; i++) {
        const struct artifact *item = artifacts->items[i];
        if (is_meant(item, wish)) {
            items[at].info = item->info;
            fit_judge(&item->needs.target, wish->node, &items[at++].fit);
        }
    }
    (void)pthread_rwlock_unlock(&artifacts->lock);
    if (!items) {
        return ERR_NO_MEMORY;
    }
    *ret_items = items;
    *ret_count = count;
    return OK;
}

/* Texts that a row points to, owned. */
struct row_texts {
    char *classes, *hardware;
};

static void row_texts_release(struct row_texts *texts)
{
    free(texts->classes);
    free(texts->hardware);
}

/* The row of a verified artifact. Integers and texts were checked by the parser. */
static enum status target_row(const struct model_target *target, int64_t published_ms,
                              struct row_texts *texts, struct artifact_row *ret_row,
                              struct err *err)
{
    texts->classes =
        target->classes ? json_dumps(target->classes, JSON_COMPACT) : strdup("[]");
    texts->hardware =
        target->hardware ? json_dumps(target->hardware, JSON_COMPACT) : NULL;
    if (!texts->classes || (target->hardware && !texts->hardware)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a listing");
    }
    *ret_row = (struct artifact_row){
        .model = target->model,
        .version = target->version,
        .variant = target->variant,
        .path = target->file->path,
        .seq = target->seq,
        .published_ms = published_ms,
        .length = target->file->length,
        .ram_bytes = target->ram_bytes,
        .hardware = texts->hardware,
        .classes = texts->classes,
        .listed = true,
    };
    memcpy(ret_row->sha256, target->file->hashes.sha256, sizeof ret_row->sha256);
    return OK;
}

/* Calls `model` and then `artifact` for every artifact that the targets list. */
static enum status each_artifact(
    const struct tuf_targets *targets, int64_t published_ms,
    enum status (*model)(void *context, const struct model_row *row, struct err *err),
    enum status (*artifact)(void *context, const struct artifact_row *row,
                            const struct model_target *target, struct err *err),
    void *context, struct err *err)
{
    enum status status = OK;
    const char *floor_of = ""; /* paths are sorted: a model's targets come together */
    int64_t floor = 0;
    for (size_t i = 0; status == OK && i < targets->count; i++) {
        bool ours = false;
        struct model_target target = {0};
        status = model_target_parse(&targets->targets[i], &ours, &target, err);
        if (status != OK || !ours || target.kind != TARGET_ARTIFACT) {
            continue;
        }
        __attribute__((cleanup(row_texts_release))) struct row_texts texts = {0};
        struct artifact_row row = {0};
        if (strcmp(floor_of, target.model) != 0) {
            int64_t highest = 0;
            floor_of = target.model;
            model_targets_floor(targets, target.model, &floor, &highest);
        }
        struct model_row parent = {
            .name = target.model, .task = target.task, .floor = floor};
        status = target_row(&target, published_ms, &texts, &row, err);
        if (status == OK) {
            status = model(context, &parent, err);
        }
        if (status == OK) {
            status = artifact(context, &row, &target, err);
        }
    }
    return status;
}

static enum status write_model(void *context, const struct model_row *row,
                               struct err *err)
{
    return model_row_put(context, row, err);
}

static enum status write_artifact(void *context, const struct artifact_row *row,
                                  const struct model_target *target, struct err *err)
{
    (void)target;
    return artifact_row_put(context, row, err);
}

enum status artifacts_write_listing(struct db *db, const struct tuf_targets *targets,
                                    int64_t published_ms, struct err *err)
{
    enum status status = artifact_rows_unlist(db, err);
    return status == OK ? each_artifact(targets, published_ms, write_model,
                                        write_artifact, db, err)
                        : status;
}

enum status artifacts_list(struct artifacts *artifacts, const struct tuf_targets *targets,
                           int64_t published_ms, struct err *err)
{
    (void)pthread_rwlock_wrlock(&artifacts->lock);
    for (size_t i = 0; i < artifacts->count; i++) {
        artifacts->items[i]->info.listed = false;
    }
    enum status status =
        each_artifact(targets, published_ms, load_model, list_artifact, artifacts, err);
    (void)pthread_rwlock_unlock(&artifacts->lock);
    return status;
}
