/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/analytics.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "server/store/retention.h"
#include "server/store/series.h"
#include "server/store/store.h"

static const int64_t MINUTE_S = 60;
static const int64_t QUARTER_S = 900;
static const int64_t READ_DEADLINE_MS = 2000; /* a year of quarter-hours */

/* An artifact that counts in a group. */
struct member {
    struct member *next;
    uint8_t sha256[32];
};

/* A group while it is gathered. */
struct gathered {
    struct analytics_group group; /* first */
    struct member *members;
    char artifact[65]; /* of the newest member */
    int64_t *buckets;  /* latency: one a bucket */
};

/* What the cells of one answer are added to. */
struct gather {
    const struct analytics_query *query;
    struct arena *arena;
    struct analytics_result *result;
    struct gathered *newest;
    size_t group_room;
    enum status (*add)(struct gather *gather, struct gathered *to,
                       const struct series_cell *cell, struct err *err);
};

static enum status no_room(struct err *err)
{
    return err_set(err, ERR_LIMIT, "the answer would be too large: ask for less");
}

static enum status new_group(struct gather *gather, struct err *err)
{
    struct analytics_result *result = gather->result;
    struct gathered *gathered = arena_alloc(gather->arena, sizeof *gathered);
    if (!gathered) {
        return no_room(err);
    }
    struct analytics_group **groups = (struct analytics_group **)arena_grow(
        gather->arena, (void *)result->groups, result->group_count, sizeof *groups,
        &gather->group_room);
    if (!groups) {
        return no_room(err);
    }
    result->groups = groups;
    gathered->group.classes =
        (struct class_counts){.arena = gather->arena, .steps = result->steps};
    result->groups[result->group_count++] = &gathered->group;
    gather->newest = gathered;
    return OK;
}

static enum status name_group(struct gather *gather, const struct series_cell *cell,
                              struct err *err)
{
    struct analytics_group *group = &gather->newest->group;
    group->model = arena_strdup(gather->arena, cell->model);
    group->artifact = arena_strdup(gather->arena, cell->artifact);
    group->version = cell->version ? arena_strdup(gather->arena, cell->version) : NULL;
    bool complete = group->model && group->artifact && (group->version || !cell->version);
    return complete ? OK : no_room(err);
}

static enum status add_member(struct gather *gather, const struct series_cell *cell,
                              struct err *err)
{
    struct gathered *group = gather->newest;
    struct member *member = arena_alloc(gather->arena, sizeof *member);
    if (!member) {
        return no_room(err);
    }
    (void)snprintf(group->artifact, sizeof group->artifact, "%s", cell->artifact);
    member->next = group->members;
    group->members = member;
    return hex_decode(cell->artifact, member->sha256, sizeof member->sha256, err);
}

/* Cells come sorted, so a new model or artifact begins a new group. */
static enum status find_group(struct gather *gather, const struct series_cell *cell,
                              struct err *err)
{
    struct gathered *newest = gather->newest;
    const char *model = newest->group.model;
    bool same_artifact = strcmp(newest->artifact, cell->artifact) == 0;
    if (!gather->query->by_version) {
        return same_artifact ? OK : add_member(gather, cell, err);
    }
    if (model && same_artifact && strcmp(model, cell->model) == 0) {
        return OK;
    }
    enum status status = model ? new_group(gather, err) : OK;
    if (status == OK) {
        status = name_group(gather, cell, err);
    }
    return status == OK ? add_member(gather, cell, err) : status;
}

static enum status add_cell(void *context, const struct series_cell *cell,
                            struct err *err)
{
    struct gather *gather = context;
    enum status status = find_group(gather, cell, err);
    if (status != OK) {
        return status;
    }
    gather->newest->group.total += cell->n;
    return gather->add(gather, gather->newest, cell, err);
}

static enum status add_volume(struct gather *gather, struct gathered *to,
                              const struct series_cell *cell, struct err *err)
{
    if (!to->group.n) {
        to->group.n = arena_array(gather->arena, gather->result->steps, sizeof(int64_t));
    }
    if (!to->group.n) {
        return no_room(err);
    }
    to->group.n[cell->step] += cell->n;
    return OK;
}

static enum status add_class(struct gather *gather, struct gathered *to,
                             const struct series_cell *cell, struct err *err)
{
    (void)gather;
    return class_counts_add(&to->group.classes, cell->slot, (size_t)cell->step, cell->n,
                            err);
}

