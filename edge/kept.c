/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/kept.h"

#include <inttypes.h>
#include <string.h>

void kept_tell(struct edge_env *env, const struct store *store, const char *why)
{
    struct err err = {0};
    const struct model_record *active = &store->active;
    (void)err_set(&err, ERR_MODEL_KEPT, "%s %s (seq %" PRId64 "), kept, runs: %s",
                  active->model, active->version, active->seq, why);
    env_complain(env, CHANNEL_ACTIVE, &err);
}

void kept_recall(struct edge_env *env, const struct store *store, bool fell_back)
{
    const struct model_record *active = &store->active;
    struct err err = {0};
    if (fell_back) {
        kept_tell(env, store, "the one after it cannot be used");
    } else if (store->has_active && active->withdrawn) {
        (void)err_set(&err, ERR_TUF_WITHDRAWN,
                      "%s %s: listed expected, not found when targets were verified last",
                      active->model, active->version);
        env_complain(env, CHANNEL_ACTIVE, &err);
    } else if (store->has_left) {
        kept_tell(env, store, "an operator went back to it");
    }
}

bool kept_is_left(struct edge_env *env, struct store *store,
                  const uint8_t assigned[static 32])
{
    struct err err = {0};
    if (!store->has_left) {
        return false;
    }
    if (memcmp(store->left.artifact, assigned, sizeof store->left.artifact) == 0) {
        return true;
    }
    if (store_return(store, &err) != OK) {
        env_complain(env, CHANNEL_ACTIVE, &err);
    }
    return false;
}
