/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/model_access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "server/store/publications.h"
#include "server/store/registry.h"

struct public_model {
    char name[65];
};

struct model_access {
    struct changes *changes;
    struct artifacts *artifacts;
    pthread_rwlock_t lock; /* for all below */
    struct public_model *models;
    size_t count, room;
};

/* With the lock; the index of a model, or `count`. */
static size_t find(const struct model_access *access, const char *model)
{
    size_t i = 0;
    while (i < access->count && strcmp(access->models[i].name, model) != 0) {
        i++;
    }
    return i;
}

/* Room for one more, so that adding cannot fail. */
static enum status reserve(struct model_access *access, struct err *err)
{
    if (access->count < access->room) {
        return OK;
    }
    size_t room = access->room > 0 ? 2 * access->room : 8;
    struct public_model *models = realloc(access->models, room * sizeof *models);
    if (!models) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the public models");
    }
    access->models = models;
    access->room = room;
    return OK;
}

static void put(struct model_access *access, const char *model, bool is_public)
{
    size_t at = find(access, model);
    if (is_public && at == access->count) {
        struct public_model *added = &access->models[access->count++];
        (void)snprintf(added->name, sizeof added->name, "%s", model);
    } else if (!is_public && at < access->count) {
        access->models[at] = access->models[--access->count];
    }
}

static enum status load_one(void *context, const char *model, struct err *err)
{
    enum status status = reserve(context, err);
    if (status == OK) {
        put(context, model, true);
    }
    return status;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    return access_rows_load(db, load_one, context, err);
}

enum status model_access_open(struct changes *changes, struct artifacts *artifacts,
                              struct model_access **ret_access, struct err *err)
{
    struct model_access *access = calloc(1, sizeof *access);
    if (!access) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the public models");
    }
    access->changes = changes;
    access->artifacts = artifacts;
    (void)pthread_rwlock_init(&access->lock, NULL);
    enum status status = changes_read(changes, load, access, err);
    if (status != OK) {
        model_access_free(access);
        return status;
    }
    *ret_access = access;
    return OK;
}

void model_access_free(struct model_access *access)
{
    if (access) {
        (void)pthread_rwlock_destroy(&access->lock);
        free(access->models);
        free(access);
    }
}

bool model_access_public(struct model_access *access, const char *model)
{
    (void)pthread_rwlock_rdlock(&access->lock);
    bool is_public = find(access, model) < access->count;
    (void)pthread_rwlock_unlock(&access->lock);
    return is_public;
}

static enum status write(void *context, struct db *db, struct err *err)
{
    const struct access_row *row = context;
    struct audit_row audit = {.at_ms = row->changed_ms,
                              .actor = row->changed_by,
                              .action = "model.access",
                              .subject = row->model,
                              .detail = row->is_public ? "{\"public\":true}"
                                                       : "{\"public\":false}"};
    enum status status = access_row_put(db, row, err);
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

enum status model_access_set(struct model_access *access, const char *model,
                             bool is_public, const char *actor, struct err *err)
{
    struct model_info info;
    struct access_row row = {.model = model,
                             .is_public = is_public,
                             .changed_ms = clock_wall_ms(),
                             .changed_by = actor};
    CHANGE_AUTO(held, access->changes);
    enum status status = artifacts_model(access->artifacts, model, &info, err);
    if (status == OK) {
        (void)pthread_rwlock_wrlock(&access->lock);
        status = reserve(access, err);
        (void)pthread_rwlock_unlock(&access->lock);
    }
    if (status == OK) {
        status = changes_commit(access->changes, write, &row, err);
    }
    if (status == OK) {
        (void)pthread_rwlock_wrlock(&access->lock);
        put(access, model, is_public);
        (void)pthread_rwlock_unlock(&access->lock);
        log_event(LOG_LEVEL_INFO, "model_access", log_text("model", model),
                  log_text("public", is_public ? "true" : "false"),
                  log_text("by", actor));
    }
    return status;
}
