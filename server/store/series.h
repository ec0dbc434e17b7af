/* SPDX-License-Identifier: Apache-2.0 */
/* series: reads the rollups, added up per model, artifact and step, or as they are.
 *
 * Runs on a reader; the statements see one snapshot. */
#ifndef MUSTER_SERVER_STORE_SERIES_H
#define MUSTER_SERVER_STORE_SERIES_H

#include <stdint.h>

#include "base/err.h"

struct db;

enum series {
    SERIES_VOLUME_MINUTE,  /* slot: 0 */
    SERIES_VOLUME_QUARTER, /* slot: 0 */
    SERIES_CLASS_MINUTE,   /* slot: class */
    SERIES_CLASS_QUARTER,  /* slot: class */
    SERIES_CONFIDENCE,     /* slot: bin; sum of confidences in 1/10,000 */
    SERIES_LATENCY,        /* slot: bucket */
};

enum { SERIES_LABELS = 4 };

struct series_filter {
    int64_t from_ms, to_ms;            /* [from, to), both starts of a bucket */
    int64_t step_ms;                   /* width of a step; series_rows ignores it */
    const char *model;                 /* NULL: any */
    const char *version;               /* NULL: any */
    const char *artifact;              /* 64 lower-case hex digits; NULL: any */
    const char *labels[SERIES_LABELS]; /* of the cohort, as cohort_labels declares them;
                                          NULL: any */
    int64_t node_id;                   /* SERIES_ROWS_NODE: whose */
};

/* One row of the answer. Texts live during the call only. */
struct series_cell {
    const char *model;
    const char *version; /* NULL: never published */
    const char *artifact;
    int64_t step; /* 0 for the step that begins at from_ms */
    int64_t slot;
    int64_t n, sum;
};

/* Hands out the cells by model, seq and artifact, then step, then slot; an error of
 * `each` ends it. */
enum status series_read(struct db *db, enum series series,
                        const struct series_filter *filter,
                        enum status (*each)(void *context, const struct series_cell *cell,
                                            struct err *err),
                        void *context, struct err *err) MUST_USE;

/* The cohorts that the filter lets through, by id. */
struct series_cohort {
    int64_t cohort_id;
    const char *artifact; /* lives during the call only */
};
enum status series_cohorts(struct db *db, const struct series_filter *filter,
                           enum status (*each)(void *context,
                                               const struct series_cohort *cohort,
                                               struct err *err),
                           void *context, struct err *err) MUST_USE;

enum series_rows {
    SERIES_ROWS_MINUTE,  /* slot: class */
    SERIES_ROWS_QUARTER, /* slot: class */
    SERIES_ROWS_LATENCY, /* quarter-hours; slot: bucket of latency */
    SERIES_ROWS_NODE,    /* hours of a node; slot: 0 */
};

/* A count of a rollup. */
struct series_row {
    int64_t bucket_ms, cohort_id, slot, n;
};

/* Hands out the counts of those cohorts as they are stored, by time, then cohort, then
 * slot: nothing is sorted or kept, so the memory of the caller is all that a long span
 * needs. An error of `each` ends it. */
enum status series_rows(struct db *db, enum series_rows rows,
                        const struct series_filter *filter,
                        enum status (*each)(void *context, const struct series_row *row,
                                            struct err *err),
                        void *context, struct err *err) MUST_USE;

#endif
