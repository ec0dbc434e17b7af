/* SPDX-License-Identifier: Apache-2.0 */
/* workers: a pool of threads for what must not run on event threads (JOB_WORKER):
 * argon2id, verification, files.
 *
 * A bounded queue, first in first out. Each job's `run` gets NULL as its scope and its
 * `done` follows on the same thread. */
#ifndef MUSTER_SERVER_WORKERS_H
#define MUSTER_SERVER_WORKERS_H

#include <stddef.h>

#include "base/err.h"
#include "base/job.h"

struct workers;

/* Starts `threads` threads; at most `queue_max` jobs wait. ERR_NO_MEMORY,
 * ERR_UNAVAILABLE. */
enum status workers_open(unsigned threads, size_t queue_max, struct workers **ret_workers,
                         struct err *err) MUST_USE;

/* Finishes what is queued, then stops. NULL is allowed. */
void workers_close(struct workers *workers);

/* Queues a job. Never blocks. ERR_UNAVAILABLE when the queue is full or closing. */
enum status workers_submit(struct workers *workers, struct job *job,
                           struct err *err) MUST_USE;

#endif
