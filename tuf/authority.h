/* SPDX-License-Identifier: Apache-2.0 */
/* authority: who may sign: keys and thresholds, as root and delegations list them.
 *
 * For tuf/ only; the shapes stand in tuf/metadata.h. What is read borrows its texts from
 * the tree. */
#ifndef MUSTER_TUF_AUTHORITY_H
#define MUSTER_TUF_AUTHORITY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "tuf/metadata.h"

/* Reads the member "keys" of an object into a keyring, which must be zeroed and which the
 * caller releases also on failure. ERR_TUF_FORMAT, ERR_TUF_TOO_LARGE. */
enum status keyring_read(const json_t *object, struct tuf_keyring *ret_keyring,
                         struct err *err) MUST_USE;

/* Frees the keys. */
void keyring_release(struct tuf_keyring *keyring);

/* Reads "keyids" and "threshold": ids are texts and unique, the threshold is at least 1
 * (ERR_TUF_ROLE). */
enum status authority_read(const json_t *object, struct tuf_authority *ret_authority,
                           struct err *err) MUST_USE;

/* Whether a key that root `before` lets sign for the role may not sign by root `after`.
 * By the key's bytes: a new id of the same key changes nothing. */
bool authority_drops_key(const struct tuf_root *before, const struct tuf_root *after,
                         enum tuf_role role);

#endif
