/* SPDX-License-Identifier: Apache-2.0 */
/* cells_add: the SQL function cells_add(old, more) of the server's connections: two
 * histograms with sums (cell_text.h), both ascending, added up. Counters stop at
 * DB_SUM_MAX. A text that is none is damage of the database. */
#ifndef MUSTER_SERVER_STORE_CELLS_ADD_H
#define MUSTER_SERVER_STORE_CELLS_ADD_H

#include "base/err.h"

struct db;

/* Makes the function known to a connection. */
enum status cells_add_register(struct db *db, struct err *err) MUST_USE;

#endif