static enum status add_confidence(struct gather *gather, struct gathered *to,
                                  const struct series_cell *cell, struct err *err)
{
    if (!to->group.n) {
        to->group.n = arena_array(gather->arena, CONFIDENCE_BINS, sizeof(int64_t));
    }
    if (!to->group.n) {
        return no_room(err);
    }
    assert(cell->slot >= 0 && cell->slot < CONFIDENCE_BINS);
    to->group.n[cell->slot] += cell->n;
    if (__builtin_add_overflow(to->group.confidence_sum, cell->sum,
                               &to->group.confidence_sum)) {
        to->group.confidence_sum = INT64_MAX;
    }
    return OK;
}

static enum status add_latency(struct gather *gather, struct gathered *to,
                               const struct series_cell *cell, struct err *err)
{
    if (!to->buckets) {
        to->buckets = arena_array(gather->arena, LATENCY_BUCKETS, sizeof(int64_t));
    }
    if (!to->buckets) {
        return no_room(err);
    }
    assert(cell->slot >= 0 && cell->slot < LATENCY_BUCKETS);
    to->buckets[cell->slot] += cell->n;
    return OK;
}

static enum status check_range(const struct analytics_query *query, int64_t step_s,
                               bool steps_matter, struct analytics_result *ret_result,
                               struct err *err)
{
    enum status status = OK;
    if (query->to_ms <= query->from_ms) {
        status = err_set(err, ERR_JSON_RANGE, "to must be later than from");
        err_set_pointer(err, "?to");
        return status;
    }
    if (step_s < MINUTE_S || step_s % MINUTE_S != 0) {
        status = err_set(err, ERR_JSON_RANGE, "step must be a multiple of 60 seconds");
        err_set_pointer(err, "?step");
        return status;
    }
    int64_t step_ms = step_s * 1000;
    int64_t from_ms = histogram_time_bucket(query->from_ms, step_ms);
    int64_t to_ms = histogram_time_bucket(query->to_ms + step_ms - 1, step_ms);
    int64_t steps = (to_ms - from_ms) / step_ms;
    if (steps_matter && steps > ANALYTICS_STEPS_MAX) {
        status = err_set(err, ERR_JSON_RANGE,
                         "%lld steps are more than %d: ask for longer ones",
                         (long long)steps, ANALYTICS_STEPS_MAX);
        err_set_pointer(err, "?step");
        return status;
    }
    ret_result->from_ms = from_ms;
    ret_result->to_ms = to_ms;
    ret_result->step_s = step_s;
    ret_result->steps = (size_t)steps;
    return OK;
}

static enum status read_series(struct gather *gather, struct db *db, enum series series,
                               struct err *err)
{
    const struct analytics_query *query = gather->query;
    struct series_filter filter = {
        .from_ms = gather->result->from_ms,
        .to_ms = gather->result->to_ms,
        .step_ms = gather->result->step_s * 1000,
        .model = query->model,
        .version = query->version,
        .artifact = query->artifact,
    };
    memcpy(filter.labels, query->labels, sizeof filter.labels);
    bool minutes = series == SERIES_VOLUME_MINUTE || series == SERIES_CLASS_MINUTE;
    store_read_longer(db, READ_DEADLINE_MS);
    enum status status =
        retention_complete_from(db, minutes ? RETENTION_MINUTES : RETENTION_ROLLUPS,
                                &gather->result->complete_from_ms, err);
    if (status == OK) {
        status = new_group(gather, err);
    }
    if (status == OK) {
        status = series_read(db, series, &filter, add_cell, gather, err);
    }
    if (status == OK && query->by_version && !gather->newest->group.model) {
        gather->result->group_count = 0;
    }
    return status;
}

/* A group that no cell met still has its row of zeroes. */
static enum status fill_zeroes(struct gather *gather, size_t count, struct err *err)
{
    for (size_t i = 0; i < gather->result->group_count; i++) {
        struct analytics_group *group = gather->result->groups[i];
        if (!group->n) {
            group->n = arena_array(gather->arena, count, sizeof(int64_t));
        }
        if (!group->n) {
            return no_room(err);
        }
    }
    return OK;
}

