/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "server/service/keys.h"
#include "server/service/publication_files.h"
#include "server/service/publication_history.h"
#include "server/store/registry.h"
#include "server/store/publications.h"
#include "tuf/signing.h"

static enum status write_listing(void *context, struct db *db, struct err *err)
{
    struct publication_record *record = context;
    const struct tuf_envelope *targets = &record->live->set.targets->envelope;
    char subject[32];
    (void)snprintf(subject, sizeof subject, "targets %" PRId64, targets->version);
    struct audit_row audit = {.at_ms = record->at_ms,
                              .actor = record->actor,
                              .action = "repository.publish",
                              .subject = subject};
    enum status status =
        artifacts_write_listing(db, &record->live->listing, record->at_ms, err);
    if (status == OK) {
        status = publication_record_write(record, db, err);
    }
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

enum status publication_list(struct publication *publication, const char *actor,
                             struct err *err)
{
    CHANGE_AUTO(held, publication->options.changes);
    struct publication_record record = {
        .live = publication->live, .actor = actor, .at_ms = clock_wall_ms()};
    enum status status = publication_record_make(publication, &record, err);
    if (status == OK) {
        status =
            changes_commit(publication->options.changes, write_listing, &record, err);
    }
    if (status == OK) {
        status = artifacts_list(publication->options.artifacts,
                                &publication->live->listing, record.at_ms, err);
    }
    publication_record_release(&record);
    publication->listed = status == OK;
    return status;
}

void publication_swap(struct publication *publication, struct live *live)
{
    (void)pthread_rwlock_wrlock(&publication->lock);
    struct live *old = publication->live;
    publication->live = live;
    (void)pthread_rwlock_unlock(&publication->lock);
    live_free(old);
}

enum status publication_sign(const struct publication *publication, struct live *live,
                             int64_t snapshot_version, int64_t last_version,
                             struct err *err)
{
    struct timestamp_order order = {
        .snapshot = {.data = live->snapshot.data,
                     .len = live->snapshot.len,
                     .version = snapshot_version},
        .last_version = last_version,
        .now_ms = clock_wall_ms(),
        .life_ms = publication->options.timestamp_ms,
    };
    int64_t version = 0;
    buf_reset(&live->timestamp);
    enum status status = signing_timestamp(&order, &publication->options.keys->timestamp,
                                           &live->timestamp, &version, err);
    return status == OK ? buf_status(&live->timestamp, err) : status;
}

/* Whether the database lists exactly the live targets. */
struct comparison {
    const struct live *live;
    int64_t snapshot_version, targets_version, root_version;
    bool equal;
};

static enum status compare(void *context, struct db *db, struct err *err)
{
    struct comparison *comparison = context;
    struct publication_row row = {0};
    enum status status = publication_row_newest(db, &row, err);
    const struct trusted_set *set = &comparison->live->set;
    comparison->equal = row.complete && row.root_version == set->root->envelope.version &&
                        row.snapshot_version == set->snapshot->envelope.version &&
                        row.targets_version == set->targets->envelope.version;
    return status;
}

/* Makes the folders, reads the published state, repairs the listing. */
static enum status start(struct publication *publication, struct err *err)
{
    char path[PATH_MAX];
    enum status status = publication_path(publication, path, err, "metadata");
    if (status == OK) {
        status = file_mkdirs(path, 0755, err);
        file_sweep_temporary(path);
    }
    if (status == OK) {
        status = publication_load(publication, &publication->live, err);
    }
    if (status != OK || !publication->live) {
        return status;
    }
    struct comparison comparison = {.live = publication->live};
    status = changes_read(publication->options.changes, compare, &comparison, err);
    publication->listed = comparison.equal;
    if (status == OK && comparison.equal) { /* what variants need is only there */
        status = artifacts_list(publication->options.artifacts,
                                &publication->live->listing, clock_wall_ms(), err);
    }
    return status == OK ? publication_tick(publication, clock_wall_ms(), err) : status;
}

enum status publication_open(const struct publication_options *options,
                             struct publication **ret_publication, struct err *err)
{
    struct publication *publication = calloc(1, sizeof *publication);
    if (!publication) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the published state");
    }
    publication->options = *options;
    (void)pthread_mutex_init(&publication->publishing, NULL);
    (void)pthread_mutex_init(&publication->verifying, NULL);
    (void)pthread_rwlock_init(&publication->lock, NULL);
    enum status status = start(publication, err);
    if (status != OK) {
        publication_free(publication);
        return status;
    }
    *ret_publication = publication;
    return OK;
}

void publication_free(struct publication *publication)
{
    if (!publication) {
        return;
    }
    publication_forget_verified(publication);
    live_free(publication->live);
    (void)pthread_mutex_destroy(&publication->publishing);
    (void)pthread_mutex_destroy(&publication->verifying);
    (void)pthread_rwlock_destroy(&publication->lock);
    free(publication);
}

