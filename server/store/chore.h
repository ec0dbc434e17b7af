/* SPDX-License-Identifier: Apache-2.0 */
/* chore: when the writer thread does work that nobody waits for. Internal to
 * server/store.
 *
 * A step runs between groups, after their answers have left, in a transaction of its own,
 * and ends soon after CHORE_STEP_US. Its COMMIT waits for the disk like any other: frames
 * without a sync of their own would be a hole below what is acknowledged next, if that
 * next sync failed (Linux counts the pages of a failed sync as written). Whoever waits
 * for the writer goes first, unless the chore has been kept waiting for
 * CHORE_PATIENCE_US: then one step runs. While reports come in, chores get a tenth of the
 * writer's time at most; otherwise half of it. Writer thread only, but chore_set. */
#ifndef MUSTER_SERVER_STORE_CHORE_H
#define MUSTER_SERVER_STORE_CHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/store/store.h"

enum {
    CHORE_STEP_US = 2000,
    CHORE_PATIENCE_US = 50000,
    CHORE_FAILED_MS = 5000, /* after a failure */
};

struct chore {
    struct store_chore work; /* work.step NULL: there is none */
    int64_t due_us;          /* monotonic */
};

/* Whether a step is to run now; `wanted`: somebody waits for the writer. */
bool chore_is_due(const struct chore *chore, int64_t now_us, bool wanted);

/* Runs a step; `busy`: a group ran since the last one. */
void chore_run(struct chore *chore, struct db *db, bool busy);

#endif
