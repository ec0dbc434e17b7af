/* SPDX-License-Identifier: Apache-2.0 */
/* tally: the rollup counters of one transaction, added up in memory and written once.
 *
 * A plausible row (docs/PROTOCOL.md, Clocks) counts at its corrected device time, any
 * other at its receipt. Writer thread only. */
#ifndef MUSTER_SERVER_SERVICE_TALLY_H
#define MUSTER_SERVER_SERVICE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "server/store/reports.h"
#include "server/store/rollups.h"

struct db;
struct report;
struct summary;
struct tally_cell;
struct tally_rows;

struct tally {
    struct tally_cell *cells; /* open addressing, `capacity` is a power of two or 0 */
    size_t count, capacity;
    struct node_hour_delta *hours; /* added in order; a key may occur twice */
    size_t hour_count, hour_capacity;
    struct tally_rows *rows; /* what rows counted before it is in `cells`; or NULL */
};

/* The time of receipt less that of the device, cut at 2^53, so that it can be taken off
 * the first again. */
int64_t tally_lag_ms(int64_t received_ms, int64_t at_ms);

/* Whether a row counts at its own time: -10 minutes … 366 days. */
bool tally_is_plausible(int64_t lag_ms);

/* Counts a report whose rows have ids from place->first_id; `lag_ms` has one item a row.
 * A summary is counted instead of the rows beside it. *ret_implausible is the number of
 * rows with an implausible time. ERR_NO_MEMORY leaves it half counted: reset it. */
enum status tally_add(struct tally *tally, const struct report_place *place,
                      const struct report *report, const int64_t *lag_ms,
                      int64_t *ret_implausible, struct err *err) MUST_USE;

/* Counts a summary, all of it at its start or at receipt. */
enum status tally_add_summary(struct tally *tally, const struct report_place *place,
                              const struct summary *summary, int64_t lag_ms,
                              int64_t *ret_implausible, struct err *err) MUST_USE;

/* Adds to one cell; n is not 0. */
enum status tally_count(struct tally *tally, enum rollup rollup,
                        const struct rollup_delta *delta, struct err *err) MUST_USE;

/* The entry of a node's hour, to be added to; it lives until the next call. */
enum status tally_hour(struct tally *tally, const struct report_place *place,
                       int64_t time_ms, int64_t received_ms,
                       struct node_hour_delta **ret_hour, struct err *err) MUST_USE;

/* Adds everything to the rollup tables. */
enum status tally_write(struct tally *tally, struct db *db, struct err *err) MUST_USE;

/* Empties it; keeps a little memory. */
void tally_reset(struct tally *tally);
void tally_release(struct tally *tally);

#endif
