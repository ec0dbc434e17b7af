/* SPDX-License-Identifier: Apache-2.0 */
/* kept: what people are told when something else runs than what is assigned and listed,
 * and whether an operator went back from what is assigned. */
#ifndef MUSTER_EDGE_KEPT_H
#define MUSTER_EDGE_KEPT_H

#include <stdbool.h>

#include "edge/store.h"

/* Says that the active artifact is one that was kept, and why it runs. */
void kept_tell(struct edge_env *env, const struct store *store, const char *why);

/* The same at the start of a client, where there is something to say: `fell_back` when
 * store_load took the way back. */
void kept_recall(struct edge_env *env, const struct store *store, bool fell_back);

/* Whether an operator went back from the artifact that is assigned. Where another one is
 * assigned, that is forgotten. */
bool kept_is_left(struct edge_env *env, struct store *store,
                  const uint8_t assigned[static 32]);

#endif
