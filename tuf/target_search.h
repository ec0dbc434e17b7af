/* SPDX-License-Identifier: Apache-2.0 */
/* target_search: which verified entry a target path has, through delegations.
 *
 * The walk of TUF 1.0 section 5.6.7: pre-order, roles in the order of their delegation, a
 * terminating delegation cuts off everything that would come behind it, each role is
 * visited once, at most limits.search_roles of them. A role that cannot be had or
 * verified ends the search: the next one is not asked instead. No I/O:
 *
 *   target_search_init; while target_search_step says SEARCH_WANTS_ROLE: accept the file
 *   of search->role for search->delegator (trusted_set_update_role), cached or fetched
 *
 * The set must not change in other ways while a search runs. */
#ifndef MUSTER_TUF_TARGET_SEARCH_H
#define MUSTER_TUF_TARGET_SEARCH_H

#include <stddef.h>

#include "base/err.h"
#include "tuf/trusted_set.h"

enum { SEARCH_ROLES_MAX = 64 };

enum search_state { SEARCH_FOUND, SEARCH_ABSENT, SEARCH_WANTS_ROLE };

/* A role's delegations from `at` on are still to be asked. */
struct search_frame {
    const struct tuf_targets *targets;
    size_t at;
};

struct target_search {
    struct trusted_set *set;
    char path[TUF_PATH_MAX];
    struct search_frame frames[SEARCH_ROLES_MAX + 1];
    size_t depth;
    char visited[SEARCH_ROLES_MAX][TUF_ROLE_NAME_MAX];
    size_t visited_count;
    bool started, pending;
    struct tuf_delegate delegate; /* pending: the role to visit */
    /* SEARCH_WANTS_ROLE */
    const char *role;
    const struct tuf_targets *delegator;
    /* SEARCH_FOUND */
    const struct tuf_target *target;  /* borrowed from the set */
    const struct tuf_targets *lister; /* the targets that list it */
};

/* ERR_TUF_TOO_LARGE for a path that no metadata can list. */
enum status target_search_init(struct target_search *ret_search, struct trusted_set *set,
                               const char *path, struct err *err) MUST_USE;

/* Goes on as far as possible. ERR_TUF_NO_TRUST before targets, ERR_TUF_SIGNATURE for a
 * role that its delegator on this way does not vouch for, ERR_TUF_TOO_LARGE. */
enum status target_search_step(struct target_search *search, enum search_state *ret_state,
                               struct err *err) MUST_USE;

#endif
