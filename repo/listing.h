/* SPDX-License-Identifier: Apache-2.0 */
/* listing: what a draft lists of a model, and taking out or raising the floor of what is
 * listed.
 *
 * A delegated model may have versions in two files: those published before the delegation
 * in top-level targets, the others in its own role; the two count as one line of
 * versions. A seq is never used twice: when the highest one is withdrawn, the file
 * remembers it in a signed member that clients ignore:
 * "x-muster":{"highest_seq":{"<model>":<seq>}}. */
#ifndef MUSTER_REPO_LISTING_H
#define MUSTER_REPO_LISTING_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/draft.h"

struct listing {
    int64_t floor;        /* the highest that is signed, 0: none */
    int64_t highest;      /* the highest seq that is listed, 0: none */
    int64_t highest_ever; /* also of what was withdrawn */
};

/* Both files of a model together. */
struct listing listing_read(const struct draft *draft, const char *model);

/* The role that lists new versions of a model: its own when it was delegated, else
 * "targets". */
const char *listing_role(const struct draft *draft, const char *model);

/* Withdraws a version, or one variant of it (NULL: all), with its transports, and
 * settles. Nodes do then as its on_revoke says. A floor that it carried moves to the
 * highest that stays. ERR_NOT_FOUND, ERR_TUF_FLOOR when only versions below the floor
 * would stay. */
enum status listing_remove(struct draft *draft, const char *model, const char *version,
                           const char *variant, struct err *err) MUST_USE;

/* Raises the floor of a model and settles. ERR_NOT_FOUND for a model that is not listed,
 * ERR_TUF_FLOOR when `floor` is not above the present one or above the highest seq. */
enum status listing_raise_floor(struct draft *draft, const char *model, int64_t floor,
                                struct err *err) MUST_USE;

/* Copies all that a file lists of a model into another body; and takes it out of a body.
 * What a body has of a withdrawn highest seq is copied too. */
enum status listing_copy(const struct tuf_targets *from, const char *model, json_t *to,
                         struct err *err) MUST_USE;
enum status listing_remember(json_t *body, const char *model, int64_t seq,
                             struct err *err) MUST_USE;

#endif
