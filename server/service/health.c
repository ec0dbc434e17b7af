/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/health.h"

#include <assert.h>

#include "server/service/publication.h"
#include "server/service/service.h"
#include "server/store/store.h"

static void read_tuf(struct publication *publication,
                     struct service_tuf_role ret_roles[static SERVICE_TUF_ROLES])
{
    static_assert((int)SERVICE_TUF_ROLES == (int)TUF_ROLE_COUNT, "a role each");
    struct publication_state state = publication_state(publication);
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        ret_roles[role] = (struct service_tuf_role){
            .name = tuf_role_name((enum tuf_role)role),
            .version = state.versions[role],
            .expires_ms = state.expires_ms[role],
        };
    }
}

void service_health_read(const struct service *service, struct service_health *ret_health)
{
    struct store_counters store = {0};
    store_counters_read(service->store, &store);
    *ret_health = (struct service_health){
        .writer = store.healthy,
        .database = store.database_bytes > 0 && !store.damaged,
        .damaged = store.damaged,
        .started_ms = service->started_ms,
        .groups = store.groups,
        .jobs = store.jobs,
        .commit_failures = store.commit_failures,
        .gate_closings = store.gate_closings,
        .checkpoints = store.checkpoints,
        .wal_bytes = store.wal_bytes,
        .wal_pinned = store.wal_pinned,
        .database_bytes = store.database_bytes,
        .commit_us = store.commit_us_total,
    };
    ingest_counters_read(service->ingest, &ret_health->ingest);
    retention_counters_read(service->retention, &ret_health->retention);
    read_tuf(service->publication, ret_health->tuf);
}
