/* SPDX-License-Identifier: Apache-2.0 */
/* wal: pre-sizing and checkpoints of the write-ahead log. Internal to server/store.
 *
 * While the file of the WAL grows, each commit pays for the file system's own journal
 * (measured: 1.1 to 4.7 times slower), so it is grown once and never truncated.
 *
 * When a sync fails, Linux marks the pages clean that it could not write: the next sync
 * tells success although they never reached the disk. What that means here:
 *
 * A commit's sync of the WAL: harmless. SQLite did not move the WAL's end, so the next
 * commit writes every frame anew from the same place before it syncs. All frames before
 * that place had a sync of their own that worked.
 *
 * The sync of the database after a whole checkpoint: harmless. Nothing was noted as
 * copied, so the next checkpoint copies all of it again. Until then readers take those
 * pages from the WAL.
 *
 * The sync of the database after a checkpoint that a reader or a commit cut short: what
 * was copied is noted, will not be copied again and is read from the file. Nothing in
 * this process can mend that: `lost` is set, no transaction begins any more, no
 * checkpoint is made, also not when the connection closes, and the program ends.
 * Everything acknowledged is in the WAL, and the next start, as after a crash, copies the
 * WAL from its beginning (wal_forget_index sees to that where another program keeps the
 * old index alive).
 *
 * tests/e2e/test_sync.sh and test_sync_retention.sh play all three against a disk that
 * forgets. */
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

/* Gives the file of the WAL back if it has grown to twice the limit and nobody uses it.
 * It is not laid out again: that changes the schema, which ends a snapshot that is being
 * taken. */
enum status wal_shrink(struct db *db, const char *path, uint64_t limit_bytes,
                       struct err *err) MUST_USE;

/* After the database was lost and its connections are closed: makes the next start forget
 * how much of the WAL was copied, also where a program outside keeps the index in use. */
void wal_forget_index(const char *path);

#endif
