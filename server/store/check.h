/* SPDX-License-Identifier: Apache-2.0 */
/* check: looks for damage in a database that is served, a little at a time.
 *
 * A whole PRAGMA quick_check is one read transaction, which pins the log file for as long
 * as it reads, and which nothing cuts off. So each table is read in order of its key, a
 * slice a step; one that fits into a single step gets its quick_check as well. This finds
 * pages that are not what they should be and rows that cannot be decoded or are out of
 * order. A value that was changed is found by nobody, as SQLite has no checksums, and the
 * indexes of large tables are not read. A step runs within a read job, on any thread, one
 * at a time. */
#ifndef MUSTER_SERVER_STORE_CHECK_H
#define MUSTER_SERVER_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct check;
struct db;

/* A pass over all tables, from the first one on. NULL without memory. */
struct check *check_new(void);
void check_free(struct check *check);

/* Goes on for about `budget_us`; *ret_done when the pass is complete. Damage is told to
 * the store (store_counters.damaged, log event database_damaged), and the pass goes on
 * with the next table. Errors that are not damage leave the step to be tried again. */
enum status check_step(struct check *check, struct db *db, int64_t budget_us,
                       bool *ret_done, struct err *err) MUST_USE;

/* Rows that were read so far. */
int64_t check_rows(const struct check *check);

#endif
