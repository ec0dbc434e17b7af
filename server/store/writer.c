/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/transaction.h"
#include "server/store/wal.h"

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
    int checkpoint_frames;  /* the next checkpoint is due at this many */
    int gate_frames;        /* the gate closes at this many */
};

static int frames_of(uint64_t bytes)
{
    return (int)(bytes / WAL_FRAME_BYTES);
}

static void timespec_after(int64_t delay_us, struct timespec *ret_when)
{
    (void)clock_gettime(CLOCK_MONOTONIC, ret_when);
    ret_when->tv_nsec += delay_us * 1000;
    ret_when->tv_sec += ret_when->tv_nsec / 1000000000;
    ret_when->tv_nsec %= 1000000000;
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
    struct timespec when;
    timespec_after(delay_us, &when);
    int code = 0;
    while (code == 0 && !store->closing && store->writes.count < writer->last_count) {
        code = pthread_cond_timedwait(&store->writer_wake, &store->lock, &when);
    }
}

static bool gate_is_clear(const struct store *store)
{
    return atomic_load(&store->gate_closed) && store->running_reads == 0;
}

/* Waits for work and takes it. False when the store closes and nothing is left. */
static bool take_group(struct writer *writer)
{
    struct store *store = writer->store;
    struct group *group = &writer->group;
    group->count = 0;
    (void)pthread_mutex_lock(&store->lock);
    while (store->writes.count == 0 && !gate_is_clear(store) &&
           !(store->closing && store->readers_gone)) {
        (void)pthread_cond_wait(&store->writer_wake, &store->lock);
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

static void count_group(struct writer *writer, enum status status, const struct err *err)
{
    struct store *store = writer->store;
    (void)pthread_mutex_lock(&store->lock);
    bool was_healthy = store->counters.healthy;
    store->counters.healthy = status == OK;
    if (status == OK) {
        store->counters.groups++;
        store->counters.jobs += writer->group.count;
        store->counters.commit_us_total += (uint64_t)writer->last_commit_us;
    } else {
        store->counters.commit_failures++;
    }
    store->counters.wal_bytes = (uint64_t)writer->db->wal_frames * WAL_FRAME_BYTES;
    (void)pthread_mutex_unlock(&store->lock);
    if (status != OK && was_healthy) {
        log_event(LOG_LEVEL_ERROR, "commit_failed", log_text("code", status_name(status)),
                  log_text("detail", err->detail));
    } else if (status == OK && !was_healthy) {
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

static void set_gate(struct store *store, bool closed)
{
    (void)pthread_mutex_lock(&store->lock);
    atomic_store(&store->gate_closed, closed);
    store->counters.gate_closings += closed ? 1 : 0;
    (void)pthread_cond_broadcast(&store->reader_wake);
    (void)pthread_mutex_unlock(&store->lock);
}

static void restart_behind_gate(struct writer *writer)
{
    struct err err = {0};
    int limit = frames_of(writer->store->options.wal_limit_bytes);
    enum status status = wal_restart(writer->db, &err);
    if (status == OK) {
        writer->gate_frames = limit;
    } else {
        /* Somebody outside reads: closing the gate again at once would not help. */
        writer->gate_frames = writer->db->wal_frames + limit;
        log_event(LOG_LEVEL_WARNING, "wal_pinned", log_text("detail", err.detail),
                  log_int("wal_frames", writer->db->wal_frames));
    }
    writer->checkpoint_frames = limit * 3 / 8;
    set_gate(writer->store, false);
}

static void look_after_wal(struct writer *writer)
{
    struct store *store = writer->store;
    int frames = writer->db->wal_frames;
    int step = frames_of(store->options.wal_limit_bytes) * 3 / 8;
    if (frames < step) {
        writer->checkpoint_frames = step;
    }
    if (frames >= writer->checkpoint_frames) {
        struct err err = {0};
        bool done = false;
        if (wal_checkpoint(writer->db, &done, &err) != OK) {
            log_event(LOG_LEVEL_WARNING, "checkpoint_failed",
                      log_text("detail", err.detail));
        }
        writer->checkpoint_frames = frames + step / 4 + 1;
    }
    if (frames >= writer->gate_frames && !atomic_load(&store->gate_closed)) {
        set_gate(store, true);
    }
    (void)pthread_mutex_lock(&store->lock);
    bool clear = gate_is_clear(store);
    (void)pthread_mutex_unlock(&store->lock);
    if (clear) {
        restart_behind_gate(writer);
    }
}

void *writer_main(void *argument)
{
    struct store *store = argument;
    int limit = frames_of(store->options.wal_limit_bytes);
    struct writer writer = {
        .store = store,
        .db = store->writer,
        .gate_frames = limit,
        .checkpoint_frames = limit * 3 / 8,
    };
    while (take_group(&writer)) {
        if (writer.group.count > 0) {
            struct err err = {0};
            enum status status = run_group(&writer, &err);
            count_group(&writer, status, &err);
            finish_jobs(&writer, status);
        }
        look_after_wal(&writer);
    }
    return NULL;
}

void store_fail_group(struct db *db)
{
    db->write_failed = true;
}
