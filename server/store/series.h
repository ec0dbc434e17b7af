/* SPDX-License-Identifier: Apache-2.0 */
/* series: reads the rollups through their views, added up per model, artifact and step.
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

struct series_filter {
    int64_t from_ms, to_ms; /* [from, to), both starts of a bucket */
    int64_t step_ms;        /* width of a step */
    const char *model;      /* NULL: any */
    const char *version;    /* NULL: any */
    const char *artifact;   /* 64 lower-case hex digits; NULL: any */
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

#endif
