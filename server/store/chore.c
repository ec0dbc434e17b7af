/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/chore.h"

#include "base/clock.h"
#include "server/store/db.h"
#include "server/store/transaction.h"

/* A step of t is followed by a rest of this many t. */
enum { REST_BUSY = 9, REST_IDLE = 1 };

bool chore_is_due(const struct chore *chore, int64_t now_us, bool wanted)
{
    return chore->work.step && now_us >= chore->due_us + (wanted ? CHORE_PATIENCE_US : 0);
}

static enum status run_step(struct chore *chore, struct db *db, int64_t *ret_again_ms,
                            struct err *err)
{
    enum status status = transaction_begin(db, err);
    if (status == OK) {
        status = chore->work.step(chore->work.context, db,
                                  clock_mono_us() + CHORE_STEP_US, ret_again_ms, err);
    }
    if (status == OK) {
        status = transaction_commit(db, err);
    }
    if (status != OK) {
        transaction_rollback(db);
    }
    return status;
}

void chore_run(struct chore *chore, struct db *db, bool busy)
{
    struct err err = {0};
    int64_t again_ms = 0;
    int64_t began_us = clock_mono_us();
    enum status status = run_step(chore, db, &again_ms, &err);
    int64_t ended_us = clock_mono_us();
    int64_t took_us = ended_us - began_us;
    chore->work.ended(chore->work.context, status, took_us, &err);
    int64_t rest_us = took_us * (busy ? REST_BUSY : REST_IDLE);
    int64_t again_us = (status == OK ? again_ms : CHORE_FAILED_MS) * 1000;
    chore->due_us = ended_us + (rest_us > again_us ? rest_us : again_us);
}
