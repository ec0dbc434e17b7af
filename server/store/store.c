/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/store/db.h"
#include "server/store/migration.h"
#include "server/store/reports.h"
#include "server/store/threads.h"
#include "server/store/wal.h"

static const int64_t AHEAD_MAX_MS = INT64_C(24) * 3600 * 1000;

struct store_options store_options_default(const char *folder)
{
    return (struct store_options){
        .folder = folder,
        .readers = 2,
        .read_deadline_ms = 100,
        .linger_max_us = 300,
        .wal_limit_bytes = UINT64_C(32) << 20,
    };
}

static enum status path_in(const char *folder, const char *name,
                           char ret_path[static PATH_MAX], struct err *err)
{
    int len = snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
    if (len < 0 || len >= PATH_MAX) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", folder);
    }
    return OK;
}

static enum status lock_folder(const char *folder, int *ret_fd, struct err *err)
{
    char path[PATH_MAX];
    enum status status = path_in(folder, "muster.lock", path, err);
    if (status != OK) {
        return status;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        return err_set(err, ERR_NOT_FOUND, "there is no folder '%s': run musterd init",
                       folder);
    }
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? err_set(err, ERR_DB_LOCKED,
                               "another server uses the data directory '%s'", folder)
                     : err_set_errno(err, "could not lock '%s'", path);
        (void)close(fd);
        return status;
    }
    *ret_fd = fd;
    return OK;
}

enum status store_create(const char *folder, struct err *err)
{
    char path[PATH_MAX];
    enum status status = file_mkdirs(folder, 0700, err);
    if (status == OK) {
        status = path_in(folder, STORE_FILE_NAME, path, err);
    }
    if (status == OK && file_exists(path)) {
        return err_set(err, ERR_EXISTS, "there is a database in '%s' already", folder);
    }
    struct db *db = NULL;
    if (status == OK) {
        status = db_open(path, true, true, &db, err);
    }
    if (status == OK) {
        status = migration_apply(db, migrations, migrations_count, err);
    }
    db_close(db);
    return status;
}

static enum status check_clock(struct db *db, struct err *err)
{
    int64_t newest = 0;
    enum status status = reports_newest_id(db, &newest, err);
    int64_t ahead_ms = (newest >> 12) - clock_wall_ms();
    if (status == OK && ahead_ms > AHEAD_MAX_MS) {
        return err_set(err, ERR_DB_CLOCK,
                       "the newest prediction is %lld ms ahead of the clock: set the "
                       "clock right and start again",
                       (long long)ahead_ms);
    }
    return status;
}

static enum status open_writer(struct store *store, struct err *err)
{
    enum status status =
        path_in(store->options.folder, STORE_FILE_NAME, store->path, err);
    if (status == OK && !file_exists(store->path)) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no database in '%s': run musterd init",
                       store->options.folder);
    }
    if (status == OK) {
        status = db_open(store->path, true, false, &store->writer, err);
    }
    if (status == OK) {
        status = migration_apply(store->writer, migrations, migrations_count, err);
    }
    if (status == OK) {
        status =
            wal_shrink(store->writer, store->path, store->options.wal_limit_bytes, err);
    }
    if (status == OK) {
        status = wal_presize(store->writer, store->path,
                             store->options.wal_limit_bytes / 2, err);
    }
    if (status == OK) {
        status = db_prepare(store->writer, err);
    }
    return status == OK ? check_clock(store->writer, err) : status;
}

static enum status start_thread(pthread_t *thread, void *(*body)(void *), void *argument,
                                bool *ret_started, struct err *err)
{
    int code = pthread_create(thread, NULL, body, argument);
    if (code != 0) {
        return err_set(err, ERR_NO_MEMORY, "could not start a thread (%d)", code);
    }
    *ret_started = true;
    return OK;
}

static enum status start_readers(struct store *store, struct err *err)
{
    enum status status = OK;
    for (unsigned i = 0; status == OK && i < store->options.readers; i++) {
        struct reader *reader = &store->readers[i];
        reader->store = store;
        status = db_open(store->path, false, false, &reader->db, err);
        store->reader_count = i + 1;
        if (status == OK) {
            reader->db->gate_closed = &store->gate_closed;
            reader->db->damaged = &store->damaged;
            status = db_prepare(reader->db, err);
        }
        if (status == OK) {
            status =
                start_thread(&reader->thread, reader_main, reader, &reader->started, err);
        }
    }
    return status;
}

