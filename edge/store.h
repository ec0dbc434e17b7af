/* SPDX-License-Identifier: Apache-2.0 */
/* store: the artifacts on disk and which one is active.
 *
 *   <state>/models/<sha256>   verified artifacts, named by what they are
 *   <state>/models/active     a pointer: which artifact, and what was signed of it
 *   <state>/models/previous   the one before, kept as the way back
 *
 * A pointer is replaced by rename, so there is always a whole one. Files that neither
 * names are removed after an activation. All of it blocks. */
#ifndef MUSTER_EDGE_STORE_H
#define MUSTER_EDGE_STORE_H

#include <stdbool.h>

#include "edge/model.h"
#include "edge/trust.h"

struct store {
    char folder[EDGE_PATH_BYTES];
    bool has_active, has_previous;
    struct model_record active, previous;
};

/* Opens the folder and reads the pointers; an unreadable pointer counts as none. */
enum status store_open(struct store *store, const char *state_folder,
                       struct err *err) MUST_USE;

/* Where an artifact lies or would lie. */
enum status store_path(const struct store *store, const uint8_t artifact[static 32],
                       char ret_path[static EDGE_PATH_BYTES], struct err *err) MUST_USE;

/* Checks the digest of the active artifact, or where that fails of the previous one, and
 * loads it. The previous one must be at its floor or above: going back to it activates
 * it. NULL when there is neither; `ret_why` says what was wrong with the first, OK if
 * nothing was. */
void store_load(struct store *store, const struct trust *trust,
                struct edge_model **ret_model, struct err *ret_why);

/* Makes a record active and the active one previous, then removes what nothing names. */
enum status store_activate(struct store *store, const struct model_record *record,
                           struct err *err) MUST_USE;

#endif
