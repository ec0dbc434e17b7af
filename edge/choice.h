/* SPDX-License-Identifier: Apache-2.0 */
/* choice: whether what the server assigned may run here: signed, listed, unexpired, at or
 * above the floor, and fitting this machine. */
#ifndef MUSTER_EDGE_CHOICE_H
#define MUSTER_EDGE_CHOICE_H

#include <stdbool.h>

#include "edge/assignment.h"
#include "edge/facts.h"
#include "edge/model.h"
#include "edge/trust.h"
#include "tuf/target_transports.h"

/* An artifact that may be activated; borrows from the targets that list it. */
struct choice {
    struct model_target artifact;
    struct target_transports transports; /* the shortest first */
    struct model_record record;
    bool consistent_snapshot;
};

struct choice_rules {
    const struct trust *trust;
    const struct facts *facts;
    const char *folder; /* where models are stored */
    uint64_t max_bytes; /* of an artifact */
};

/* Where the assigned path was found: a verified entry and the targets that list it. */
struct choice_listing {
    const struct tuf_target *file;
    const struct tuf_targets *lister;
    bool consistent_snapshot;
};

/* ERR_TUF_MISSING, ERR_TUF_HASH (the assignment names another digest than is signed),
 * ERR_TUF_FLOOR, ERR_FIT_TOO_BIG_OR_NEW, ERR_FIT_OTHER_HARDWARE (tuf/fit.h), ERR_LIMIT.
 */
enum status choice_make(const struct choice_rules *rules,
                        const struct assignment *assignment,
                        const struct choice_listing *listing, struct choice *ret_choice,
                        struct err *err) MUST_USE;

#endif
