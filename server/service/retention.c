/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/retention.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/service/id_clock.h"
#include "server/store/retention.h"
#include "server/store/store.h"

static_assert((int)RETENTION_COUNTERS == (int)RETENTION_KINDS, "one figure a kind");

enum {
    LOOK_EVERY_MS = 1000, /* at the size, and whether it is time to look at ages */
    AGE_EVERY_MS = 10000, /* so that a quiet server writes seldom */
    AMOUNT_FIRST = 4,     /* of a piece; see adapt */
    AMOUNT_MAX = 4096,
    PIECES_A_STEP = 8, /* that a step is to have, so that it can end in time */
};

/* A step does the kinds by age and, by size, this. */
enum { TASK_EXCESS = RETENTION_KINDS, TASKS };

static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t HOUR_MS = INT64_C(3600000);

/* One kind of data. */
struct kept {
    int64_t days;             /* 0: for ever */
    int64_t amount;           /* of the next piece: reports, samples, buckets a table */
    struct retention_cut cut; /* of the running step */
    _Atomic uint64_t deleted;
    _Atomic int64_t complete_from_ms;
};

struct retention {
    struct kept kinds[RETENTION_KINDS];
    uint64_t row_bytes; /* 0: no limit */
    struct id_clock clock;
    bool failing;        /* the last step did */
    bool cannot_shrink;  /* over row_bytes without a row left to delete */
    int first_task;      /* of the next step */
    int64_t age_mono_ms; /* when to look at ages again */
    int64_t step_end_us; /* of the running step */
    int64_t step_us;
    _Atomic uint64_t steps, failures, step_us_total, step_us_max, used_bytes;
};

struct retention_options retention_options_default(void)
{
    return (struct retention_options){
        .row_days = 30, .sample_days = 365, .minute_days = 14};
}

/* Pieces that are small beside the step keep it short on a slow disk, too. */
static void adapt(struct kept *kept, int64_t took_us, int64_t step_us)
{
    int64_t aim_us = step_us / PIECES_A_STEP;
    if (took_us > 2 * aim_us && kept->amount > 1) {
        kept->amount /= 2;
    } else if (took_us < aim_us / 2 && kept->amount < AMOUNT_MAX) {
        kept->amount *= 2;
    }
}

static enum status delete_piece(struct retention *retention, struct db *db,
                                enum retention_kind kind, int64_t before_ms,
                                struct err *err)
{
    struct kept *kept = &retention->kinds[kind];
    struct retention_cut piece = {0};
    int64_t began_us = clock_mono_us();
    enum status status = retention_delete(db, kind, before_ms, kept->amount, &piece, err);
    if (status != OK) {
        return status;
    }
    kept->cut.deleted += piece.deleted;
    kept->cut.more = piece.more;
    if (piece.complete_from_ms > kept->cut.complete_from_ms) {
        kept->cut.complete_from_ms = piece.complete_from_ms;
    }
    adapt(kept, clock_mono_us() - began_us, retention->step_us);
    return OK;
}

static bool has_time(const struct retention *retention)
{
    return clock_mono_us() < retention->step_end_us;
}

static enum status delete_old(struct retention *retention, struct db *db,
                              enum retention_kind kind, int64_t now_ms, struct err *err)
{
    struct kept *kept = &retention->kinds[kind];
    int64_t before_ms = now_ms - kept->days * DAY_MS;
    if (kept->days == 0 || before_ms <= 0) {
        return OK;
    }
    if (kind == RETENTION_MINUTES || kind == RETENTION_ROLLUPS) {
        before_ms -= before_ms % HOUR_MS; /* whole buckets of every rollup */
    }
    enum status status = delete_piece(retention, db, kind, before_ms, err);
    while (status == OK && kept->cut.more && has_time(retention)) {
        status = delete_piece(retention, db, kind, before_ms, err);
    }
    return status;
}

static void tell_cannot_shrink(struct retention *retention, uint64_t used_bytes,
                               bool cannot)
{
    if (cannot && !retention->cannot_shrink) {
        log_event(LOG_LEVEL_WARNING, "retention_cannot_shrink",
                  log_int("used_bytes", (int64_t)used_bytes),
                  log_int("row_bytes", (int64_t)retention->row_bytes));
    }
    retention->cannot_shrink = cannot;
}

/* The oldest reports, whatever their age, until the database is small enough. */
static enum status delete_excess(struct retention *retention, struct db *db,
                                 int64_t now_ms, struct err *err)
{
    struct kept *kept = &retention->kinds[RETENTION_ROWS];
    uint64_t used_bytes = 0;
    enum status status = retention_used_bytes(db, &used_bytes, err);
    atomic_store(&retention->used_bytes, used_bytes);
    bool over = retention->row_bytes > 0 && used_bytes > retention->row_bytes;
    bool found = true;
    while (status == OK && over && found && has_time(retention)) {
        int64_t before = kept->cut.deleted;
        status = delete_piece(retention, db, RETENTION_ROWS, now_ms + DAY_MS, err);
        found = kept->cut.deleted > before;
        if (status == OK) {
            status = retention_used_bytes(db, &used_bytes, err);
        }
        over = used_bytes > retention->row_bytes;
    }
    kept->cut.more = kept->cut.more || (over && found);
    tell_cannot_shrink(retention, used_bytes, over && !found);
    return status;
}

static enum status note_cut(const struct retention *retention, struct db *db,
                            enum retention_kind kind, int64_t now_ms, struct err *err)
{
    const struct retention_cut *cut = &retention->kinds[kind].cut;
    return cut->deleted > 0 ? retention_note(db, kind, cut, now_ms, err) : OK;
}

