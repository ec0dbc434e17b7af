/* SPDX-License-Identifier: Apache-2.0 */
/* retention: the statements that delete what is too old, a bounded piece at a time, and
 * table retention, which says from when on each kind of data is complete.
 *
 * Rows go by reports, oldest first: a report, its predictions and its summary are there
 * together or not at all. Rollups never change when the rows that they count go.
 * Everything but the reading functions runs on the writer, in the caller's transaction.
 */
#ifndef MUSTER_SERVER_STORE_RETENTION_H
#define MUSTER_SERVER_STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

enum retention_kind {
    RETENTION_ROWS,    /* prediction, report, summary */
    RETENTION_SAMPLES, /* sample */
    RETENTION_MINUTES, /* class_minute */
    RETENTION_ROLLUPS, /* the other rollups */
    RETENTION_KINDS
};

/* What one call deleted. */
struct retention_cut {
    int64_t deleted;          /* rows of tables */
    int64_t complete_from_ms; /* what begins here or later is untouched; 0: no cut */
    bool more;                /* there may be more to delete */
};

/* "rows", "samples", "minutes", "rollups": as in table retention. */
const char *retention_kind_name(enum retention_kind kind);

/* Deletes the oldest of what was received (rows, samples) or begins (minutes, rollups)
 * before a time: at most `most` reports, samples, or buckets of each table. */
enum status retention_delete(struct db *db, enum retention_kind kind, int64_t before_ms,
                             int64_t most, struct retention_cut *ret_cut,
                             struct err *err) MUST_USE;

/* Notes a cut in table retention; the time there never goes back. */
enum status retention_note(struct db *db, enum retention_kind kind,
                           const struct retention_cut *cut, int64_t now_ms,
                           struct err *err) MUST_USE;

/* From when on a kind is complete, 0 when nothing was ever deleted. Any connection. */
enum status retention_complete_from(struct db *db, enum retention_kind kind,
                                    int64_t *ret_ms, struct err *err) MUST_USE;

/* Bytes of the database's pages that are in use. Any connection. */
enum status retention_used_bytes(struct db *db, uint64_t *ret_bytes,
                                 struct err *err) MUST_USE;

#endif
