/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/deployments.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/service/changes.h"
#include "server/service/nodes.h"
#include "server/service/selector.h"
#include "server/store/registry.h"
#include "server/store/registry_models.h"

struct deployment {
    struct deployment_info info; /* its selector is owned */
    struct selector selector;
};

struct deployments {
    struct changes *changes;
    struct artifacts *artifacts;
    struct nodes *nodes;
    pthread_rwlock_t lock;
    struct deployment **items; /* by model, then newest first */
    size_t count, cap;
};

static void deployment_free(struct deployment *deployment)
{
    if (deployment) {
        free((char *)deployment->info.selector);
        free(deployment);
    }
}

/* A copy of `info` with its selector parsed. */
static enum status deployment_new(const struct deployment_info *info,
                                  struct deployment **ret_deployment, struct err *err)
{
    struct deployment *deployment = calloc(1, sizeof *deployment);
    if (!deployment) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a deployment");
    }
    deployment->info = *info;
    deployment->info.selector = strdup(info->selector);
    enum status status = deployment->info.selector
                             ? selector_parse(info->selector, &deployment->selector, err)
                             : err_set(err, ERR_NO_MEMORY, "no memory for a selector");
    if (status != OK) {
        deployment_free(deployment);
        return status;
    }
    *ret_deployment = deployment;
    return OK;
}

/* Room for one more, so that adding cannot fail. */
static enum status reserve(struct deployments *deployments, struct err *err)
{
    if (deployments->count < deployments->cap) {
        return OK;
    }
    size_t cap = deployments->cap ? deployments->cap * 2 : 16;
    struct deployment **items =
        realloc(deployments->items, cap * sizeof(struct deployment *));
    if (!items) {
        return err_set(err, ERR_NO_MEMORY, "no memory for deployments");
    }
    deployments->items = items;
    deployments->cap = cap;
    return OK;
}

static int order_of(const struct deployment *a, const struct deployment *b)
{
    int order = strcmp(a->info.model, b->info.model);
    return order != 0 ? order : (a->info.id < b->info.id) - (a->info.id > b->info.id);
}

static void add(struct deployments *deployments, struct deployment *deployment)
{
    size_t i = deployments->count++;
    while (i > 0 && order_of(deployments->items[i - 1], deployment) > 0) {
        deployments->items[i] = deployments->items[i - 1];
        i--;
    }
    deployments->items[i] = deployment;
}

static enum status load_one(void *context, const struct deployment_row *row,
                            struct err *err)
{
    struct deployments *deployments = context;
    struct deployment_info info = {
        .id = row->id,
        .seq = row->seq,
        .selector = row->selector,
        .created_ms = row->created_ms,
    };
    (void)snprintf(info.model, sizeof info.model, "%s", row->model);
    (void)snprintf(info.created_by, sizeof info.created_by, "%s", row->created_by);
    struct deployment *deployment = NULL;
    enum status status = reserve(deployments, err);
    if (status == OK) {
        status = deployment_new(&info, &deployment, err);
    }
    if (status == OK) {
        add(deployments, deployment);
    }
    return status;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    return deployment_rows_load(db, load_one, context, err);
}

enum status deployments_open(struct changes *changes, struct artifacts *artifacts,
                             struct nodes *nodes, struct deployments **ret_deployments,
                             struct err *err)
{
    struct deployments *deployments = calloc(1, sizeof *deployments);
    if (!deployments) {
        return err_set(err, ERR_NO_MEMORY, "no memory for deployments");
    }
    deployments->changes = changes;
    deployments->artifacts = artifacts;
    deployments->nodes = nodes;
    (void)pthread_rwlock_init(&deployments->lock, NULL);
    enum status status = changes_read(changes, load, deployments, err);
    if (status != OK) {
        deployments_free(deployments);
        return status;
    }
    *ret_deployments = deployments;
    return OK;
}

void deployments_free(struct deployments *deployments)
{
    if (!deployments) {
        return;
    }
    for (size_t i = 0; i < deployments->count; i++) {
        deployment_free(deployments->items[i]);
    }
    free(deployments->items);
    (void)pthread_rwlock_destroy(&deployments->lock);
    free(deployments);
}

