/* SPDX-License-Identifier: Apache-2.0 */
/* summaries: the statement that stores what a node counted itself. It runs on the writer,
 * in the transaction of the report that brought it. */
#ifndef MUSTER_SERVER_STORE_SUMMARIES_H
#define MUSTER_SERVER_STORE_SUMMARIES_H

#include <stdint.h>

#include "base/err.h"

struct db;
struct report;
struct report_place;

/* Inserts the summary of a report that has one; `lag_ms` is the time of receipt less the
 * start of its interval. */
enum status summary_insert(struct db *db, const struct report_place *place,
                           const struct report *report, int64_t lag_ms,
                           struct err *err) MUST_USE;

#endif
