/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/transaction.h"

/* A tenth of the writer's weight; docs/BENCHMARKS.md has what it buys. */
enum { READER_NICE = 10 };

/* Waits until a job may run and takes it; NULL when the store closes. */
static struct job *take_job(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    while (atomic_load(&store->gate_closed) ||
           (store->reads.count == 0 && !store->closing)) {
        (void)pthread_cond_wait(&store->reader_wake, &store->lock);
    }
    struct job *job = job_queue_pop(&store->reads);
    store->running_reads += job ? 1 : 0;
    (void)pthread_mutex_unlock(&store->lock);
    return job;
}

static void end_job(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->running_reads--;
    if (store->running_reads == 0 && atomic_load(&store->gate_closed)) {
        (void)pthread_cond_signal(&store->writer_wake);
    }
    (void)pthread_mutex_unlock(&store->lock);
}

static void run_job(struct reader *reader, struct job *job)
{
    struct err err = {0};
    int64_t deadline_us =
        clock_mono_us() + reader->store->options.read_deadline_ms * 1000;
    db_set_deadline(reader->db, deadline_us, deadline_us);
    enum status status = transaction_begin(reader->db, &err);
    if (status == OK) {
        status = job->run(job, reader->db);
    }
    db_set_deadline(reader->db, 0, 0);
    transaction_rollback(reader->db);
    end_job(reader->store);
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
