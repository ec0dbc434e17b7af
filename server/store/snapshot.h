/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: a consistent copy of the database in one file, for analysts.
 *
 * It may run in another process while the server runs. The copy is not in WAL mode and
 * needs no other file. copy.h tells how it is made and how long the log file is pinned.
 */
#ifndef MUSTER_SERVER_STORE_SNAPSHOT_H
#define MUSTER_SERVER_STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct snapshot_options {
    const char *folder; /* the data directory */
    const char *target; /* the new file; it appears only when it is complete */
    int64_t since_ms;   /* leave out predictions, samples and reports received before */
    bool no_rows;       /* leave out all of them: rollups and registry only */
    /* Called now and then with the rows copied so far; optional. */
    void (*progress)(void *context, int64_t rows);
    void *context;
};

/* Blocks for as long as the copy takes, and needs room for the copy alone.
 * ERR_EXISTS, ERR_NOT_FOUND, ERR_DISK_FULL. */
enum status store_snapshot(const struct snapshot_options *options,
                           struct err *err) MUST_USE;

#endif
