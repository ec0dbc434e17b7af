/* SPDX-License-Identifier: Apache-2.0 */
/* threads: what the writer, the readers and store.c share. Internal to server/store.
 *
 * `lock` guards everything but the connections, which belong to their threads, and
 * `gate_closed`, which changes under the lock but is read without it by running queries.
 * The gate: while it is closed no reader starts a job; the writer closes it when the WAL
 * is over its limit, waits until no reader and no pass of the checkpointer runs, restarts
 * the WAL and opens it again. */
#ifndef MUSTER_SERVER_STORE_THREADS_H
#define MUSTER_SERVER_STORE_THREADS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/store/checkpoint.h"
#include "server/store/chore.h"
#include "server/store/lanes.h"
#include "server/store/store.h"

enum {
    STORE_READERS_MAX = 16,
    STORE_QUEUE_MAX = 16384, /* jobs waiting at one place */
    STORE_GROUP_MAX = 512,   /* jobs in one transaction */
    WAL_FRAME_BYTES = 4096 + 24,
};

struct reader {
    struct store *store;
    struct db *db;
    pthread_t thread;
    bool started;
};

struct store {
    struct store_options options;
    char path[PATH_MAX]; /* of the database file */
    int lock_fd;
    struct db *writer;
    pthread_t writer_thread;
    bool writer_started;
    struct reader readers[STORE_READERS_MAX];
    unsigned reader_count;

    pthread_mutex_t lock;
    pthread_cond_t
        writer_wake; /* a job for the writer, closing, or the last reader ended */
    pthread_cond_t reader_wake; /* a job for readers, closing, or the gate opened */
    struct lanes writes;
    struct job_queue reads;
    struct store_hooks hooks;
    struct checkpointer checkpointer;
    struct chore chore; /* its `work` is guarded, the rest is the writer's */
    bool closing;
    bool readers_gone; /* all reader threads have ended: the writer may end too */
    atomic_bool gate_closed;
    atomic_bool damaged; /* set by whoever finds it, on any connection */
    unsigned running_reads;
    int64_t reads_rest_until_us; /* monotonic: no reader starts a job before */
    struct store_counters counters;
    bool commit_failed; /* and none that wrote has worked since */
    bool told_lost;     /* options.lost was called */
};

/* Thread functions; the argument is the store, or the struct reader. */
void *writer_main(void *store);
void *reader_main(void *reader);

#endif
