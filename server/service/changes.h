/* SPDX-License-Identifier: Apache-2.0 */
/* changes: one control change at a time, committed first and made in memory then.
 *
 * A change (enrolment, token, label, deployment, publication) runs on a worker: it takes
 * the lock, judges by what is in memory, writes in one transaction of its own, waits for
 * the commit and then changes memory. So memory never runs ahead of the disk, and two
 * changes are made in memory in the order in which they were committed. */
#ifndef MUSTER_SERVER_SERVICE_CHANGES_H
#define MUSTER_SERVER_SERVICE_CHANGES_H

#include "base/err.h"

struct changes;
struct db;
struct store;

/* NULL without memory. */
struct changes *changes_new(struct store *store);
void changes_free(struct changes *changes);

/* Takes and drops the lock; begin blocks while another change waits for its commit. */
void changes_begin(struct changes *changes);
void changes_end(struct changes *changes);

static inline void changes_auto_end(struct changes **changes)
{
    changes_end(*changes);
}

/* Holds the lock for the scope. */
#define CHANGE_AUTO(name, owner)                                                         \
    __attribute__((cleanup(changes_auto_end))) struct changes *name = (owner);           \
    changes_begin(name)

/* Runs `run` on the writer in a savepoint of its own; OK once it is on disk. */
enum status changes_commit(struct changes *changes,
                           enum status (*run)(void *context, struct db *db,
                                              struct err *err),
                           void *context, struct err *err) MUST_USE;

/* Runs `run` on a reading connection and waits. */
enum status changes_read(struct changes *changes,
                         enum status (*run)(void *context, struct db *db,
                                            struct err *err),
                         void *context, struct err *err) MUST_USE;

#endif
