/* SPDX-License-Identifier: Apache-2.0 */
/* lanes: the jobs that wait for the writer, in an order that is fair.
 *
 * Jobs with a savepoint (control changes, the server's own) go before all others. The
 * rest takes turns: a job waits in the lane of its source, lanes are served one job each
 * in a circle, so a source with many jobs delays those of its own lane only. Jobs of one
 * source keep their order. Not thread-safe. */
#ifndef MUSTER_SERVER_STORE_LANES_H
#define MUSTER_SERVER_STORE_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/job.h"

enum { LANES = 64 };

struct job_queue {
    struct job *head, *tail;
    size_t count;
};

/* Appends a job. */
void job_queue_push(struct job_queue *queue, struct job *job);

/* Takes the oldest job, or NULL. */
struct job *job_queue_pop(struct job_queue *queue);

/* Zero-initialise. */
struct lanes {
    struct job_queue first;
    struct job_queue lanes[LANES];
    uint64_t waiting; /* bit i: lane i has jobs */
    unsigned next;    /* the lane whose turn it is */
    size_t count;     /* of all jobs */
};

/* Puts a job where it belongs. */
void lanes_push(struct lanes *lanes, struct job *job);

/* Takes the job whose turn it is, or NULL. */
struct job *lanes_pop(struct lanes *lanes);

#endif
