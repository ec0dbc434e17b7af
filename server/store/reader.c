/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/transaction.h"

/* docs/BENCHMARKS.md has what each of these buys. */
enum {
    READER_NICE = 10, /* a tenth of the writer's weight */
    LONG_READ_US = 20000,
    REST_MAX_US = 200000,
    REST = 2,             /* of this many times the read */
    BUSY_EVERY_US = 20000 /* of a busy writer: at least one commit in this time */
};

/* Whether a long read ended a moment ago beside a busy writer. */
static bool is_resting(const struct store *store)
{
    return !store->closing && clock_mono_us() < store->reads_rest_until_us;
}

/* Waits until a job may run and takes it; NULL when the store closes. */
static struct job *take_job(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    for (;;) {
        if (atomic_load(&store->gate_closed) ||
            (store->reads.count == 0 && !store->closing)) {
            (void)pthread_cond_wait(&store->reader_wake, &store->lock);
        } else if (is_resting(store)) {
            struct timespec until = {.tv_sec = store->reads_rest_until_us / 1000000,
                                     .tv_nsec =
                                         store->reads_rest_until_us % 1000000 * 1000};
            (void)pthread_cond_timedwait(&store->reader_wake, &store->lock, &until);
        } else {
            break;
        }
    }
    struct job *job = job_queue_pop(&store->reads);
    store->running_reads += job ? 1 : 0;
    if (store->reads.count > 0) { /* whoever was called for it may have rested */
        (void)pthread_cond_signal(&store->reader_wake);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return job;
}

static uint64_t commits_of(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    uint64_t commits = store->counters.groups;
    (void)pthread_mutex_unlock(&store->lock);
    return commits;
}

/* All readers rest after a read that was long while the writer was busy, so that a client
 * that scans again and again leaves the processors to those who report. */
static void rest_after(struct store *store, int64_t began_us, uint64_t commits_before)
{
    int64_t now_us = clock_mono_us();
    int64_t took_us = now_us - began_us;
    int64_t commits = (int64_t)(store->counters.groups - commits_before);
    if (took_us >= LONG_READ_US && commits > took_us / BUSY_EVERY_US) {
        int64_t rest_us = REST * took_us;
        store->reads_rest_until_us =
            now_us + (rest_us < REST_MAX_US ? rest_us : REST_MAX_US);
    }
}

static void end_job(struct store *store, int64_t began_us, uint64_t commits_before)
{
    (void)pthread_mutex_lock(&store->lock);
    store->running_reads--;
    rest_after(store, began_us, commits_before);
    if (store->running_reads == 0 && atomic_load(&store->gate_closed)) {
        (void)pthread_cond_signal(&store->writer_wake);
    }
    (void)pthread_mutex_unlock(&store->lock);
}

static void run_job(struct reader *reader, struct job *job)
{
    struct err err = {0};
    uint64_t commits_before = commits_of(reader->store);
    int64_t began_us = clock_mono_us();
    int64_t deadline_us = began_us + reader->store->options.read_deadline_ms * 1000;
    db_set_deadline(reader->db, deadline_us, deadline_us);
    enum status status = transaction_begin(reader->db, &err);
    if (status == OK) {
        status = job->run(job, reader->db);
    }
    db_set_deadline(reader->db, 0, 0);
    transaction_rollback(reader->db);
    end_job(reader->store, began_us, commits_before);
    job->done(job, status, err.status == OK ? NULL : &err);
}

/* Where processors are short, those who read wait rather than those who report. Without
 * the right to it everything works as before. */
static void step_back(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
}

void *reader_main(void *argument)
{
    struct reader *reader = argument;
    step_back();
    for (struct job *job = take_job(reader->store); job; job = take_job(reader->store)) {
        run_job(reader, job);
    }
    return NULL;
}

void store_read_longer(struct db *db, int64_t deadline_ms)
{
    db_set_deadline(db, clock_mono_us() + deadline_ms * 1000, db->gate_deadline_us);
}
