/* SPDX-License-Identifier: Apache-2.0 */
/* cohorts: the ids of (artifact, model, arm, labels), in memory.
 *
 * A combination that was never seen is inserted in the running transaction and stays
 * provisional until the group is committed. Writer thread only. */
#ifndef MUSTER_SERVER_SERVICE_COHORTS_H
#define MUSTER_SERVER_SERVICE_COHORTS_H

#include <stdint.h>

#include "base/err.h"
#include "server/service/id_map.h"
#include "server/store/reports.h"

struct cohort_entry;
struct db;

struct cohorts {
    struct id_map by_hash;
    struct cohort_entry *provisional; /* inserted in the running transaction */
};

/* Loads all of them. ERR_NO_MEMORY or an error of the database; release either way. */
enum status cohorts_init(struct cohorts *cohorts, struct db *db,
                         struct err *err) MUST_USE;
void cohorts_release(struct cohorts *cohorts);

/* The id of a cohort, inserted if it is new. All bytes of `cohort` that are not text must
 * be zero. */
enum status cohorts_resolve(struct cohorts *cohorts, struct db *db,
                            const struct cohort *cohort, int64_t *ret_id,
                            struct err *err) MUST_USE;

/* Keeps, or forgets, what was inserted since the last call of either. */
void cohorts_commit(struct cohorts *cohorts);
void cohorts_roll_back(struct cohorts *cohorts);

#endif