/* A deployment on its way into the database, or out of force. */
struct deployment_change {
    struct deployment_info *info;
    int64_t at_ms;
    const char *actor, *action;
};

static enum status write_audit(const struct deployment_change *change, struct db *db,
                               struct err *err)
{
    char subject[21];
    (void)snprintf(subject, sizeof subject, "%" PRId64, change->info->id);
    struct audit_row row = {.at_ms = change->at_ms,
                            .actor = change->actor,
                            .action = change->action,
                            .subject = subject};
    return audit_row_insert(db, &row, err);
}

static enum status write_creation(void *context, struct db *db, struct err *err)
{
    const struct deployment_change *change = context;
    struct deployment_row row = {
        .model = change->info->model,
        .seq = change->info->seq,
        .selector = change->info->selector,
        .created_ms = change->at_ms,
        .created_by = change->info->created_by,
    };
    enum status status = deployment_row_insert(db, &row, &change->info->id, err);
    return status == OK ? write_audit(change, db, err) : status;
}

static enum status write_removal(void *context, struct db *db, struct err *err)
{
    const struct deployment_change *change = context;
    enum status status = deployment_row_remove(db, change->info->id, change->at_ms, err);
    return status == OK ? write_audit(change, db, err) : status;
}

enum status deployments_create(struct deployments *deployments, const char *version,
                               struct deployment_info *info, size_t *ret_matching,
                               struct err *err)
{
    CHANGE_AUTO(held, deployments->changes);
    struct deployment *deployment = NULL;
    info->created_ms = clock_wall_ms();
    enum status status =
        artifacts_version(deployments->artifacts, info->model, version, &info->seq, err);
    if (status == OK) {
        status = deployment_new(info, &deployment, err);
    }
    if (status != OK) {
        return status;
    }
    struct deployment_change change = {.info = &deployment->info,
                                       .at_ms = info->created_ms,
                                       .actor = info->created_by,
                                       .action = "deployment.create"};
    status = changes_commit(deployments->changes, write_creation, &change, err);
    info->id = deployment->info.id;
    if (status == OK) {
        *ret_matching = nodes_count_matching(deployments->nodes, &deployment->selector);
        (void)pthread_rwlock_wrlock(&deployments->lock);
        status = reserve(deployments, err);
        if (status == OK) {
            add(deployments, deployment);
            deployment = NULL;
        }
        (void)pthread_rwlock_unlock(&deployments->lock);
    }
    deployment_free(deployment);
    return status;
}

static size_t index_of(const struct deployments *deployments, int64_t id)
{
    size_t i = 0;
    while (i < deployments->count && deployments->items[i]->info.id != id) {
        i++;
    }
    return i;
}

enum status deployments_remove(struct deployments *deployments, int64_t id,
                               const char *actor, struct err *err)
{
    CHANGE_AUTO(held, deployments->changes);
    size_t i = index_of(deployments, id);
    if (i == deployments->count) {
        return err_set(err, ERR_NOT_FOUND, "there is no deployment %" PRId64, id);
    }
    struct deployment *deployment = deployments->items[i];
    struct deployment_change change = {.info = &deployment->info,
                                       .at_ms = clock_wall_ms(),
                                       .actor = actor,
                                       .action = "deployment.remove"};
    enum status status =
        changes_commit(deployments->changes, write_removal, &change, err);
    if (status == OK) {
        (void)pthread_rwlock_wrlock(&deployments->lock);
        deployments->count--;
        memmove(&deployments->items[i], &deployments->items[i + 1],
                (deployments->count - i) * sizeof deployments->items[0]);
        (void)pthread_rwlock_unlock(&deployments->lock);
        deployment_free(deployment);
    }
    return status;
}

/* The deployment with the largest id below `before_id`, or NULL. With the lock. */
static const struct deployment *newest_below(const struct deployments *deployments,
                                             int64_t before_id)
{
    const struct deployment *newest = NULL;
    for (size_t i = 0; i < deployments->count; i++) {
        const struct deployment *item = deployments->items[i];
        if (item->info.id < before_id && (!newest || item->info.id > newest->info.id)) {
            newest = item;
        }
    }
    return newest;
}

