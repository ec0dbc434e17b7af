/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/transaction.h"

/* The jobs of one transaction. */
struct group {
    struct job *jobs[STORE_GROUP_MAX];
    enum status statuses[STORE_GROUP_MAX]; /* of their runs */
    size_t count;
};

/* What only the writer thread knows. */
struct writer {
    struct store *store;
    struct db *db;
    struct group group;
    size_t last_count;      /* jobs of the group before */
    int64_t last_commit_us; /* how long its COMMIT took */
    bool busy;              /* a group ran since the last step of the chore */
    uint64_t commits;       /* db->wal_commits after the last group */
    struct checkpoint checkpoint;
};

static struct timespec timespec_of(int64_t mono_us)
{
    return (struct timespec){.tv_sec = mono_us / 1000000,
                             .tv_nsec = mono_us % 1000000 * 1000};
}

/* Waiting a tenth of a commit for as many jobs as the last group had lets more clients
 * share the sync; one client alone never waits. */
static void linger(struct writer *writer)
{
    struct store *store = writer->store;
    int64_t delay_us = writer->last_commit_us / 10;
    if (delay_us > store->options.linger_max_us) {
        delay_us = store->options.linger_max_us;
    }
    if (writer->last_count < 2 || delay_us <= 0) {
        return;
    }
    struct timespec when = timespec_of(clock_mono_us() + delay_us);
    int code = 0;
    while (code == 0 && !store->closing && store->writes.count < writer->last_count) {
        code = pthread_cond_timedwait(&store->writer_wake, &store->lock, &when);
    }
}

static bool chore_is_allowed(const struct store *store)
{
    return store->chore.work.step && !store->closing && !atomic_load(&store->gate_closed);
}

/* Waits for a job, or until the chore or the WAL want their turn. */
static void wait_for_work(struct writer *writer)
{
    struct store *store = writer->store;
    int64_t until_us = checkpoint_due_us(&writer->checkpoint);
    if (chore_is_allowed(store) && store->chore.due_us < until_us) {
        until_us = store->chore.due_us;
    }
    if (until_us == INT64_MAX) {
        (void)pthread_cond_wait(&store->writer_wake, &store->lock);
    } else {
        struct timespec when = timespec_of(until_us);
        (void)pthread_cond_timedwait(&store->writer_wake, &store->lock, &when);
    }
}

static bool has_other_work(const struct writer *writer)
{
    const struct store *store = writer->store;
    int64_t now_us = clock_mono_us();
    return checkpoint_wants(&writer->checkpoint, now_us) ||
           (chore_is_allowed(store) && chore_is_due(&store->chore, now_us, false));
}

/* Waits for work and takes it. False when the store closes and nothing is left. */
static bool take_group(struct writer *writer)
{
    struct store *store = writer->store;
    struct group *group = &writer->group;
    group->count = 0;
    (void)pthread_mutex_lock(&store->lock);
    while (store->writes.count == 0 && !has_other_work(writer) &&
           !(store->closing && store->readers_gone)) {
        wait_for_work(writer);
    }
    if (store->writes.count > 0) {
        linger(writer);
    }
    while (group->count < STORE_GROUP_MAX && store->writes.count > 0) {
        group->jobs[group->count++] = lanes_pop(&store->writes);
    }
    bool more = group->count > 0 || !(store->closing && store->readers_gone);
    (void)pthread_mutex_unlock(&store->lock);
    return more;
}

/* A job that fails without a fault of the database changed nothing, or was undone by its
 * savepoint. Any other failure takes the group with it. */
static enum status run_in_savepoint(struct db *db, struct job *job, enum status *ret_own,
                                    struct err *err)
{
    enum status status = savepoint_begin(db, err);
    if (status != OK) {
        return status;
    }
    enum status own = job->run(job, db);
    *ret_own = own;
    if (!transaction_is_open(db)) {
        return err_set(err, own == OK ? ERR_DB : own, "the database gave the group up");
    }
    return own == OK ? savepoint_release(db, err) : savepoint_rollback(db, err);
}

static enum status run_plain(struct db *db, struct job *job, enum status *ret_own,
                             struct err *err)
{
    db->write_failed = false;
    enum status own = job->run(job, db);
    *ret_own = own;
    if (own != OK && db->write_failed) {
        return err_set(err, own, "a statement of the group failed");
    }
    return OK;
}

static enum status run_jobs(struct writer *writer, struct err *err)
{
    struct group *group = &writer->group;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < group->count; i++) {
        struct job *job = group->jobs[i];
        status = job->savepoint
                     ? run_in_savepoint(writer->db, job, &group->statuses[i], err)
                     : run_plain(writer->db, job, &group->statuses[i], err);
    }
    return status;
}

