/* SPDX-License-Identifier: Apache-2.0 */
/* recovery: what an operator at the machine does to a state folder while no client has
 * it.
 *
 * recovery_open examines, recovery_describe says what would change, and the caller asks
 * before recovery_trust. A new root is verified by itself only, so whoever may run this
 * decides whom the node trusts: it is the last resort when root keys are lost. The cached
 * metadata go first and the root file is replaced last, in one rename: a run that was
 * killed has changed nothing that the node trusts and is simply repeated. Floors and time
 * floor stay unless `reset_floors`. Blocks; prints nothing. */
#ifndef MUSTER_EDGE_RECOVERY_H
#define MUSTER_EDGE_RECOVERY_H

#include <stdbool.h>

#include "edge/store.h"
#include "edge/updater.h"

struct recovery_order {
    const char *state_folder;
    const char *root_path; /* the trusted root file that the agent is started with */
    const char *new_path;  /* the root that shall take its place */
    bool reset_floors;
};

struct recovery {
    struct recovery_order order;
    int lock_fd;
    struct trust trust;
    struct updater updater; /* of the present root */
    struct trusted_set old; /* the present root, chained through the cache */
    struct err old_why;     /* not OK: why there is no such root */
    struct buf new_bytes;
    struct trusted_set fresh; /* the new root */
};

/* Takes the folder's lock and reads both roots. ERR_BUSY while an agent runs,
 * ERR_TUF_NO_TRUST when the new root is not signed by itself at its threshold. To be
 * closed in any case. */
enum status recovery_open(struct recovery *ret_recovery,
                          const struct recovery_order *order, struct err *err) MUST_USE;

/* Appends lines for people: both roots with their keys, and what goes and stays. */
void recovery_describe(const struct recovery *recovery, struct buf *ret_text);

/* Does it. */
enum status recovery_trust(struct recovery *recovery, struct err *err) MUST_USE;

void recovery_close(struct recovery *recovery);

/* Takes the way back (edge/store.h) for the next start of the agent; a line about it is
 * appended. ERR_BUSY, ERR_NOT_FOUND, ERR_TUF_FLOOR, ERR_TUF_HASH, ERR_MNET_*. */
enum status recovery_go_back(const char *state_folder, struct buf *ret_text,
                             struct err *err) MUST_USE;

#endif