enum status deployments_list(struct deployments *deployments, int64_t before_id,
                             size_t limit, struct arena *arena,
                             struct deployment_info **ret_items, size_t *ret_count)
{
    struct deployment_info *items = arena_array(arena, limit, sizeof *items);
    bool memory = items != NULL;
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&deployments->lock);
    while (memory && count < limit) {
        const struct deployment *next = newest_below(deployments, before_id);
        if (!next) {
            break;
        }
        before_id = next->info.id;
        items[count] = next->info;
        items[count].selector = arena_strdup(arena, next->info.selector);
        memory = items[count++].selector != NULL;
    }
    (void)pthread_rwlock_unlock(&deployments->lock);
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    *ret_items = items;
    *ret_count = count;
    return OK;
}

/* The deployment that decides for each model, of those whose selector matches. With the
 * lock. */
static size_t decide(const struct deployments *deployments, int64_t node_id,
                     const struct deployment *ret_items[static ASSIGNMENTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < deployments->count && count < ASSIGNMENTS_MAX; i++) {
        const struct deployment *item = deployments->items[i];
        bool decided =
            count > 0 && strcmp(ret_items[count - 1]->info.model, item->info.model) == 0;
        if (!decided && nodes_match(deployments->nodes, node_id, &item->selector)) {
            ret_items[count++] = item;
        }
    }
    return count;
}

size_t deployments_assign(struct deployments *deployments, int64_t node_id,
                          struct artifact_info ret_items[static ASSIGNMENTS_MAX])
{
    const struct deployment *items[ASSIGNMENTS_MAX];
    struct fit_node node;
    nodes_fit(deployments->nodes, node_id, &node);
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&deployments->lock);
    size_t decided = decide(deployments, node_id, items);
    for (size_t i = 0; i < decided; i++) {
        struct artifact_wish wish = {
            .model = items[i]->info.model, .seq = items[i]->info.seq, .node = &node};
        count += artifacts_choose(deployments->artifacts, &wish, &ret_items[count]);
    }
    (void)pthread_rwlock_unlock(&deployments->lock);
    return count;
}

static enum status judge(const struct deployments *deployments,
                         const struct deployment *item, const struct fit_node *node,
                         struct arena *arena, struct node_offer *ret_offer)
{
    struct artifact_wish wish = {
        .model = item->info.model, .seq = item->info.seq, .node = node};
    struct artifact_info chosen;
    memcpy(ret_offer->model, item->info.model, sizeof ret_offer->model);
    ret_offer->seq = item->info.seq;
    ret_offer->deployment = item->info;
    ret_offer->deployment.selector = arena_strdup(arena, item->info.selector);
    if (!ret_offer->deployment.selector) {
        return ERR_NO_MEMORY;
    }
    (void)artifacts_version_name(deployments->artifacts, item->info.model, item->info.seq,
                                 ret_offer->version);
    if (artifacts_choose(deployments->artifacts, &wish, &chosen)) {
        memcpy(ret_offer->offered, chosen.variant, sizeof ret_offer->offered);
    }
    return artifacts_judge(deployments->artifacts, &wish, arena, &ret_offer->variants,
                           &ret_offer->variant_count);
}

enum status deployments_judge(struct deployments *deployments, int64_t node_id,
                              struct arena *arena, struct node_offer **ret_offers,
                              size_t *ret_count)
{
    const struct deployment *items[ASSIGNMENTS_MAX];
    struct fit_node node;
    nodes_fit(deployments->nodes, node_id, &node);
    struct node_offer *offers = arena_array(arena, ASSIGNMENTS_MAX, sizeof *offers);
    enum status status = offers ? OK : ERR_NO_MEMORY;
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&deployments->lock);
    size_t decided = decide(deployments, node_id, items);
    for (; status == OK && count < decided; count++) {
        offers[count] = (struct node_offer){0};
        status = judge(deployments, items[count], &node, arena, &offers[count]);
    }
    (void)pthread_rwlock_unlock(&deployments->lock);
    if (status == OK) {
        *ret_offers = offers;
        *ret_count = count;
    }
    return status;
}
