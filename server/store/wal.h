/* SPDX-License-Identifier: Apache-2.0 */
/* wal: pre-sizing and checkpoints of the write-ahead log. Internal to server/store.
 *
 * While the file of the WAL grows, each commit pays for the file system's own journal
 * (measured: 1.1 to 4.7 times slower), so it is grown once and never truncated. */
#ifndef MUSTER_SERVER_STORE_WAL_H
#define MUSTER_SERVER_STORE_WAL_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* Grows the WAL of the database at `path` to about `bytes` unless it is that large. */
enum status wal_presize(struct db *db, const char *path, uint64_t bytes,
                        struct err *err) MUST_USE;

/* Copies what it can into the database without waiting for anybody. *ret_copied: so many
 * frames of the WAL are there now. Any connection that may write. */
enum status wal_checkpoint(struct db *db, int *ret_copied, struct err *err) MUST_USE;

/* Copies everything and makes the next commit start at the file's beginning.
 * ERR_UNAVAILABLE when somebody else reads or writes for longer than `wait_ms`. */
enum status wal_restart(struct db *db, int wait_ms, struct err *err) MUST_USE;

/* Gives the file of the WAL back if it has grown to twice the limit and nobody uses it. It
 * is not laid out again: that changes the schema, which ends a snapshot that is being
 * taken. */
enum status wal_shrink(struct db *db, const char *path, uint64_t limit_bytes,
                       struct err *err) MUST_USE;

#endif