enum status analytics_volume(struct db *db, const struct analytics_query *query,
                             struct arena *arena, struct analytics_result *ret_result,
                             struct err *err)
{
    struct analytics_result result = {0};
    struct gather gather = {
        .query = query, .arena = arena, .result = &result, .add = add_volume};
    enum status status = check_range(query, query->step_s, true, &result, err);
    if (status == OK) {
        bool quarters = query->step_s % QUARTER_S == 0;
        status = read_series(
            &gather, db, quarters ? SERIES_VOLUME_QUARTER : SERIES_VOLUME_MINUTE, err);
    }
    if (status == OK) {
        status = fill_zeroes(&gather, result.steps, err);
    }
    if (status == OK) {
        *ret_result = result;
    }
    return status;
}

/* Puts the names of one artifact on the classes. */
static void name_classes(struct gather *gather, struct analytics_group *group,
                         const struct member *member)
{
    const char *const *names = NULL;
    size_t count = 0;
    const struct analytics_query *query = gather->query;
    if (query->class_names && query->class_names(query->artifacts, member->sha256,
                                                 gather->arena, &names, &count)) {
        class_counts_name(&group->classes, names, count);
    }
}

static void name_all_classes(struct gather *gather)
{
    for (size_t i = 0; i < gather->result->group_count; i++) {
        struct gathered *gathered = (struct gathered *)gather->result->groups[i];
        for (struct member *member = gathered->members; member; member = member->next) {
            name_classes(gather, &gathered->group, member);
        }
        class_counts_settle(&gathered->group.classes);
    }
}

enum status analytics_classes(struct db *db, const struct analytics_query *query,
                              struct arena *arena, struct analytics_result *ret_result,
                              struct err *err)
{
    struct analytics_result result = {0};
    struct gather gather = {
        .query = query, .arena = arena, .result = &result, .add = add_class};
    enum status status = check_range(query, query->step_s, true, &result, err);
    if (status == OK) {
        bool quarters = query->step_s % QUARTER_S == 0;
        status = read_series(&gather, db,
                             quarters ? SERIES_CLASS_QUARTER : SERIES_CLASS_MINUTE, err);
    }
    if (status == OK) {
        name_all_classes(&gather);
        *ret_result = result;
    }
    return status;
}

enum status analytics_confidence(struct db *db, const struct analytics_query *query,
                                 struct arena *arena, struct analytics_result *ret_result,
                                 struct err *err)
{
    struct analytics_result result = {0};
    struct gather gather = {
        .query = query, .arena = arena, .result = &result, .add = add_confidence};
    enum status status = check_range(query, QUARTER_S, false, &result, err);
    if (status == OK) {
        status = read_series(&gather, db, SERIES_CONFIDENCE, err);
    }
    if (status == OK) {
        status = fill_zeroes(&gather, CONFIDENCE_BINS, err);
    }
    if (status == OK) {
        *ret_result = result;
    }
    return status;
}

uint32_t analytics_percentile(const int64_t buckets[static LATENCY_BUCKETS],
                              int64_t total, int percent)
{
    /* ceil(total * percent / 100) without a product that leaves 64 bits */
    int64_t wanted = total / 100 * percent + (total % 100 * percent + 99) / 100;
    int64_t upto = 0;
    for (unsigned bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        class_counts_sum(&upto, buckets[bucket]);
        if (upto >= wanted) {
            return histogram_latency_middle(bucket);
        }
    }
    return 0;
}

static void set_percentiles(struct gathered *gathered)
{
    struct analytics_group *group = &gathered->group;
    const int64_t *buckets = gathered->buckets;
    int64_t total = group->total;
    if (!buckets) {
        return;
    }
    group->p50_us = analytics_percentile(buckets, total, 50);
    group->p90_us = analytics_percentile(buckets, total, 90);
    group->p95_us = analytics_percentile(buckets, total, 95);
    group->p99_us = analytics_percentile(buckets, total, 99);
    group->max_us = analytics_percentile(buckets, total, 100);
}

enum status analytics_latency(struct db *db, const struct analytics_query *query,
                              struct arena *arena, struct analytics_result *ret_result,
                              struct err *err)
{
    struct analytics_result result = {0};
    struct gather gather = {
        .query = query, .arena = arena, .result = &result, .add = add_latency};
    enum status status = check_range(query, QUARTER_S, false, &result, err);
    if (status == OK) {
        status = read_series(&gather, db, SERIES_LATENCY, err);
    }
    for (size_t i = 0; status == OK && i < result.group_count; i++) {
        set_percentiles((struct gathered *)result.groups[i]);
    }
    if (status == OK) {
        *ret_result = result;
    }
    return status;
}
