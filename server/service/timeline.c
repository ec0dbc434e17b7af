/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/timeline.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/hex.h"
#include "server/store/retention.h"
#include "server/store/store.h"

static const int64_t MINUTE_MS = 60000;
static const int64_t READ_DEADLINE_MS = 2000;
/* A day at a glance, and what is around it: more would be too many rows of minutes. */
static const int64_t MINUTES_SPAN_MS = INT64_C(26) * 3600000;

/* In minutes; every one from 15 on is whole in quarter-hours, every one from 60 on in
 * hours. After the last one each is twice as long. */
static const int64_t STEPS[] = {1,   2,   5,   10,  15,   30,   60,
                                120, 180, 360, 720, 1440, 2880, 10080};

enum { STEP_COUNT = sizeof STEPS / sizeof STEPS[0], QUARTER_MIN = 15, HOUR_MIN = 60 };

static const int PERCENTS[TIMELINE_PERCENTILES] = {50, 90, 99, 100};

/* A cohort that is counted, and whether it was met. */
struct chosen {
    int64_t cohort_id;
    uint8_t artifact[32];
    bool met;
};

/* What the rows of one answer are added to. */
struct maker {
    const struct timeline_query *query;
    struct arena *arena;
    struct timeline *timeline;
    struct chosen *cohorts; /* by id */
    size_t cohort_count, cohort_room;
    struct chosen *newest;     /* of the row before */
    int64_t bucket_ms, bucket; /* volume: the bucket that is being added up */
    int64_t *seen;             /* volume: buckets of each step that had any */
    size_t step;               /* latency: the step whose histogram this is */
    int64_t *histogram;
};

static enum status no_room(struct err *err)
{
    return err_set(err, ERR_LIMIT, "the answer would be too large: ask for less");
}

static int64_t round_up(int64_t at_ms, int64_t width_ms)
{
    return histogram_time_bucket(at_ms + width_ms - 1, width_ms);
}

/* The shortest step of whole buckets that needs no more than `width` items. */
static int64_t step_of(const struct timeline_query *asked, int64_t bucket_min)
{
    const struct analytics_query *query = &asked->query;
    int64_t step_min = 0;
    for (int i = 0;; i++) {
        step_min = i < STEP_COUNT ? STEPS[i] : step_min * 2;
        int64_t step_ms = step_min * MINUTE_MS;
        int64_t span_ms = round_up(query->to_ms, step_ms) -
                          histogram_time_bucket(query->from_ms, step_ms);
        if (step_min >= bucket_min && span_ms / step_ms <= asked->width) {
            return step_ms;
        }
    }
}

/* Minutes serve short spans while they are kept; what else they would be silent about,
 * quarter-hours may still tell. */
static enum status choose_bucket(struct db *db, const struct timeline_query *asked,
                                 struct timeline *timeline, struct err *err)
{
    int64_t minutes_from_ms = 0;
    int64_t rollups_from_ms = 0;
    enum status status =
        retention_complete_from(db, RETENTION_MINUTES, &minutes_from_ms, err);
    if (status == OK) {
        status = retention_complete_from(db, RETENTION_ROLLUPS, &rollups_from_ms, err);
    }
    if (status != OK) {
        return status;
    }
    bool is_short = asked->query.to_ms - asked->query.from_ms <= MINUTES_SPAN_MS;
    bool is_kept =
        minutes_from_ms <= asked->query.from_ms || minutes_from_ms <= rollups_from_ms;
    bool by_minute =
        asked->metric != TIMELINE_LATENCY && asked->node_id == 0 && is_short && is_kept;
    int64_t bucket_min = asked->node_id > 0 ? (int64_t)HOUR_MIN
                         : by_minute        ? 1
                                            : (int64_t)QUARTER_MIN;
    timeline->bucket_ms = bucket_min * MINUTE_MS;
    timeline->step_ms = step_of(asked, bucket_min);
    timeline->complete_from_ms = by_minute ? minutes_from_ms : rollups_from_ms;
    return OK;
}

