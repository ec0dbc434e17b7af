/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/transaction.h"
#include "server/store/wal.h"

enum { PINNED_RETRY_US = 1000000 };

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
    bool busy;              /* a group ran since the last step of the chore */
    bool pinned;            /* the WAL could not be restarted behind the gate */
    int64_t retry_us;       /* while it is pinned: when to try again */
};

static int frames_of(uint64_t bytes)
{
    return (int)(bytes / WAL_FRAME_BYTES);
}

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

static bool gate_is_clear(const struct store *store)
{
    return atomic_load(&store->gate_closed) && store->running_reads == 0;
}

static bool chore_is_allowed(const struct store *store)
{
    return store->chore.work.step && !store->closing && !atomic_load(&store->gate_closed);
}

/* Waits for a job, or until the chore or the pinned WAL want their turn. */
static void wait_for_work(struct writer *writer)
{
    struct store *store = writer->store;
    int64_t until_us = writer->pinned ? writer->retry_us : INT64_MAX;
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
    return gate_is_clear(store) || (writer->pinned && now_us >= writer->retry_us) ||
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

static void set_pinned(struct writer *writer, bool pinned)
{
    struct store *store = writer->store;
    (void)pthread_mutex_lock(&store->lock);
    store->counters.wal_pinned = pinned;
    store->counters.wal_bytes = (uint64_t)writer->db->wal_frames * WAL_FRAME_BYTES;
    (void)pthread_mutex_unlock(&store->lock);
    writer->retry_us = clock_mono_us() + PINNED_RETRY_US;
    if (writer->pinned != pinned) {
        log_event(pinned ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  pinned ? "wal_pinned" : "wal_released",
                  log_int("wal_frames", writer->db->wal_frames));
    }
    writer->pinned = pinned;
}

/* The WAL begins anew: what it grew to while it was pinned is given back. */
static void wal_is_released(struct writer *writer)
{
    struct store *store = writer->store;
    struct err err = {0};
    writer->gate_frames = frames_of(store->options.wal_limit_bytes);
    if (!writer->pinned) {
        return;
    }
    if (wal_shrink(writer->db, store->path, store->options.wal_limit_bytes, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "checkpoint_failed", log_text("detail", err.detail));
    }
    set_pinned(writer, false);
}

static void restart_wal(struct writer *writer)
{
    struct err err = {0};
    enum status status = wal_restart(writer->db, &err);
    if (status == OK) {
        wal_is_released(writer);
        return;
    }
    /* Closing the gate again at once would not help. */
    writer->gate_frames =
        writer->db->wal_frames + frames_of(writer->store->options.wal_limit_bytes);
    if (status == ERR_UNAVAILABLE) {
        /* Somebody outside reads: everything goes on but the reuse of the WAL. */
        set_pinned(writer, true);
        return;
    }
    log_event(LOG_LEVEL_WARNING, "checkpoint_failed", log_text("detail", err.detail));
    writer->retry_us = clock_mono_us() + PINNED_RETRY_US;
}

static int checkpoint_step(const struct writer *writer)
{
    return frames_of(writer->store->options.wal_limit_bytes) * 3 / 8;
}

static void restart_behind_gate(struct writer *writer)
{
    restart_wal(writer);
    writer->checkpoint_frames = checkpoint_step(writer);
    set_gate(writer->store, false);
}

/* Whether it still is. Readers of our own may be in the way too: the gate is closed for
 * them once a commit has begun the file anew, so that the pin must have ended. */
static void retry_pinned(struct writer *writer)
{
    if (!writer->pinned || clock_mono_us() < writer->retry_us) {
        return;
    }
    if (writer->db->wal_frames < checkpoint_step(writer)) {
        writer->retry_us = clock_mono_us() + PINNED_RETRY_US;
        set_gate(writer->store, true);
        return;
    }
    int gate_frames = writer->gate_frames;
    restart_wal(writer);
    if (writer->pinned) {
        writer->gate_frames = gate_frames;
    }
}

static void look_after_wal(struct writer *writer)
{
    struct store *store = writer->store;
    int frames = writer->db->wal_frames;
    int step = checkpoint_step(writer);
    if (frames < step) {
        writer->checkpoint_frames = step;
        writer->gate_frames = frames_of(store->options.wal_limit_bytes);
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
    } else {
        retry_pinned(writer);
    }
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
            writer.busy = true;
        }
        look_after_wal(&writer);
        do_chore(&writer);
    }
    return NULL;
}

void store_fail_group(struct db *db)
{
    db->write_failed = true;
}
