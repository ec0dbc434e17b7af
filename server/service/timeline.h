/* SPDX-License-Identifier: Apache-2.0 */
/* timeline: a metric over time on a regular step, as wide as somebody can draw it
 * (docs/PROTOCOL.md, GET /v1/series).
 *
 * Made in one pass over the rollups in the order of time, of whole buckets, with the
 * memory of the answer alone. The step is a multiple of a minute: 1, 2, 5, 10, 15, 30
 * minutes, 1, 2, 3, 6, 12 hours, 1, 2 days, 7 days or a power of two of them. It runs on
 * a reader and blocks it. */
#ifndef MUSTER_SERVER_SERVICE_TIMELINE_H
#define MUSTER_SERVER_SERVICE_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/analytics.h"
#include "server/service/class_counts.h"

struct db;

enum timeline_metric {
    TIMELINE_VOLUME,  /* of minutes, quarter-hours, or hours of a node */
    TIMELINE_CLASSES, /* of minutes or quarter-hours */
    TIMELINE_LATENCY, /* of quarter-hours */
};

enum { TIMELINE_WIDTH_MIN = 16, TIMELINE_WIDTH_MAX = 4000, TIMELINE_PERCENTILES = 4 };

/* What is asked; `query` without step and groups. */
struct timeline_query {
    enum timeline_metric metric;
    struct analytics_query query;
    int64_t width;   /* at most so many steps */
    int64_t node_id; /* only this node, volume only; 0: all */
};

/* Columns have `steps` items; those of other metrics are NULL or empty. */
struct timeline {
    int64_t from_ms, to_ms; /* as used: whole steps */
    int64_t step_ms;
    int64_t bucket_ms;        /* what the steps are made of */
    int64_t complete_from_ms; /* older counts were deleted; 0: none ever was */
    size_t steps;
    int64_t total;
    int64_t *n;            /* predictions */
    int64_t *least, *most; /* volume: of the buckets within each step */
    struct class_counts classes;
    /* latency: p50, p90, p99 and the maximum in µs; meaningless where n is 0 */
    uint32_t (*percentiles_us)[TIMELINE_PERCENTILES];
};

/* ERR_JSON_RANGE with the pointer "?to" for a span that ends before it begins,
 * ERR_UNSUPPORTED with "?node" for a metric that is not kept by node, ERR_LIMIT when the
 * arena is too small, ERR_DB_DEADLINE after two seconds. */
enum status timeline_read(struct db *db, const struct timeline_query *query,
                          struct arena *arena, struct timeline *ret_timeline,
                          struct err *err) MUST_USE;

#endif
