/* SPDX-License-Identifier: Apache-2.0 */
/* analytics: what the rollups say of a span of time (docs/PROTOCOL.md, Analytics).
 *
 * Everything is exact but the percentiles, which are the middle of a bucket of the
 * latency histogram, by nearest rank: the value at rank ceil(p * total / 100), within 0.8
 * %. Results live in the caller's arena. They run on a reader and block it. */
#ifndef MUSTER_SERVER_SERVICE_ANALYTICS_H
#define MUSTER_SERVER_SERVICE_ANALYTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "format/histogram.h"
#include "server/service/class_counts.h"
#include "server/store/series.h"

struct artifacts;
struct db;

enum { ANALYTICS_STEPS_MAX = 2000 };

/* What is asked. */
struct analytics_query {
    int64_t from_ms, to_ms; /* any times with 0 <= from < to; rounded outwards to steps */
    int64_t step_s;         /* of volume and classes: a multiple of 60 */
    const char *model;      /* NULL: any */
    const char *version;    /* NULL: any */
    const char *artifact;   /* 64 lower-case hex digits, NULL: any */
    const char *labels[SERIES_LABELS]; /* values of the cohort labels; NULL: any */
    bool by_version; /* one group per model and artifact instead of one in all */
    /* Finds class names (artifacts_classes of artifacts.h); NULL: no names. */
    bool (*class_names)(struct artifacts *artifacts, const uint8_t sha256[static 32],
                        struct arena *arena, const char *const **ret_names,
                        size_t *ret_count);
    struct artifacts *artifacts;
};

/* One group, or everything together (then model, version and artifact are NULL). */
struct analytics_group {
    const char *model, *version, *artifact;
    int64_t total;
    int64_t *n; /* volume: one a step; confidence: one a bin */
    struct class_counts classes;
    int64_t confidence_sum; /* confidence: in 1/10,000 */
    /* latency; meaningless when total is 0 */
    uint32_t p50_us, p90_us, p95_us, p99_us, max_us;
};

struct analytics_result {
    int64_t from_ms, to_ms; /* as used */
    int64_t step_s;
    int64_t complete_from_ms; /* older counts were deleted; 0: none ever was */
    size_t steps;
    struct analytics_group **groups; /* by model, seq, artifact; exactly one unless
                                        by_version */
    size_t group_count;
};

/* The percentile of a histogram of `total` latencies by nearest rank. */
uint32_t analytics_percentile(const int64_t buckets[static LATENCY_BUCKETS],
                              int64_t total, int percent);

/* Predictions per step; per class and step; by confidence; latency percentiles.
 * ERR_JSON_RANGE with a pointer such as "?step" for a query that cannot be answered,
 * ERR_LIMIT when the arena is too small, ERR_DB_DEADLINE. */
enum status analytics_volume(struct db *db, const struct analytics_query *query,
                             struct arena *arena, struct analytics_result *ret_result,
                             struct err *err) MUST_USE;
enum status analytics_classes(struct db *db, const struct analytics_query *query,
                              struct arena *arena, struct analytics_result *ret_result,
                              struct err *err) MUST_USE;
enum status analytics_confidence(struct db *db, const struct analytics_query *query,
                                 struct arena *arena, struct analytics_result *ret_result,
                                 struct err *err) MUST_USE;
enum status analytics_latency(struct db *db, const struct analytics_query *query,
                              struct arena *arena, struct analytics_result *ret_result,
                              struct err *err) MUST_USE;

#endif
