/* SPDX-License-Identifier: Apache-2.0 */
/* heartbeat: whether the writer thread gets on with its work.
 *
 * A server whose writer hangs answers /healthz and stores nothing: only the writer's own
 * progress proves anything. Each look gives it an empty job, unless the one before is
 * still with it, and compares how many groups it has ended by now. A group that failed is
 * progress too: another start would not mend a full disk. One thread looks; the heartbeat
 * outlives the store. */
#ifndef MUSTER_SERVER_HEARTBEAT_H
#define MUSTER_SERVER_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/job.h"

struct store;

struct heartbeat {
    struct job job;      /* first: the job's address is the heartbeat's */
    atomic_bool waiting; /* the job is with the writer */
    uint64_t ended;      /* groups, at the last look */
    struct store *store;
};

/* Looks for the first time. */
void heartbeat_start(struct heartbeat *heartbeat, struct store *store);

/* Whether the writer ended a group since the last look; gives it something for the next.
 * Never blocks. */
bool heartbeat_look(struct heartbeat *heartbeat);

#endif
