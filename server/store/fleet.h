/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: the totals that are kept in memory while the server runs, as the database has
 * them at its start.
 *
 * Runs on a reader. */
#ifndef MUSTER_SERVER_STORE_FLEET_H
#define MUSTER_SERVER_STORE_FLEET_H

#include <stdint.h>

#include "base/err.h"

struct db;

struct fleet_totals {
    int64_t reports, predictions; /* of all stored reports */
};

/* What all nodes reported so far. */
enum status fleet_totals_read(struct db *db, struct fleet_totals *ret_totals,
                              struct err *err) MUST_USE;

/* Predictions that the rollups count in [from, to), both starts of a quarter-hour. */
enum status fleet_counted(struct db *db, int64_t from_ms, int64_t to_ms,
                          int64_t *ret_count, struct err *err) MUST_USE;

#endif
