/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/health.h"

#include "server/service/publication.h"
#include "server/service/service.h"
#include "server/store/store.h"

enum status service_health_read(const struct service *service, struct arena *arena,
                                struct service_health *ret_health, struct err *err)
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
        .writes_waiting = store.writes_waiting,
        .reads_waiting = store.reads_waiting,
        .wal_bytes = store.wal_bytes,
        .wal_pinned = store.wal_pinned,
        .database_bytes = store.database_bytes,
        .commit_us = store.commit_us_total,
        .sums_capped = store.sums_capped,
    };
    ingest_counters_read(service->ingest, &ret_health->ingest);
    retention_counters_read(service->retention, &ret_health->retention);
    struct publication_role *roles = NULL;
    enum status status = publication_roles(service->publication, arena, &roles,
                                           &ret_health->role_count, err);
    ret_health->roles = roles;
    return status;
}
