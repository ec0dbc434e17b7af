/* SPDX-License-Identifier: Apache-2.0 */
/* tally_rows: counts the rows of reports for tally. Internal to it.
 *
 * Most rows of a group fall into one or two minutes of one cohort, so they are counted in
 * plain arrays (a page is a minute of a cohort; an even and an odd one are open at a
 * time) and move to the tally's table of cells when their page makes room or the group is
 * written: one look-up in that table a counter and group instead of four a row. Writer
 * thread only. */
#ifndef MUSTER_SERVER_SERVICE_TALLY_ROWS_H
#define MUSTER_SERVER_SERVICE_TALLY_ROWS_H

#include <stdint.h>

#include "base/err.h"

struct report;
struct report_place;
struct tally;

/* As tally_add, but for the report's own counters in its hour. */
enum status tally_rows_add(struct tally *tally, const struct report_place *place,
                           const struct report *report, const int64_t *lag_ms,
                           int64_t *ret_implausible, struct err *err) MUST_USE;

/* Moves what the pages hold to the table. ERR_NO_MEMORY leaves some of it out: reset the
 * tally. */
enum status tally_rows_move(struct tally *tally, struct err *err) MUST_USE;

/* Empties the pages. */
void tally_rows_reset(struct tally *tally);

#endif
