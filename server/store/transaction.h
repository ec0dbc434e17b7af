/* SPDX-License-Identifier: Apache-2.0 */
/* transaction: begin, commit and roll back, and one savepoint within. Internal to
 * server/store.
 *
 * SQLite itself rolls a whole transaction back on some errors (a full disk, I/O errors,
 * no memory); transaction_is_open tells whether one still stands. */
#ifndef MUSTER_SERVER_STORE_TRANSACTION_H
#define MUSTER_SERVER_STORE_TRANSACTION_H

#include <stdbool.h>

#include "base/err.h"

struct db;

/* Writers take the write lock at once; readers begin a read transaction. */
enum status transaction_begin(struct db *db, struct err *err) MUST_USE;

/* Durable when it returns OK; on failure the transaction may still be open. */
enum status transaction_commit(struct db *db, struct err *err) MUST_USE;

/* Ends what is open; nothing to do is fine. */
void transaction_rollback(struct db *db);

bool transaction_is_open(struct db *db);

/* A savepoint within the transaction: release keeps, rollback undoes what came after it.
 */
enum status savepoint_begin(struct db *db, struct err *err) MUST_USE;
enum status savepoint_release(struct db *db, struct err *err) MUST_USE;
enum status savepoint_rollback(struct db *db, struct err *err) MUST_USE;

#endif
