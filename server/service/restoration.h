/* SPDX-License-Identifier: Apache-2.0 */
/* restoration: what makes a restored data directory ready to serve again.
 *
 * A restored server knows nothing of what happened after its backup. In one transaction
 * all sessions end (nodes log in again by themselves), ids of nodes skip those that may
 * have been given, and the audit log gets a row 'server.restore', from which the queries
 * of docs/queries.md find what is missing. Then a new timestamp is signed, as nodes trust
 * a later one than the backup's. */
#ifndef MUSTER_SERVER_SERVICE_RESTORATION_H
#define MUSTER_SERVER_SERVICE_RESTORATION_H

#include <stdbool.h>
#include <stdint.h>

#include "server/service/service.h"
#include "server/store/restored.h"

struct restoration_order {
    int64_t backup_ms; /* start of the backup */
    int64_t newest_id; /* the newest that it has */
    bool new_keys;     /* the old ones are lost: make others, and an admin token */
};

struct restoration {
    struct restored_counts counts;
    char timestamp_key[65];              /* new_keys: public half, hex */
    char admin_token[ADMIN_TOKEN_BYTES]; /* new_keys: "mat_…"; else "" */
};

/* Does it with the store of the directory, which must have its keys unless `new_keys`.
 * Opens the services for the check and the timestamp. Blocks. */
enum status restoration_apply(const struct service_options *options,
                              const struct restoration_order *order,
                              struct restoration *ret_restoration,
                              struct err *err) MUST_USE;

#endif
