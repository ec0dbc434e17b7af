/* SPDX-License-Identifier: Apache-2.0 */
/* store: the artifacts on disk and which one is active.
 *
 *   <state>/models/<sha256>   verified artifacts, named by what they are
 *   <state>/models/active     a pointer: which artifact, and what was signed of it
 *   <state>/models/previous   the one before, kept as the way back
 *   <state>/models/left       the one that an operator went back from
 *
 * A pointer is replaced by rename, so there is always a whole one. Files that neither
 * active nor previous names are removed after an activation. The way back is the previous
 * artifact if it is of the same model as the active one and at its floor or above; its
 * digest was the signed one when it was installed and is computed again before it runs.
 * All of it blocks. */
#ifndef MUSTER_EDGE_STORE_H
#define MUSTER_EDGE_STORE_H

#include <stdbool.h>

#include "edge/model.h"
#include "edge/trust.h"

struct store {
    char folder[EDGE_PATH_BYTES];
    bool has_active, has_previous, has_left;
    struct model_record active; /* without has_active: what was active before */
    struct model_record previous, left;
};

/* Opens the folder and reads the pointers; an unreadable pointer counts as none. */
enum status store_open(struct store *store, const char *state_folder,
                       struct err *err) MUST_USE;

/* Where an artifact lies or would lie. */
enum status store_path(const struct store *store, const uint8_t artifact[static 32],
                       char ret_path[static EDGE_PATH_BYTES], struct err *err) MUST_USE;

/* Checks the digest of the active artifact, or where that fails takes the way back, and
 * loads it; one that was withdrawn to stop does not run. NULL when there is neither;
 * `ret_why` says what was wrong with the first, OK if nothing was. */
void store_load(struct store *store, const struct trust *trust,
                struct edge_model **ret_model, struct err *ret_why);

/* Makes a record active and the active one previous, then removes what nothing names. */
enum status store_activate(struct store *store, const struct model_record *record,
                           struct err *err) MUST_USE;

/* Whether there is a way back: ERR_NOT_FOUND, ERR_TUF_FLOOR, ERR_TUF_WITHDRAWN: it was
 * withdrawn, and what is active was not. */
enum status store_way_back(const struct store *store, const struct trust *trust,
                           struct err *err) MUST_USE;

/* Takes the way back: checks and loads the previous artifact, leaves the active one and
 * swaps the two. On failure the active one stays. */
enum status store_go_back(struct store *store, const struct trust *trust,
                          struct err *err) MUST_USE;

/* Stores what is known of the active or previous artifact anew. */
enum status store_save_active(struct store *store, const struct model_record *record,
                              struct err *err) MUST_USE;
enum status store_save_previous(struct store *store, const struct model_record *record,
                                struct err *err) MUST_USE;

/* Forgets a pointer and removes the file that nothing names any more. */
enum status store_forget_active(struct store *store, struct err *err) MUST_USE;
enum status store_forget_previous(struct store *store, struct err *err) MUST_USE;

/* Remembers the active artifact as one that an operator went back from: it is not
 * activated again before another was assigned. store_return forgets that. */
enum status store_leave(struct store *store, struct err *err) MUST_USE;
enum status store_return(struct store *store, struct err *err) MUST_USE;

#endif
