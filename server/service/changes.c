/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/changes.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/store/store.h"

struct changes {
    struct store *store;
    pthread_mutex_t lock;
};

struct changes *changes_new(struct store *store)
{
    struct changes *changes = calloc(1, sizeof *changes);
    if (changes) {
        changes->store = store;
        (void)pthread_mutex_init(&changes->lock, NULL);
    }
    return changes;
}

void changes_free(struct changes *changes)
{
    if (changes) {
        (void)pthread_mutex_destroy(&changes->lock);
        free(changes);
    }
}

void changes_begin(struct changes *changes)
{
    (void)pthread_mutex_lock(&changes->lock);
}

void changes_end(struct changes *changes)
{
    (void)pthread_mutex_unlock(&changes->lock);
}

enum status changes_commit(struct changes *changes,
                           enum status (*run)(void *context, struct db *db,
                                              struct err *err),
                           void *context, struct err *err)
{
    return store_call(changes->store, JOB_WRITER, run, context, err);
}

enum status changes_read(struct changes *changes,
                         enum status (*run)(void *context, struct db *db,
                                            struct err *err),
                         void *context, struct err *err)
{
    return store_call(changes->store, JOB_READER, run, context, err);
}
