/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint: when the WAL is copied into the database and begun anew. Internal to
 * server/store.
 *
 * Copying takes as long as the disk does, so a thread with a connection of its own does
 * it beside the writer (the checkpointer), pass after pass while each leaves less behind.
 * The writer itself copies only the little that the last pass left, so that the next
 * commit finds nothing in its way and begins the file anew. Where readers prevent that,
 * the gate holds them back once the WAL is at its limit; where somebody outside does, the
 * WAL is pinned: an alarm, and it grows until that ends.
 *
 * struct checkpoint belongs to the writer thread, struct checkpointer to the store's
 * lock. */
#ifndef MUSTER_SERVER_STORE_CHECKPOINT_H
#define MUSTER_SERVER_STORE_CHECKPOINT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct store;

/* What the thread and the writer share. */
struct checkpointer {
    struct db *db;
    pthread_t thread;
    bool started;
    pthread_cond_t wake; /* wanted, or ending */
    bool wanted, running, finished, ending;
    int copied_frames; /* of the WAL, when it finished last */
};

/* What the writer knows of the WAL. */
struct checkpoint {
    struct store *store;
    int due_frames;  /* the next pass is due at this many */
    int gate_frames; /* the gate closes at this many */
    int copied_frames;
    bool pinned;      /* the WAL could not be begun anew behind the gate */
    int64_t retry_us; /* while it is pinned: when to try again */
    int64_t pass_us;  /* when a pass was wanted last */
};

void checkpoint_init(struct checkpoint *checkpoint, struct store *store);

/* Under the lock: whether checkpoint_look has something to do although no group ran, and
 * when it will have at the latest (INT64_MAX: when somebody tells). */
bool checkpoint_wants(const struct checkpoint *checkpoint, int64_t now_us);
int64_t checkpoint_due_us(const struct checkpoint *checkpoint);

/* After each group and whenever it wants: passes, gate, restart. */
void checkpoint_look(struct checkpoint *checkpoint);

/* Under the lock: makes counters.healthy what commits and checkpoints say. */
void checkpoint_note_health(struct store *store);

/* The checkpointer; it ends, within the pass that it is at, by checkpointer_stop. */
enum status checkpointer_start(struct store *store, struct err *err) MUST_USE;
void checkpointer_stop(struct store *store);

#endif