static enum status lay_out(struct maker *maker, struct err *err)
{
    struct timeline *timeline = maker->timeline;
    const struct analytics_query *query = &maker->query->query;
    timeline->from_ms = histogram_time_bucket(query->from_ms, timeline->step_ms);
    timeline->to_ms = round_up(query->to_ms, timeline->step_ms);
    timeline->steps = (size_t)((timeline->to_ms - timeline->from_ms) / timeline->step_ms);
    timeline->classes =
        (struct class_counts){.arena = maker->arena, .steps = timeline->steps};
    timeline->n = arena_array(maker->arena, timeline->steps, sizeof *timeline->n);
    bool complete = timeline->n != NULL;
    if (maker->query->metric == TIMELINE_VOLUME) {
        timeline->least = arena_array(maker->arena, timeline->steps, sizeof(int64_t));
        timeline->most = arena_array(maker->arena, timeline->steps, sizeof(int64_t));
        maker->seen = arena_array(maker->arena, timeline->steps, sizeof(int64_t));
        complete = complete && timeline->least && timeline->most && maker->seen;
    }
    if (maker->query->metric == TIMELINE_LATENCY) {
        timeline->percentiles_us =
            arena_array(maker->arena, timeline->steps, sizeof *timeline->percentiles_us);
        maker->histogram = arena_array(maker->arena, LATENCY_BUCKETS, sizeof(int64_t));
        complete = complete && timeline->percentiles_us && maker->histogram;
    }
    return complete ? OK : no_room(err);
}

static enum status add_cohort(void *context, const struct series_cohort *cohort,
                              struct err *err)
{
    struct maker *maker = context;
    struct chosen *cohorts = arena_grow(maker->arena, maker->cohorts, maker->cohort_count,
                                        sizeof *cohorts, &maker->cohort_room);
    if (!cohorts) {
        return no_room(err);
    }
    maker->cohorts = cohorts;
    struct chosen *added = &cohorts[maker->cohort_count++];
    *added = (struct chosen){.cohort_id = cohort->cohort_id};
    return hex_decode(cohort->artifact, added->artifact, sizeof added->artifact, err);
}

static void meet(struct maker *maker, int64_t cohort_id)
{
    if (maker->newest && maker->newest->cohort_id == cohort_id) {
        return;
    }
    size_t low = 0;
    size_t high = maker->cohort_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (maker->cohorts[middle].cohort_id <= cohort_id) {
            low = middle;
        } else {
            high = middle;
        }
    }
    assert(low < high && maker->cohorts[low].cohort_id == cohort_id);
    maker->newest = &maker->cohorts[low];
    maker->newest->met = true;
}

static size_t step_at(const struct maker *maker, int64_t at_ms)
{
    return (size_t)((at_ms - maker->timeline->from_ms) / maker->timeline->step_ms);
}

/* A bucket is complete: the least and the most of its step know it. */
static void end_bucket(struct maker *maker)
{
    struct timeline *timeline = maker->timeline;
    if (maker->bucket == 0) {
        return;
    }
    size_t step = step_at(maker, maker->bucket_ms);
    int64_t *least = &timeline->least[step];
    int64_t *most = &timeline->most[step];
    *least = maker->seen[step] == 0 || maker->bucket < *least ? maker->bucket : *least;
    *most = maker->bucket > *most ? maker->bucket : *most;
    maker->seen[step]++;
    maker->bucket = 0;
}

static enum status add_volume(struct maker *maker, const struct series_row *row)
{
    if (row->bucket_ms != maker->bucket_ms) {
        end_bucket(maker);
        maker->bucket_ms = row->bucket_ms;
    }
    class_counts_sum(&maker->bucket, row->n);
    return OK;
}

static void end_histogram(struct maker *maker)
{
    struct timeline *timeline = maker->timeline;
    int64_t total = timeline->n[maker->step];
    for (int i = 0; total > 0 && i < TIMELINE_PERCENTILES; i++) {
        timeline->percentiles_us[maker->step][i] =
            analytics_percentile(maker->histogram, total, PERCENTS[i]);
    }
    memset(maker->histogram, 0, LATENCY_BUCKETS * sizeof(int64_t));
}

static enum status add_latency(struct maker *maker, const struct series_row *row)
{
    size_t step = step_at(maker, row->bucket_ms);
    if (step != maker->step) {
        end_histogram(maker);
        maker->step = step;
    }
    class_counts_sum(&maker->histogram[row->slot], row->n);
    return OK;
}

