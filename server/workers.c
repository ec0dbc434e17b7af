/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct workers {
    pthread_mutex_t lock; /* guards all below but `threads` */
    pthread_cond_t wake;
    struct job *first;
    struct job *last;
    size_t queued;
    size_t queue_max;
    bool closing;
    unsigned thread_count;
    pthread_t threads[];
};

/* The next job, waiting for one; NULL once the pool closes and nothing is left. */
static struct job *take(struct workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->closing) {
        (void)pthread_cond_wait(&workers->wake, &workers->lock);
    }
    struct job *job = workers->first;
    if (job) {
        workers->first = job->next;
        workers->queued--;
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *work(void *argument)
{
    struct workers *workers = argument;
    for (struct job *job = take(workers); job; job = take(workers)) {
        job->done(job, job->run(job, NULL), NULL);
    }
    return NULL;
}

enum status workers_open(unsigned threads, size_t queue_max, struct workers **ret_workers,
                         struct err *err)
{
    struct workers *workers =
        calloc(1, sizeof *workers + threads * sizeof workers->threads[0]);
    if (!workers) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the worker pool");
    }
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->wake, NULL);
    workers->queue_max = queue_max;
    while (workers->thread_count < threads) {
        pthread_t *thread = &workers->threads[workers->thread_count];
        if (pthread_create(thread, NULL, work, workers) != 0) {
            workers_close(workers);
            return err_set(err, ERR_UNAVAILABLE, "could not start a worker thread");
        }
        workers->thread_count++;
    }
    *ret_workers = workers;
    return OK;
}

void workers_close(struct workers *workers)
{
    if (!workers) {
        return;
    }
    (void)pthread_mutex_lock(&workers->lock);
    workers->closing = true;
    (void)pthread_cond_broadcast(&workers->wake);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++) {
        (void)pthread_join(workers->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&workers->wake);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}

enum status workers_submit(struct workers *workers, struct job *job, struct err *err)
{
    enum status status = OK;
    (void)pthread_mutex_lock(&workers->lock);
    if (workers->closing || workers->queued >= workers->queue_max) {
        status = err_set(err, ERR_UNAVAILABLE, "the workers are busy");
    } else {
        job->next = NULL;
        if (workers->first) {
            workers->last->next = job;
        } else {
            workers->first = job;
        }
        workers->last = job;
        workers->queued++;
        (void)pthread_cond_signal(&workers->wake);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return status;
}