/* The program's signals belong to its main thread. */
static enum status start_threads(struct store *store, struct err *err)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    enum status status = start_readers(store, err);
    if (status == OK) {
        status = checkpointer_start(store, err);
    }
    if (status == OK) {
        status = start_thread(&store->writer_thread, writer_main, store,
                              &store->writer_started, err);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void init_sync(struct store *store)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_cond_init(&store->writer_wake, &monotonic);
    (void)pthread_cond_init(&store->reader_wake, &monotonic);
    (void)pthread_cond_init(&store->checkpointer.wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum status store_open(const struct store_options *options, struct store **ret_store,
                       struct err *err)
{
    assert(options->readers >= 1 && options->readers <= STORE_READERS_MAX);
    struct store *store = calloc(1, sizeof *store);
    if (!store) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the store");
    }
    store->options = *options;
    store->lock_fd = -1;
    store->counters.healthy = true;
    init_sync(store);
    enum status status = lock_folder(options->folder, &store->lock_fd, err);
    if (status == OK) {
        status = open_writer(store, err);
    }
    if (status == OK) {
        store->writer->damaged = &store->damaged;
    }
    if (status == OK) {
        status = start_threads(store, err);
    }
    if (status != OK) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return OK;
}

static void end_readers(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->closing = true;
    (void)pthread_cond_broadcast(&store->reader_wake);
    (void)pthread_cond_broadcast(&store->writer_wake);
    (void)pthread_mutex_unlock(&store->lock);
    for (unsigned i = 0; i < store->reader_count; i++) {
        if (store->readers[i].started) {
            (void)pthread_join(store->readers[i].thread, NULL);
        }
        db_close(store->readers[i].db);
    }
}

static void end_writer(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->readers_gone = true;
    (void)pthread_cond_broadcast(&store->writer_wake);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->writer_started) {
        (void)pthread_join(store->writer_thread, NULL);
    }
    checkpointer_stop(store);
    if (store->writer_started) {
        struct err err = {0};
        if (!atomic_load(&store->writer->disk->lost) &&
            wal_restart(store->writer, 0, &err) != OK) {
            log_event(LOG_LEVEL_WARNING, "checkpoint_failed",
                      log_text("detail", err.detail));
        }
    }
    bool lost = store->writer && atomic_load(&store->writer->disk->lost);
    db_close(store->writer);
    if (lost) {
        wal_forget_index(store->path);
    }
}

void store_close(struct store *store)
{
    if (!store) {
        return;
    }
    end_readers(store);
    end_writer(store);
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    (void)pthread_cond_destroy(&store->checkpointer.wake);
    (void)pthread_cond_destroy(&store->reader_wake);
    (void)pthread_cond_destroy(&store->writer_wake);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

void store_set_hooks(struct store *store, const struct store_hooks *hooks)
{
    (void)pthread_mutex_lock(&store->lock);
    store->hooks = *hooks;
    (void)pthread_mutex_unlock(&store->lock);
}

void store_set_chore(struct store *store, const struct store_chore *chore)
{
    (void)pthread_mutex_lock(&store->lock);
    store->chore.work = *chore;
    (void)pthread_cond_signal(&store->writer_wake);
    (void)pthread_mutex_unlock(&store->lock);
}

const struct store_options *store_options_of(const struct store *store)
{
    return &store->options;
}

enum status store_submit(struct store *store, enum job_place place, struct job *job,
                         struct err *err)
{
    assert(place == JOB_WRITER || place == JOB_READER);
    bool write = place == JOB_WRITER;
    (void)pthread_mutex_lock(&store->lock);
    bool refused = store->closing ||
                   (write ? store->writes.count : store->reads.count) >= STORE_QUEUE_MAX;
    if (!refused) {
        if (write) {
            lanes_push(&store->writes, job);
        } else {
            job_queue_push(&store->reads, job);
        }
        (void)pthread_cond_signal(write ? &store->writer_wake : &store->reader_wake);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (refused) {
        return err_set(err, ERR_UNAVAILABLE, "the queue of the database is full");
    }
    return OK;
}

/* A job that its submitter waits for. */
enum { CALL_READ_MS = 600000 };

struct call {
    struct job job; /* first: the job's address is the call's */
    enum status (*run)(void *context, struct db *db, struct err *err);
    void *context;
    struct err *err;
    enum status status;
    bool ended;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static enum status call_run(struct job *job, void *scope)
{
    struct call *call = (struct call *)job;
    if (!job->savepoint) {
        store_read_longer(scope, CALL_READ_MS);
    }
    return call->run(call->context, scope, call->err);
}

static void call_done(struct job *job, enum status status, const struct err *err)
{
    struct call *call = (struct call *)job;
    if (status != OK && err) {
        (void)err_set(call->err, status, "%s", err->detail);
    }
    (void)pthread_mutex_lock(&call->lock);
    call->status = status;
    call->ended = true;
    (void)pthread_cond_signal(&call->wake);
    (void)pthread_mutex_unlock(&call->lock);
}

enum status store_call(struct store *store, enum job_place place,
                       enum status (*run)(void *context, struct db *db, struct err *err),
                       void *context, struct err *err)
{
    struct call call = {
        .job = {.run = call_run, .done = call_done, .savepoint = place == JOB_WRITER},
        .run = run,
        .context = context,
        .err = err,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    enum status status = store_submit(store, place, &call.job, err);
    if (status != OK) {
        return status;
    }
    (void)pthread_mutex_lock(&call.lock);
    while (!call.ended) {
        (void)pthread_cond_wait(&call.wake, &call.lock);
    }
    (void)pthread_mutex_unlock(&call.lock);
    return call.status;
}

void store_counters_read(struct store *store, struct store_counters *ret_counters)
{
    struct stat st;
    (void)pthread_mutex_lock(&store->lock);
    *ret_counters = store->counters;
    ret_counters->writes_waiting = store->writes.count;
    ret_counters->reads_waiting = store->reads.count;
    (void)pthread_mutex_unlock(&store->lock);
    ret_counters->damaged = atomic_load(&store->damaged);
    ret_counters->database_bytes = stat(store->path, &st) == 0 ? (uint64_t)st.st_size : 0;
}
