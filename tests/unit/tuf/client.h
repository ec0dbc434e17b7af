/* SPDX-License-Identifier: Apache-2.0 */
/* client: a trusted set that is offered the files of a world. */
#ifndef MUSTER_TESTS_UNIT_TUF_CLIENT_H
#define MUSTER_TESTS_UNIT_TUF_CLIENT_H

#include "tests/unit/tuf/world.h"
#include "tuf/trusted_set.h"

/* A client that trusts the world's present root and stands after the root loop. */
static inline void world_client(struct world *world, struct trusted_set *ret_set)
{
    struct err err = {0};
    world_must(trusted_set_init(ret_set, world->bytes[TUF_ROLE_ROOT].data,
                                world->bytes[TUF_ROLE_ROOT].len, NOW_MS, &err),
               &err);
    world_must(trusted_set_root_done(ret_set, &err), &err);
}

/* Offers one file of the world to a client as fetched. */
static inline enum status world_offer(struct world *world, struct trusted_set *set,
                                      enum tuf_role role, struct err *err)
{
    bool changed = false;
    const struct buf *bytes = &world->bytes[role];
    switch (role) {
    case TUF_ROLE_ROOT:
        return trusted_set_update_root(set, bytes->data, bytes->len, err);
    case TUF_ROLE_TIMESTAMP:
        return trusted_set_update_timestamp(set, bytes->data, bytes->len, &changed, err);
    case TUF_ROLE_SNAPSHOT:
        return trusted_set_update_snapshot(set, bytes->data, bytes->len, err);
    case TUF_ROLE_TARGETS:
        break;
    }
    return trusted_set_update_targets(set, bytes->data, bytes->len, err);
}

/* Timestamp, snapshot and targets one after the other; the first refusal. */
static inline enum status world_refresh(struct world *world, struct trusted_set *set,
                                        struct err *err)
{
    for (int role = TUF_ROLE_TIMESTAMP; role < TUF_ROLE_COUNT; role++) {
        enum status status = world_offer(world, set, (enum tuf_role)role, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

#endif
