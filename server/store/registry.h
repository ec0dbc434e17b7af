/* SPDX-License-Identifier: Apache-2.0 */
/* registry: the statements of the server's own row and of the audit log.
 *
 * The registry's other tables have a file each: registry_nodes.h, registry_tokens.h,
 * registry_models.h. Writing functions run on the writer inside its transaction; a
 * failure leaves the transaction to be rolled back. */
#ifndef MUSTER_SERVER_STORE_REGISTRY_H
#define MUSTER_SERVER_STORE_REGISTRY_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* One row of audit_log; `detail` is a JSON object, NULL for an empty one. */
struct audit_row {
    int64_t at_ms;
    const char *actor, *action, *subject, *detail;
};

/* Writes the one row of table server. ERR_EXISTS when it is there. */
enum status server_row_insert(struct db *db, const char *server_id, int64_t created_ms,
                              struct err *err) MUST_USE;

/* Reads the server id; ERR_NOT_FOUND before `musterd init`. */
enum status server_row_get(struct db *db, char ret_server_id[static 33],
                           struct err *err) MUST_USE;

/* Writes that row as it is: whether the disk takes a write. */
enum status server_row_touch(struct db *db, struct err *err) MUST_USE;

/* Adds a row to the audit log. */
enum status audit_row_insert(struct db *db, const struct audit_row *row,
                             struct err *err) MUST_USE;

#endif
