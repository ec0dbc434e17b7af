/* SPDX-License-Identifier: Apache-2.0 */
/* health: what /readyz and /metrics tell about the services, read in one go.
 *
 * Memory only, from any thread. */
#ifndef MUSTER_SERVER_SERVICE_HEALTH_H
#define MUSTER_SERVER_SERVICE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "server/service/ingest.h"
#include "server/service/retention.h"

struct arena;
struct publication_role;
struct service;

struct service_health {
    bool writer;   /* the last commit worked */
    bool database; /* the file is there, has a size, and no damage was seen */
    bool damaged;
    int64_t started_ms; /* of the service */
    uint64_t groups, jobs, commit_failures, gate_closings, checkpoints;
    uint64_t writes_waiting, reads_waiting; /* jobs of the database */
    uint64_t wal_bytes, database_bytes;
    bool wal_pinned; /* somebody outside keeps the WAL from being reused */
    uint64_t sums_capped;
    uint64_t commit_us;                   /* spent in all commits together */
    const struct publication_role *roles; /* in the arena */
    size_t role_count;                    /* 0: nothing is published */
    struct ingest_counters ingest;
    struct retention_counters retention;
};

/* ERR_NO_MEMORY. */
enum status service_health_read(const struct service *service, struct arena *arena,
                                struct service_health *ret_health,
                                struct err *err) MUST_USE;

#endif
