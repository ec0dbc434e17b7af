/* SPDX-License-Identifier: Apache-2.0 */
/* finder: which verified entry a target path has, when delegated roles may list it.
 *
 * Walks the delegations of the updater's verified set (tuf/target_search); a role's file
 * is taken from the updater's cache if it still verifies, else fetched, verified and
 * stored byte for byte. What was accepted stays in the set until the next update. */
#ifndef MUSTER_EDGE_FINDER_H
#define MUSTER_EDGE_FINDER_H

#include <stdbool.h>

#include "edge/updater.h"
#include "tuf/target_search.h"

struct finder {
    struct updater *updater;
    struct target_search *search; /* owned; NULL before the first finder_begin */
    struct http_call *call;
    bool running;
    bool absent; /* the last search ended in verified metadata without the path */
    bool told;   /* finder_step has something to do without the network */
};

/* Begins to look for `path`. ERR_TUF_NO_TRUST, ERR_TUF_EXPIRED as updater_current. */
enum status finder_begin(struct finder *finder, const char *path,
                         struct err *err) MUST_USE;

/* Moves it on; *ret_done when it has ended with success, and then *ret_target is the
 * entry and *ret_lister the targets that list it, both valid until the next update.
 * ERR_TUF_MISSING when nobody lists the path; a failure ends it. */
enum status finder_step(struct finder *finder, bool *ret_done,
                        const struct tuf_target **ret_target,
                        const struct tuf_targets **ret_lister, struct err *err) MUST_USE;

/* Whether stepping can do something now. */
bool finder_ready(const struct finder *finder);

/* Ends what runs and frees it. */
void finder_release(struct finder *finder);

#endif
