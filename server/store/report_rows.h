/* SPDX-License-Identifier: Apache-2.0 */
/* report_rows: the rows of the report that is being stored, as a table that SQL reads.
 * Internal to server/store.
 *
 *   INSERT INTO prediction(node_id, …, class, …) SELECT ?1, …, class, … FROM report_row
 *
 * stores them all in one statement, without a bind a value (measured: 0.6 of the
 * processor time of eight rows a statement). `report_row` is an eponymous virtual table:
 * it is in no schema, only on the connections of this program, and empty but while
 * reports_insert has its rows in db->report_rows. The thread of the connection only. */
#ifndef MUSTER_SERVER_STORE_REPORT_ROWS_H
#define MUSTER_SERVER_STORE_REPORT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct report;

/* All borrowed, for the time of one statement. */
struct report_rows {
    const struct report *report;
    const int64_t *lag_ms; /* one item a row */
    size_t from;           /* the first row to be read */
};

/* Makes the table known to a connection. */
enum status report_rows_register(struct db *db, struct err *err) MUST_USE;

#endif
