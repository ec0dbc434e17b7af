/* SPDX-License-Identifier: Apache-2.0 */
/* delegations: a model in the hands of a team with keys of its own, changed in a draft.
 *
 * Top-level targets delegate "<model>/<seq>/<file>" to a role named like the model,
 * terminating. Versions that top-level targets list stay there and are found there: a
 * node looks there first, so every node runs what it ran. New versions go into the team's
 * file, which comes into being with the first one. A file that was published once stays
 * named by the snapshot for ever, as clients demand, also after the delegation ends. */
#ifndef MUSTER_REPO_DELEGATIONS_H
#define MUSTER_REPO_DELEGATIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/draft.h"

/* Delegates a model to `keys`, a list of key objects of which `threshold` must sign.
 * ERR_EXISTS when it is delegated already, ERR_TUF_ROLE for a threshold that the keys
 * cannot reach, ERR_INVALID_ARGUMENT for a name that no model can have. */
enum status delegations_add(struct draft *draft, const char *model, const json_t *keys,
                            int64_t threshold, struct err *err) MUST_USE;

/* Ends it. With `keep` what the team listed becomes part of top-level targets; otherwise
 * it is withdrawn. ERR_NOT_FOUND. */
enum status delegations_end(struct draft *draft, const char *model, bool keep,
                            struct err *err) MUST_USE;

#endif
