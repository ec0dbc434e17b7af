/* SPDX-License-Identifier: Apache-2.0 */
/* health: what /readyz and /metrics tell about the services, read in one go.
 *
 * Memory only, from any thread. */
#ifndef MUSTER_SERVER_SERVICE_HEALTH_H
#define MUSTER_SERVER_SERVICE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "server/service/ingest.h"
#include "server/service/retention.h"

struct service;

enum { SERVICE_TUF_ROLES = 4 };

struct service_tuf_role {
    const char *name; /* "root", … */
    int64_t version;
    int64_t expires_ms;
};

struct service_health {
    bool writer;   /* the last commit worked */
    bool database; /* the file is there, has a size, and no damage was seen */
    bool damaged;
    int64_t started_ms; /* of the service */
    uint64_t groups, jobs, commit_failures, gate_closings, checkpoints;
    uint64_t wal_bytes, database_bytes;
    bool wal_pinned;    /* somebody outside keeps the WAL from being reused */
    uint64_t commit_us; /* spent in all commits together */
    struct service_tuf_role tuf[SERVICE_TUF_ROLES]; /* version 0: nothing is published */
    struct ingest_counters ingest;
    struct retention_counters retention;
};

void service_health_read(const struct service *service,
                         struct service_health *ret_health);

#endif
