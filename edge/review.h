/* SPDX-License-Identifier: Apache-2.0 */
/* review: whether what runs and what is kept are still listed in fresh verified targets.
 *
 * Runs after each successful update, so that a missing, old or forged answer can never
 * withdraw anything: only a whole search in verified, unexpired metadata that ends
 * without the artifact does. What is not listed any more is marked so; if it was signed
 * with `on_revoke: stop` the way back to it is removed, and of the active one the owner
 * is told to stop. */
#ifndef MUSTER_EDGE_REVIEW_H
#define MUSTER_EDGE_REVIEW_H

#include <stdbool.h>

#include "edge/finder.h"
#include "edge/store.h"

enum review_subject { REVIEW_ACTIVE, REVIEW_PREVIOUS, REVIEW_DONE };

struct review {
    struct edge_env *env;
    struct finder *finder;
    struct store *store;
    enum review_subject subject;
    bool searching; /* the finder looks for the subject */
    struct err why; /* OK, or why nothing could be learnt of the active one */
};

/* Begins; review_step says what comes of it. */
void review_begin(struct review *review);

/* Goes on as far as possible; true when it has ended. *ret_stop: the active one was
 * withdrawn and must not go on. */
bool review_step(struct review *review, bool *ret_stop);

/* Whether stepping can do something now. */
bool review_ready(const struct review *review);

#endif
