/* SPDX-License-Identifier: Apache-2.0 */
/* store: the database: one writer thread, a pool of readers, migrations, the data
 * directory.
 *
 * One thread owns the only writing connection and runs all waiting jobs in one
 * transaction (group commit, WAL, synchronous=FULL). Readers run on connections of their
 * own, each job in one read transaction with a deadline. A job gets its connection as
 * `struct db *` (its scope) and passes it to the functions of this folder; nobody outside
 * includes sqlite3.h.
 *
 * State that services hold in memory for the writer (dedupe rings, id counter, rollup
 * counters) follows the transaction through the hooks: it may change only in `committed`.
 */
#ifndef MUSTER_SERVER_STORE_STORE_H
#define MUSTER_SERVER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"

#define STORE_FILE_NAME "muster.db" /* in the data directory */

struct db;    /* one connection with its prepared statements */
struct store; /* all of it */

/* Called on the writer thread around each group. */
struct store_hooks {
    void *context;
    /* Before COMMIT: write what was gathered (rollups, dedupe). An error rolls the group
     * back. */
    enum status (*flush)(void *context, struct db *db, struct err *err);
    void (*committed)(void *context);   /* after COMMIT: make it true in memory */
    void (*rolled_back)(void *context); /* forget what was gathered */
};

/* Work that can wait, such as retention. The writer calls it between groups, in a
 * transaction of its own, after the answers of the group have left; chore.h says when. */
struct store_chore {
    void *context;
    /* A step: works until about the monotonic time `until_us`. *ret_again_ms: when to go
     * on; 0: as soon as others let it. An error rolls the step back. */
    enum status (*step)(void *context, struct db *db, int64_t until_us,
                        int64_t *ret_again_ms, struct err *err);
    /* After COMMIT (OK) or the rollback; how long all of it took. */
    void (*ended)(void *context, enum status status, int64_t took_us,
                  const struct err *err);
};

struct store_options {
    const char *folder;       /* the data directory */
    unsigned readers;         /* 2 */
    int64_t read_deadline_ms; /* 100; analytics may ask for more */
    int64_t linger_max_us;    /* upper bound of the adaptive linger before COMMIT */
    uint64_t wal_limit_bytes; /* 32 MiB: the reader gate closes beyond */
    /* Called once, on the writer thread, when nothing can be written any more and only a
     * new start mends it (wal.h says why). The program must end. May be NULL. */
    void (*lost)(void *context);
    void *lost_context;
};

struct store_counters {
    uint64_t groups, jobs, commit_failures, gate_closings;
    uint64_t checkpoints; /* beside the writer */
    uint64_t wal_bytes;   /* in use; the file of the WAL is pre-sized */
    uint64_t database_bytes;
    uint64_t commit_us_total;
    uint64_t writes_waiting, reads_waiting; /* jobs in the queues, now */
    uint64_t sums_capped; /* at 2^62 - 1, each time that one was to grow beyond it */
    bool healthy;         /* the last commit and the last checkpoint worked */
    bool damaged;         /* somebody read something that cannot be, since the start */
    bool wal_pinned;      /* somebody outside keeps the WAL from being reused */
};

/* 2 readers, 100 ms, linger up to 300 µs, WAL limit 32 MiB. */
struct store_options store_options_default(const char *folder);

/* Makes the folder, the database and its schema, for musterd init. ERR_EXISTS when there
 * is a database already. */
enum status store_create(const char *folder, struct err *err) MUST_USE;

/* Opens (and locks) the data directory, migrates, starts the threads. ERR_DB_LOCKED when
 * another server has it, ERR_DB_NEWER, ERR_DB_CLOCK, ERR_DB_CORRUPT, ERR_NOT_FOUND when
 * not initialised. Hooks are set later with store_set_hooks, before the first writing
 * job. */
enum status store_open(const struct store_options *options, struct store **ret_store,
                       struct err *err) MUST_USE;

/* Finishes what is queued, checkpoints, closes. NULL is allowed. No submits after it
 * began.
 */
void store_close(struct store *store);

void store_set_hooks(struct store *store, const struct store_hooks *hooks);

/* Gives the writer its chore; the context lives until store_close. */
void store_set_chore(struct store *store, const struct store_chore *chore);

/* The options that it was opened with; the folder may be gone. */
const struct store_options *store_options_of(const struct store *store);

/* Queues a job for the writer or a reader (JOB_WRITER, JOB_READER). Never blocks.
 * ERR_UNAVAILABLE while closing or when the queue is over its bound. */
enum status store_submit(struct store *store, enum job_place place, struct job *job,
                         struct err *err) MUST_USE;

/* Runs `run` at a place and waits for its end: for start-up, background threads and
 * tests. On the writer it has a savepoint of its own; on a reader only a closed gate ends
 * it before ten minutes are over, as nobody waits for an answer. Never call it from a
 * job. */
enum status store_call(struct store *store, enum job_place place,
                       enum status (*run)(void *context, struct db *db, struct err *err),
                       void *context, struct err *err) MUST_USE;

/* Within a read job: the deadline is now `deadline_ms` from now. While the reader gate is
 * closed the ordinary deadline holds all the same. */
void store_read_longer(struct db *db, int64_t deadline_ms);

/* Within a writing job without savepoint that fails after it wrote something: has the
 * whole group rolled back. */
void store_fail_group(struct db *db);

void store_counters_read(struct store *store, struct store_counters *ret_counters);

#endif