/* Each task is the first in turn, so that none starves. */
static enum status do_tasks(struct retention *retention, struct db *db, int64_t now_ms,
                            int *ret_done, struct err *err)
{
    bool by_age = clock_mono_ms() >= retention->age_mono_ms;
    enum status status = OK;
    int done = 0;
    for (; status == OK && done < TASKS && has_time(retention); done++) {
        int task = (retention->first_task + done) % TASKS;
        if (task == TASK_EXCESS) {
            status = delete_excess(retention, db, now_ms, err);
        } else if (by_age) {
            status = delete_old(retention, db, (enum retention_kind)task, now_ms, err);
        }
    }
    retention->first_task = (retention->first_task + 1) % TASKS;
    *ret_done = done;
    return status;
}

/* store_chore.step */
static enum status step(void *context, struct db *db, int64_t until_us,
                        int64_t *ret_again_ms, struct err *err)
{
    struct retention *retention = context;
    int64_t now_ms = id_clock_now(&retention->clock);
    retention->step_us = until_us - clock_mono_us();
    retention->step_end_us = until_us;
    for (int kind = 0; kind < RETENTION_KINDS; kind++) {
        retention->kinds[kind].cut = (struct retention_cut){0};
    }
    int done = 0;
    enum status status = do_tasks(retention, db, now_ms, &done, err);
    bool more = done < TASKS;
    for (int kind = 0; status == OK && kind < RETENTION_KINDS; kind++) {
        more = more || retention->kinds[kind].cut.more;
        status = note_cut(retention, db, (enum retention_kind)kind, now_ms, err);
    }
    if (status == OK && !more && clock_mono_ms() >= retention->age_mono_ms) {
        retention->age_mono_ms = clock_mono_ms() + AGE_EVERY_MS;
    }
    *ret_again_ms = more ? 0 : LOOK_EVERY_MS;
    return status;
}

static void note_time(struct retention *retention, int64_t took_us)
{
    uint64_t us = (uint64_t)took_us;
    (void)atomic_fetch_add(&retention->steps, 1);
    (void)atomic_fetch_add(&retention->step_us_total, us);
    if (us > atomic_load(&retention->step_us_max)) {
        atomic_store(&retention->step_us_max, us);
    }
}

/* store_chore.ended */
static void ended(void *context, enum status status, int64_t took_us,
                  const struct err *err)
{
    struct retention *retention = context;
    if (status != OK) {
        (void)atomic_fetch_add(&retention->failures, 1);
        if (!retention->failing) {
            log_event(LOG_LEVEL_WARNING, "retention_failed",
                      log_text("code", status_name(status)),
                      log_text("detail", err->detail));
        }
        retention->failing = true;
        return;
    }
    retention->failing = false;
    bool deleted = false;
    for (int kind = 0; kind < RETENTION_KINDS; kind++) {
        struct kept *kept = &retention->kinds[kind];
        deleted = deleted || kept->cut.deleted > 0;
        (void)atomic_fetch_add(&kept->deleted, (uint64_t)kept->cut.deleted);
        if (kept->cut.complete_from_ms > atomic_load(&kept->complete_from_ms)) {
            atomic_store(&kept->complete_from_ms, kept->cut.complete_from_ms);
        }
    }
    if (deleted) {
        note_time(retention, took_us);
    }
}

static enum status load(void *context, struct db *db, struct err *err)
{
    struct retention *retention = context;
    enum status status = OK;
    for (int kind = 0; status == OK && kind < RETENTION_KINDS; kind++) {
        int64_t from_ms = 0;
        status = retention_complete_from(db, (enum retention_kind)kind, &from_ms, err);
        atomic_store(&retention->kinds[kind].complete_from_ms, from_ms);
    }
    return status;
}

enum status retention_open(struct store *store, const struct retention_options *options,
                           struct retention **ret_retention, struct err *err)
{
    struct retention *retention = calloc(1, sizeof *retention);
    if (!retention) {
        return err_set(err, ERR_NO_MEMORY, "no memory for retention");
    }
    const int64_t days[RETENTION_KINDS] = {
        [RETENTION_ROWS] = options->row_days,
        [RETENTION_SAMPLES] = options->sample_days,
        [RETENTION_MINUTES] = options->minute_days,
        [RETENTION_ROLLUPS] = options->rollup_days,
    };
    for (int kind = 0; kind < RETENTION_KINDS; kind++) {
        retention->kinds[kind].days = days[kind];
        retention->kinds[kind].amount = AMOUNT_FIRST;
    }
    retention->row_bytes = (uint64_t)options->row_bytes;
    id_clock_init(&retention->clock);
    enum status status = store_call(store, JOB_READER, load, retention, err);
    if (status != OK) {
        free(retention);
        return status;
    }
    struct store_chore chore = {.context = retention, .step = step, .ended = ended};
    store_set_chore(store, &chore);
    *ret_retention = retention;
    return OK;
}

void retention_close(struct retention *retention)
{
    free(retention);
}

void retention_counters_read(const struct retention *retention,
                             struct retention_counters *ret_counters)
{
    *ret_counters = (struct retention_counters){
        .steps = atomic_load(&retention->steps),
        .failures = atomic_load(&retention->failures),
        .step_us_total = atomic_load(&retention->step_us_total),
        .step_us_max = atomic_load(&retention->step_us_max),
        .used_bytes = atomic_load(&retention->used_bytes),
    };
    for (int kind = 0; kind < RETENTION_KINDS; kind++) {
        const struct kept *kept = &retention->kinds[kind];
        ret_counters->kinds[kind].kind = retention_kind_name((enum retention_kind)kind);
        ret_counters->kinds[kind].deleted = atomic_load(&kept->deleted);
        ret_counters->kinds[kind].complete_from_ms = atomic_load(&kept->complete_from_ms);
    }
}
