/* SPDX-License-Identifier: Apache-2.0 */
/* signers: who may sign for a role, changed in a draft.
 *
 * The keys of root, timestamp, snapshot and targets stand in root; those of a delegated
 * role in top-level targets. What a change makes invalid is signed again by settling the
 * draft. A role never has fewer keys than its threshold, and no key twice, however it is
 * written. */
#ifndef MUSTER_REPO_SIGNERS_H
#define MUSTER_REPO_SIGNERS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/draft.h"

/* Adds a key object (tuf/public_key.h) to a role. ERR_EXISTS when it has that key. */
enum status signers_add(struct draft *draft, const char *role, json_t *key,
                        struct err *err) MUST_USE;

/* Removes a key by its id or at least 8 digits of its beginning. ERR_NOT_FOUND,
 * ERR_TUF_ROLE when fewer than the threshold would stay. */
enum status signers_remove(struct draft *draft, const char *role, const char *keyid,
                           struct err *err) MUST_USE;

/* Sets how many keys must sign: 1 to as many as there are; the timestamp's stays 1. */
enum status signers_threshold(struct draft *draft, const char *role, int64_t threshold,
                              struct err *err) MUST_USE;

/* Puts a key in the place of another one in every role of root and every delegation that
 * has it; *ret_roles becomes a list of their names. ERR_NOT_FOUND when none has it. */
enum status signers_replace(struct draft *draft, const char *keyid, json_t *key,
                            json_t **ret_roles, struct err *err) MUST_USE;

/* The roles that name a key in what will be valid, as a list of texts. The caller owns
 * it; NULL without memory. */
json_t *signers_roles(const struct draft *draft, const char *keyid);

#endif
