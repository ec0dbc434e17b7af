/* SPDX-License-Identifier: Apache-2.0 */
/* restored: the statements by which a restored database starts a new life.
 *
 * What the lost server did after the backup is unknown: sessions that it opened, nodes
 * that it let in. So every node's epoch rises (no session of before is good) and the ids
 * of nodes go on beyond a gap (no id of a node is given twice). On the writer. */
#ifndef MUSTER_SERVER_STORE_RESTORED_H
#define MUSTER_SERVER_STORE_RESTORED_H

#include <stdint.h>

#include "base/err.h"

struct db;

enum { RESTORED_NODE_GAP = 100000 }; /* ids of nodes that are skipped */

/* What is in force in the restored database, and may have been taken back since. */
struct restored_counts {
    int64_t nodes;             /* not revoked */
    int64_t api_tokens;        /* not revoked or expired at `now_ms` */
    int64_t enrollment_tokens; /* the same, and not used up */
};

enum status restored_begin(struct db *db, int64_t now_ms,
                           struct restored_counts *ret_counts, struct err *err) MUST_USE;

#endif
