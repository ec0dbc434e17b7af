/* SPDX-License-Identifier: Apache-2.0 */
/* target_transports: the ways in which one artifact can be had in fewer bytes.
 *
 * The results borrow from the targets metadata, as those of target.h do. Nothing here
 * knows which bases a node has: callers skip the deltas that it cannot use. */
#ifndef MUSTER_TUF_TARGET_TRANSPORTS_H
#define MUSTER_TUF_TARGET_TRANSPORTS_H

#include <stddef.h>

#include "tuf/target.h"

enum { TARGET_TRANSPORTS_MAX = 8 };

struct target_transports {
    struct model_target items[TARGET_TRANSPORTS_MAX];
    size_t count;
};

/* The transports beside an artifact whose signed result is that artifact and which are
 * shorter than it, the shortest first. Entries that do not parse are skipped. */
void target_transports_find(const struct tuf_targets *targets,
                            const struct model_target *artifact,
                            struct target_transports *ret_transports);

#endif
