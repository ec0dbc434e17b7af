/* SPDX-License-Identifier: Apache-2.0 */
/* table: uthash, and what happens when one of its tables gets no memory.
 *
 * A table that could not grow is unusable, and the services keep their whole state in
 * such tables: the server ends with a line and status 1, and the next start reads the
 * state from the database. Nothing that was acknowledged depends on it. */
#ifndef MUSTER_SERVER_SERVICE_TABLE_H
#define MUSTER_SERVER_SERVICE_TABLE_H

/* What ends the program, which must not return. Before any table is made. */
void table_on_fatal(void (*end)(void));

/* Logs "out_of_memory" and ends the program. */
_Noreturn void table_fatal(const char *detail);

#define uthash_fatal(detail) table_fatal(detail)
#include <uthash.h>

#endif
