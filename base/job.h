/* SPDX-License-Identifier: Apache-2.0 */
/* job: one unit of work that another thread runs, and its completion.
 *
 * The HTTP dispatcher makes jobs; the store's writer thread, the reader pool or the
 * worker pool run them. `run` is called at most once on that thread with the thread's
 * `scope` (the store's connection `struct db *` on writer and readers, NULL on workers).
 * `done` is called exactly once afterwards, on any thread: on the writer only after
 * COMMIT (then status is what `run` returned and `err` is NULL: the job knows its own) or
 * after a ROLLBACK of the whole group (then status and `err` are the reason, and the
 * effects of `run`, if it was called at all, did not happen). A job that could not be
 * queued never runs; its submit call returned the error instead. */
#ifndef MUSTER_BASE_JOB_H
#define MUSTER_BASE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct job {
    struct job *next; /* for the queue that holds it */
    /* Does the work; a status other than OK rolls the job's own savepoint back (writer).
     */
    enum status (*run)(struct job *job, void *scope);
    /* Tells the end; may free the job. `err` may be NULL and lives only
     * during the call. */
    void (*done)(struct job *job, enum status status, const struct err *err);
    uint64_t source; /* whose job it is; sources take turns (writer) */
    bool savepoint;  /* writer: run inside a SAVEPOINT of its own */
};

/* Where jobs can run. */
enum job_place { JOB_READER, JOB_WRITER, JOB_WORKER };

#endif
