/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tally.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/histogram.h"
#include "format/report.h"
#include "server/service/tally_rows.h"

static const int64_t HOUR_MS = 3600000;
static const int64_t AHEAD_MAX_MS = 600000;
static const int64_t BEHIND_MAX_MS = INT64_C(31622400000);

enum {
    CELLS_AT_FIRST = 1024,
    CELLS_KEPT = 1 << 16, /* a larger table is freed after its transaction */
    HOURS_AT_FIRST = 64,
    HOURS_LOOKED_AT = 16,
    ID_TIME_SHIFT = 12,
};

struct tally_cell {
    int64_t bucket_ms;
    int64_t cohort_id;
    uint32_t slot;
    uint32_t rollup; /* enum rollup */
    int64_t n;       /* 0: the cell is free */
    int64_t sum;
};

int64_t tally_lag_ms(int64_t received_ms, int64_t at_ms)
{
    const int64_t limit_ms = INT64_C(1) << 53;
    int64_t lag_ms = 0;
    if (__builtin_sub_overflow(received_ms, at_ms, &lag_ms)) {
        lag_ms = at_ms < 0 ? limit_ms : -limit_ms;
    }
    return lag_ms > limit_ms ? limit_ms : lag_ms < -limit_ms ? -limit_ms : lag_ms;
}

bool tally_is_plausible(int64_t lag_ms)
{
    return lag_ms >= -AHEAD_MAX_MS && lag_ms <= BEHIND_MAX_MS;
}

static size_t hash_of(const struct tally_cell *key)
{
    uint64_t hash = (uint64_t)key->bucket_ms * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= ((uint64_t)key->cohort_id << 24) ^ ((uint64_t)key->rollup << 20) ^ key->slot;
    hash *= UINT64_C(0xC2B2AE3D27D4EB4F);
    return (size_t)(hash ^ hash >> 29);
}

static bool is_same(const struct tally_cell *a, const struct tally_cell *b)
{
    return a->bucket_ms == b->bucket_ms && a->cohort_id == b->cohort_id &&
           a->slot == b->slot && a->rollup == b->rollup;
}

/* The cell of the key, or the free one where it belongs. */
static struct tally_cell *cell_of(struct tally_cell *cells, size_t capacity,
                                  const struct tally_cell *key)
{
    size_t at = hash_of(key) & (capacity - 1);
    while (cells[at].n != 0 && !is_same(&cells[at], key)) {
        at = (at + 1) & (capacity - 1);
    }
    return &cells[at];
}

static enum status make_room(struct tally *tally, struct err *err)
{
    if (tally->count * 2 < tally->capacity) {
        return OK;
    }
    size_t capacity = tally->capacity ? tally->capacity * 2 : CELLS_AT_FIRST;
    struct tally_cell *cells = calloc(capacity, sizeof *cells);
    if (!cells) {
        return err_set(err, ERR_NO_MEMORY, "no memory for rollup counters");
    }
    for (size_t i = 0; i < tally->capacity; i++) {
        if (tally->cells[i].n != 0) {
            *cell_of(cells, capacity, &tally->cells[i]) = tally->cells[i];
        }
    }
    free(tally->cells);
    tally->cells = cells;
    tally->capacity = capacity;
    return OK;
}

static enum status count(struct tally *tally, const struct tally_cell *what,
                         struct err *err)
{
    enum status status = make_room(tally, err);
    if (status != OK) {
        return status;
    }
    struct tally_cell *cell = cell_of(tally->cells, tally->capacity, what);
    if (cell->n == 0) {
        *cell = *what;
        cell->n = 0;
        cell->sum = 0;
        tally->count++;
    }
    cell->n += what->n;
    cell->sum += what->sum;
    return OK;
}

enum status tally_count(struct tally *tally, enum rollup rollup,
                        const struct rollup_delta *delta, struct err *err)
{
    struct tally_cell cell = {
        .bucket_ms = delta->bucket_ms,
        .cohort_id = delta->cohort_id,
        .slot = (uint32_t)delta->slot,
        .rollup = (uint32_t)rollup,
        .n = delta->n,
        .sum = delta->sum,
    };
    return count(tally, &cell, err);
}

/* The entry of a node's hour: a recent one, or a new one (entries are added up when they
 * are written, so a second one of the same key does no harm). */
static enum status hour_of(struct tally *tally, const struct node_hour_delta *key,
                           struct node_hour_delta **ret_hour, struct err *err)
{
    for (size_t i = 0; i < tally->hour_count && i < HOURS_LOOKED_AT; i++) {
        struct node_hour_delta *hour = &tally->hours[tally->hour_count - 1 - i];
        if (hour->hour_ms == key->hour_ms && hour->node_id == key->node_id &&
            hour->cohort_id == key->cohort_id) {
            *ret_hour = hour;
            return OK;
        }
    }
    if (tally->hour_count == tally->hour_capacity) {
        size_t capacity =
            tally->hour_capacity ? tally->hour_capacity * 2 : HOURS_AT_FIRST;
        struct node_hour_delta *hours =
            realloc(tally->hours, capacity * sizeof *tally->hours);
        if (!hours) {
            return err_set(err, ERR_NO_MEMORY, "no memory for rollup counters");
        }
        tally->hours = hours;
        tally->hour_capacity = capacity;
    }
    struct node_hour_delta *hour = &tally->hours[tally->hour_count++];
    *hour = *key;
    *ret_hour = hour;
    return OK;
}