static enum status add_row(void *context, const struct series_row *row, struct err *err)
{
    struct maker *maker = context;
    struct timeline *timeline = maker->timeline;
    enum status status = OK;
    size_t step = step_at(maker, row->bucket_ms);
    meet(maker, row->cohort_id);
    switch (maker->query->metric) {
    case TIMELINE_VOLUME:
        status = add_volume(maker, row);
        break;
    case TIMELINE_CLASSES:
        status = class_counts_add(&timeline->classes, row->slot, step, row->n, err);
        break;
    case TIMELINE_LATENCY:
        status = add_latency(maker, row);
        break;
    }
    class_counts_sum(&timeline->n[step], row->n);
    class_counts_sum(&timeline->total, row->n);
    return status;
}

/* A step with a bucket of nothing has a least of nothing. */
static void end_volume(struct maker *maker)
{
    const struct timeline *timeline = maker->timeline;
    end_bucket(maker);
    for (size_t i = 0; i < timeline->steps; i++) {
        bool is_full = maker->seen[i] == timeline->step_ms / timeline->bucket_ms;
        timeline->least[i] = is_full ? timeline->least[i] : 0;
    }
}

static void name_classes(struct maker *maker)
{
    const struct analytics_query *query = &maker->query->query;
    struct class_counts *classes = &maker->timeline->classes;
    for (size_t i = 0; query->class_names && i < maker->cohort_count; i++) {
        const char *const *names = NULL;
        size_t count = 0;
        if (maker->cohorts[i].met &&
            query->class_names(query->artifacts, maker->cohorts[i].artifact, maker->arena,
                               &names, &count)) {
            class_counts_name(classes, names, count);
        }
    }
    class_counts_settle(classes);
}

static void finish(struct maker *maker)
{
    switch (maker->query->metric) {
    case TIMELINE_VOLUME:
        end_volume(maker);
        break;
    case TIMELINE_CLASSES:
        name_classes(maker);
        break;
    case TIMELINE_LATENCY:
        end_histogram(maker);
        break;
    }
}

static enum series_rows rows_of(const struct timeline_query *query,
                                const struct timeline *timeline)
{
    if (query->node_id > 0) {
        return SERIES_ROWS_NODE;
    }
    if (query->metric == TIMELINE_LATENCY) {
        return SERIES_ROWS_LATENCY;
    }
    return timeline->bucket_ms == MINUTE_MS ? SERIES_ROWS_MINUTE : SERIES_ROWS_QUARTER;
}

static enum status check(const struct timeline_query *query, struct err *err)
{
    enum status status = OK;
    assert(query->width >= TIMELINE_WIDTH_MIN && query->width <= TIMELINE_WIDTH_MAX);
    if (query->query.to_ms <= query->query.from_ms) {
        status = err_set(err, ERR_JSON_RANGE, "to must be later than from");
        err_set_pointer(err, "?to");
    } else if (query->node_id > 0 && query->metric != TIMELINE_VOLUME) {
        status = err_set(err, ERR_UNSUPPORTED, "only the volume is kept by node");
        err_set_pointer(err, "?node");
    }
    return status;
}

enum status timeline_read(struct db *db, const struct timeline_query *query,
                          struct arena *arena, struct timeline *ret_timeline,
                          struct err *err)
{
    struct timeline timeline = {0};
    struct maker maker = {.query = query, .arena = arena, .timeline = &timeline};
    enum status status = check(query, err);
    if (status == OK) {
        store_read_longer(db, READ_DEADLINE_MS);
        status = choose_bucket(db, query, &timeline, err);
    }
    if (status == OK) {
        status = lay_out(&maker, err);
    }
    struct series_filter filter = {
        .from_ms = timeline.from_ms,
        .to_ms = timeline.to_ms,
        .model = query->query.model,
        .version = query->query.version,
        .artifact = query->query.artifact,
        .node_id = query->node_id,
    };
    memcpy(filter.labels, query->query.labels, sizeof filter.labels);
    if (status == OK) {
        status = series_cohorts(db, &filter, add_cohort, &maker, err);
    }
    if (status == OK) {
        status =
            series_rows(db, rows_of(query, &timeline), &filter, add_row, &maker, err);
    }
    if (status == OK) {
        finish(&maker);
        *ret_timeline = timeline;
    }
    return status;
}