struct publication_state publication_state(struct publication *publication)
{
    struct publication_state state = {0};
    (void)pthread_rwlock_rdlock(&publication->lock);
    if (publication->live) {
        const struct trusted_set *set = &publication->live->set;
        const struct tuf_envelope *envelopes[TUF_ROLE_COUNT] = {
            [TUF_ROLE_ROOT] = &set->root->envelope,
            [TUF_ROLE_TIMESTAMP] = &set->timestamp->envelope,
            [TUF_ROLE_SNAPSHOT] = &set->snapshot->envelope,
            [TUF_ROLE_TARGETS] = &set->targets->envelope,
        };
        for (int role = 0; role < TUF_ROLE_COUNT; role++) {
            state.versions[role] = envelopes[role]->version;
        }
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    return state;
}

static struct publication_role
describe(const char *name, const struct tuf_envelope *envelope, bool delegated)
{
    struct publication_role role = {.version = envelope->version,
                                    .expires_ms = envelope->expires_ms,
                                    .delegated = delegated};
    (void)snprintf(role.name, sizeof role.name, "%s", name);
    return role;
}

static int compare_roles(const void *a, const void *b)
{
    return strcmp(((const struct publication_role *)a)->name,
                  ((const struct publication_role *)b)->name);
}

/* With the lock. */
static struct publication_role *list_roles(const struct trusted_set *set,
                                           struct arena *arena)
{
    const struct tuf_envelope *const four[TUF_ROLE_COUNT] = {
        [TUF_ROLE_ROOT] = &set->root->envelope,
        [TUF_ROLE_TIMESTAMP] = &set->timestamp->envelope,
        [TUF_ROLE_SNAPSHOT] = &set->snapshot->envelope,
        [TUF_ROLE_TARGETS] = &set->targets->envelope,
    };
    struct publication_role *roles =
        arena_array(arena, TUF_ROLE_COUNT + set->delegated_count, sizeof *roles);
    for (int i = 0; roles && i < TUF_ROLE_COUNT; i++) {
        roles[i] = describe(tuf_role_name((enum tuf_role)i), four[i], false);
    }
    for (size_t i = 0; roles && i < set->delegated_count; i++) {
        roles[TUF_ROLE_COUNT + i] =
            describe(set->delegated[i].name, &set->delegated[i].targets->envelope, true);
    }
    if (roles) {
        qsort(roles + TUF_ROLE_COUNT, set->delegated_count, sizeof *roles, compare_roles);
    }
    return roles;
}

enum status publication_roles(struct publication *publication, struct arena *arena,
                              struct publication_role **ret_roles, size_t *ret_count,
                              struct err *err)
{
    struct publication_role *roles = NULL;
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct live *live = publication->live;
    if (live) {
        count = TUF_ROLE_COUNT + live->set.delegated_count;
        roles = list_roles(&live->set, arena);
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    if (count > 0 && !roles) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the roles");
    }
    *ret_roles = roles;
    *ret_count = count;
    return OK;
}

/* Signs a new timestamp of the live state. With `publishing`. */
static enum status renew(struct publication *publication, struct err *err)
{
    const struct trusted_set *old = &publication->live->set;
    struct live *live = live_new();
    enum status status =
        live ? publication_read(publication, tuf_role_name(TUF_ROLE_SNAPSHOT),
                                old->snapshot->envelope.version, &live->snapshot, err)
             : err_set(err, ERR_NO_MEMORY, "no memory for a timestamp");
    if (status == OK) {
        status = publication_sign(publication, live, old->snapshot->envelope.version,
                                  old->timestamp->envelope.version, err);
    }
    if (status == OK) {
        buf_reset(&live->snapshot);
        status = publication_follow(publication, live, old->root->envelope.version, err);
    }
    if (status == OK) {
        status = publication_point(publication, live, err);
    }
    if (status != OK) {
        live_free(live);
        return status;
    }
    log_event(LOG_LEVEL_INFO, "timestamp_signed",
              log_int("version", live->set.timestamp->envelope.version));
    publication_swap(publication, live);
    return OK;
}

enum status publication_tick(struct publication *publication, int64_t now_ms,
                             struct err *err)
{
    enum status status = OK;
    (void)pthread_mutex_lock(&publication->publishing);
    const struct live *live = publication->live;
    if (live && live->set.timestamp->envelope.expires_ms - now_ms <
                    publication->options.timestamp_ms / 2) {
        status = renew(publication, err);
    }
    if (status == OK && live && !publication->listed) {
        status = publication_list(publication, "repair", err);
    }
    (void)pthread_mutex_unlock(&publication->publishing);
    return status;
}

enum status publication_renew(struct publication *publication, struct err *err)
{
    (void)pthread_mutex_lock(&publication->publishing);
    enum status status = publication->live ? renew(publication, err) : OK;
    (void)pthread_mutex_unlock(&publication->publishing);
    return status;
}
