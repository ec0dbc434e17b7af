/* SPDX-License-Identifier: Apache-2.0 */
/* copy: a consistent copy of a database, table by table, while its server goes on.
 *
 * A read transaction pins the log file of the source: it cannot be emptied and grows by
 * all that is written meanwhile. So rows that never change once they are there
 * (COPIED_AHEAD in copy.c) are copied first, in slices of about 20 ms with a transaction
 * and a rest each. One last transaction then copies every other table, whatever its name,
 * and the rows that came meanwhile; rows that the source deleted meanwhile go from the
 * copy too. The copy is the state of the source at that last transaction, so it has all
 * that was acknowledged before the start. No space is needed beyond the copy's own.
 *
 * The copy is one file, not in WAL mode and not synced. The source is only read. */
#ifndef MUSTER_SERVER_STORE_COPY_H
#define MUSTER_SERVER_STORE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct copy_options {
    const char *source;
    const char *target; /* must not exist */
    int64_t since_ms;   /* leaves out what was received before; 0: nothing */
    bool no_rows;       /* leaves out all predictions, reports, samples and summaries */
    /* Called now and then with the rows copied so far; optional. */
    void (*progress)(void *context, int64_t rows);
    void *context;
};

struct copy_result {
    int64_t rows;      /* copied */
    int64_t pinned_us; /* how long the last transaction took */
};

/* Makes the copy; a half one is left behind on failure. ERR_DB_CORRUPT, ERR_DISK_FULL,
 * ERR_UNAVAILABLE when the schema changes meanwhile. Blocks. */
enum status copy_make(const struct copy_options *options, struct copy_result *ret_result,
                      struct err *err) MUST_USE;

#endif
