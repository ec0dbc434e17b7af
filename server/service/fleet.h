/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: the whole fleet in a few numbers (docs/PROTOCOL.md, Pictures of a fleet).
 *
 * Totals of reports and predictions are read from the database at start and follow every
 * commit; nodes are counted in memory, at most once a second however many ask. Nothing
 * here reads rows or waits for disk. Thread-safe. */
#ifndef MUSTER_SERVER_SERVICE_FLEET_H
#define MUSTER_SERVER_SERVICE_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/nodes_census.h"

struct changes;
struct fleet;
struct publication_role;
struct report;
struct service;

enum { FLEET_VERSIONS_MAX = 200 };

/* Nodes that are not revoked and whose newest report is of this artifact. */
struct fleet_version {
    char model[65];
    uint8_t artifact[32];
    char version[65], variant[65]; /* "": never published */
    int64_t seq;                   /* 0 then */
    int64_t nodes;
};

struct fleet_view {
    int64_t server_ms;
    struct nodes_census nodes;
    struct contact_limits contact;
    const struct fleet_version *versions; /* most nodes first; in the arena */
    size_t version_count;
    int64_t other_versions;       /* nodes that run what is beyond FLEET_VERSIONS_MAX */
    int64_t predictions, reports; /* in all */
    int64_t today;                /* predictions since midnight UTC, by device time */
    double predictions_per_s, reports_per_s; /* mean of the last minute */
    uint64_t duplicates, refused;            /* since the start */
    uint64_t database_bytes, wal_bytes;
    const struct publication_role *roles; /* in the arena */
    size_t role_count;
};

/* Reads the totals. Blocks. */
enum status fleet_open(struct changes *changes, struct fleet **ret_fleet,
                       struct err *err) MUST_USE;
void fleet_free(struct fleet *fleet);

/* A report was committed. */
void fleet_count(struct fleet *fleet, const struct report *report, int64_t received_ms);

/* How the fleet is now. ERR_NO_MEMORY. */
enum status fleet_read(const struct service *service, struct arena *arena,
                       struct fleet_view *ret_view, struct err *err) MUST_USE;

#endif