enum status tally_hour(struct tally *tally, const struct report_place *place,
                       int64_t time_ms, int64_t received_ms,
                       struct node_hour_delta **ret_hour, struct err *err)
{
    struct node_hour_delta key = {
        .hour_ms = histogram_time_bucket(time_ms, HOUR_MS),
        .node_id = place->node_id,
        .cohort_id = place->cohort_id,
        .first_received_ms = received_ms,
        .last_received_ms = received_ms,
    };
    struct node_hour_delta *hour = NULL;
    enum status status = hour_of(tally, &key, &hour, err);
    if (status != OK) {
        return status;
    }
    if (received_ms < hour->first_received_ms) {
        hour->first_received_ms = received_ms;
    }
    if (received_ms > hour->last_received_ms) {
        hour->last_received_ms = received_ms;
    }
    *ret_hour = hour;
    return OK;
}

enum status tally_add(struct tally *tally, const struct report_place *place,
                      const struct report *report, const int64_t *lag_ms,
                      int64_t *ret_implausible, struct err *err)
{
    struct node_hour_delta *hour = NULL;
    int64_t first_ms = place->first_id >> ID_TIME_SHIFT;
    enum status status = tally_hour(tally, place, first_ms, first_ms, &hour, err);
    if (status != OK) {
        return status;
    }
    hour->reports++;
    hour->dropped += report->dropped;
    if (report->summary) { /* the rows are samples of it */
        return tally_add_summary(tally, place, report->summary, place->summary_lag_ms,
                                 ret_implausible, err);
    }
    *ret_implausible = 0;
    return tally_rows_add(tally, place, report, lag_ms, ret_implausible, err);
}

/* By quarter-hour, cohort and bucket. */
static int compare_latencies(const void *left, const void *right)
{
    const struct rollup_delta *a = left;
    const struct rollup_delta *b = right;
    if (a->bucket_ms != b->bucket_ms) {
        return a->bucket_ms < b->bucket_ms ? -1 : 1;
    }
    if (a->cohort_id != b->cohort_id) {
        return a->cohort_id < b->cohort_id ? -1 : 1;
    }
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static struct rollup_delta delta_of(const struct tally_cell *cell)
{
    return (struct rollup_delta){
        .bucket_ms = cell->bucket_ms,
        .cohort_id = cell->cohort_id,
        .slot = cell->slot,
        .n = cell->n,
        .sum = cell->sum,
    };
}

/* One row a quarter-hour and cohort. */
static enum status write_latencies(struct tally *tally, struct db *db, struct err *err)
{
    struct rollup_delta *deltas = malloc((tally->count + 1) * sizeof *deltas);
    if (!deltas) {
        return err_set(err, ERR_NO_MEMORY, "no memory for rollup counters");
    }
    size_t count = 0;
    for (size_t i = 0; i < tally->capacity; i++) {
        const struct tally_cell *cell = &tally->cells[i];
        if (cell->n != 0 && cell->rollup == ROLLUP_LATENCY_QUARTER) {
            deltas[count++] = delta_of(cell);
        }
    }
    qsort(deltas, count, sizeof *deltas, compare_latencies);
    enum status status = OK;
    for (size_t from = 0, to = 0; status == OK && from < count; from = to) {
        while (to < count && deltas[to].bucket_ms == deltas[from].bucket_ms &&
               deltas[to].cohort_id == deltas[from].cohort_id) {
            to++;
        }
        status = rollup_add_latencies(db, &deltas[from], to - from, err);
    }
    free(deltas);
    return status;
}

enum status tally_write(struct tally *tally, struct db *db, struct err *err)
{
    enum status status = tally_rows_move(tally, err);
    for (size_t i = 0; status == OK && i < tally->capacity; i++) {
        const struct tally_cell *cell = &tally->cells[i];
        struct rollup_delta delta = delta_of(cell);
        if (cell->n != 0 && cell->rollup != ROLLUP_LATENCY_QUARTER) {
            status = rollup_add(db, (enum rollup)cell->rollup, &delta, err);
        }
    }
    if (status == OK) {
        status = write_latencies(tally, db, err);
    }
    for (size_t i = 0; status == OK && i < tally->hour_count; i++) {
        status = node_hour_add(db, &tally->hours[i], err);
    }
    return status;
}

void tally_reset(struct tally *tally)
{
    if (tally->capacity > CELLS_KEPT) {
        tally_release(tally);
    }
    tally_rows_reset(tally);
    if (tally->capacity > 0) {
        memset(tally->cells, 0, tally->capacity * sizeof *tally->cells);
    }
    tally->count = 0;
    tally->hour_count = 0;
}

void tally_release(struct tally *tally)
{
    free(tally->cells);
    free(tally->hours);
    free(tally->rows);
    *tally = (struct tally){0};
}
