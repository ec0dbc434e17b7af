/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/checker.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/service/ticker.h"
#include "server/store/check.h"
#include "server/store/store.h"

enum { SLICE_US = 20000, REST_MS = 200 };

static const int64_t HOUR_MS = (int64_t)3600 * 1000;

struct checker {
    struct store *store;
    int64_t every_ms;
    struct ticker *ticker;
    struct check *check; /* the pass that goes on; NULL between two */
    int64_t began_ms;    /* monotonic */
    int64_t due_ms;      /* monotonic: when the next one begins */
    bool done;
};

static enum status step(void *context, struct db *db, struct err *err)
{
    struct checker *checker = context;
    return check_step(checker->check, db, SLICE_US, &checker->done, err);
}

static void end_pass(struct checker *checker)
{
    struct store_counters counters;
    store_counters_read(checker->store, &counters);
    log_event(counters.damaged ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "database_checked",
              log_text("result", counters.damaged ? "damaged" : "ok"),
              log_int("rows", check_rows(checker->check)),
              log_int("ms", clock_mono_ms() - checker->began_ms));
    check_free(checker->check);
    checker->check = NULL;
    checker->due_ms = clock_mono_ms() + checker->every_ms;
}

static void tick(void *context)
{
    struct checker *checker = context;
    if (!checker->check && clock_mono_ms() >= checker->due_ms) {
        checker->check = check_new();
        checker->began_ms = clock_mono_ms();
    }
    if (!checker->check) {
        return;
    }
    struct err err = {0};
    enum status status = store_call(checker->store, JOB_READER, step, checker, &err);
    if ((status == OK && checker->done) || status == ERR_DB_CORRUPT) {
        end_pass(checker);
    }
}

enum status checker_start(struct store *store, int64_t hours,
                          struct checker **ret_checker, struct err *err)
{
    struct checker *checker = calloc(1, sizeof *checker);
    if (!checker) {
        return err_set(err, ERR_NO_MEMORY, "no memory to check the database");
    }
    checker->store = store;
    checker->every_ms = hours * HOUR_MS;
    enum status status =
        hours > 0 ? ticker_start(REST_MS, tick, checker, &checker->ticker, err) : OK;
    if (status != OK) {
        free(checker);
        return status;
    }
    *ret_checker = checker;
    return OK;
}

void checker_stop(struct checker *checker)
{
    if (checker) {
        ticker_stop(checker->ticker);
        check_free(checker->check);
        free(checker);
    }
}
