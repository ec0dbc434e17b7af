/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/health.h"

#include "server/service/service.h"
#include "server/store/store.h"

void service_health_read(const struct service *service, struct service_health *ret_health)
{
    struct store_counters store = {0};
    store_counters_read(service->store, &store);
    *ret_health = (struct service_health){
        .writer = store.healthy,
        .database = store.database_bytes > 0,
        .started_ms = service->started_ms,
        .groups = store.groups,
        .jobs = store.jobs,
        .rows = store.rows,
        .commit_failures = store.commit_failures,
        .gate_closings = store.gate_closings,
        .wal_bytes = store.wal_bytes,
        .database_bytes = store.database_bytes,
        .commit_us = store.commit_us_total,
    };
    ingest_counters_read(service->ingest, &ret_health->ingest);
}