static enum status commit(struct writer *writer, struct err *err)
{
    const struct store_hooks *hooks = &writer->store->hooks;
    enum status status =
        hooks->flush ? hooks->flush(hooks->context, writer->db, err) : OK;
    if (status != OK) {
        return status;
    }
    int64_t began_us = clock_mono_us();
    status = transaction_commit(writer->db, err);
    writer->last_commit_us = clock_mono_us() - began_us;
    return status;
}

static enum status run_group(struct writer *writer, struct err *err)
{
    const struct store_hooks *hooks = &writer->store->hooks;
    enum status status = transaction_begin(writer->db, err);
    if (status == OK) {
        status = run_jobs(writer, err);
    }
    if (status == OK) {
        status = commit(writer, err);
    }
    if (status != OK) {
        transaction_rollback(writer->db);
    }
    void (*tell)(void *) = status == OK ? hooks->committed : hooks->rolled_back;
    if (tell) {
        tell(hooks->context);
    }
    return status;
}

/* A group that had nothing to write, such as a duplicate, proves nothing about the disk.
 */
static void count_group(struct writer *writer, enum status status, const struct err *err)
{
    bool wrote = writer->db->wal_commits != writer->commits;
    writer->commits = writer->db->wal_commits;
    struct store *store = writer->store;
    (void)pthread_mutex_lock(&store->lock);
    bool failed_before = store->commit_failed;
    store->commit_failed = status != OK || (failed_before && !wrote);
    bool failed = store->commit_failed;
    checkpoint_note_health(store);
    if (status == OK) {
        store->counters.groups++;
        store->counters.jobs += writer->group.count;
        store->counters.commit_us_total += (uint64_t)writer->last_commit_us;
    } else {
        store->counters.commit_failures++;
    }
    store->counters.wal_bytes = (uint64_t)writer->db->wal_frames * WAL_FRAME_BYTES;
    bool first_capped = store->counters.sums_capped == 0 && writer->db->sums_capped > 0;
    store->counters.sums_capped = writer->db->sums_capped;
    (void)pthread_mutex_unlock(&store->lock);
    if (first_capped) {
        log_event(LOG_LEVEL_WARNING, "sum_capped", log_int("at", DB_SUM_MAX));
    }
    if (failed && !failed_before) {
        log_event(LOG_LEVEL_ERROR, "commit_failed", log_text("code", status_name(status)),
                  log_text("detail", err->detail));
    } else if (failed_before && !failed) {
        log_event(LOG_LEVEL_INFO, "commit_works_again",
                  log_int("jobs", (int64_t)writer->group.count));
    }
}

/* What clients are told: a full disk and damage by their names, else "try again". */
static void public_error(enum status status, struct err *ret_err)
{
    enum status shown =
        status == ERR_DISK_FULL || status == ERR_DB_CORRUPT ? status : ERR_UNAVAILABLE;
    (void)err_set(ret_err, shown, "could not store this; nothing was changed");
}

static void finish_jobs(struct writer *writer, enum status status)
{
    struct group *group = &writer->group;
    struct err shown = {0};
    if (status != OK) {
        public_error(status, &shown);
    }
    for (size_t i = 0; i < group->count; i++) {
        struct job *job = group->jobs[i];
        if (status != OK) {
            job->done(job, shown.status, &shown);
        } else {
            job->done(job, group->statuses[i], NULL);
        }
    }
    writer->last_count = group->count;
}

static void do_chore(struct writer *writer)
{
    struct store *store = writer->store;
    (void)pthread_mutex_lock(&store->lock);
    bool due = chore_is_allowed(store) &&
               chore_is_due(&store->chore, clock_mono_us(), store->writes.count > 0);
    (void)pthread_mutex_unlock(&store->lock);
    if (due) {
        chore_run(&store->chore, writer->db, writer->busy);
        writer->busy = false;
    }
}

void *writer_main(void *argument)
{
    struct store *store = argument;
    struct writer writer = {.store = store, .db = store->writer};
    checkpoint_init(&writer.checkpoint, store);
    while (take_group(&writer)) {
        if (writer.group.count > 0) {
            struct err err = {0};
            enum status status = run_group(&writer, &err);
            count_group(&writer, status, &err);
            finish_jobs(&writer, status);
            writer.busy = true;
        }
        checkpoint_look(&writer.checkpoint);
        do_chore(&writer);
    }
    return NULL;
}

void store_fail_group(struct db *db)
{
    db->write_failed = true;
}
