/* SPDX-License-Identifier: Apache-2.0 */
/* reports: the statements of admission: reports, predictions, samples, streams, cohorts
 * and the newest state of each node. docs/SCHEMA.md has the tables.
 *
 * Everything here runs on the writer inside its transaction, but the loading functions,
 * which any connection may run. A failure leaves the transaction to be rolled back. */
#ifndef MUSTER_SERVER_STORE_REPORTS_H
#define MUSTER_SERVER_STORE_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct health;
struct report;

enum {
    COHORT_LABELS = 4,
    COHORT_LABEL_BYTES = 65,
    STREAM_RING_BYTES = 256,
};

/* What predictions are counted under. Zero-initialise: it is hashed as bytes. */
struct cohort {
    uint8_t artifact[32];
    char model[65];
    char arm[16];
    char labels[COHORT_LABELS][COHORT_LABEL_BYTES];
};

/* A row of table report beside the report itself. */
struct report_place {
    int64_t first_id;
    int64_t node_id;
    int64_t cohort_id;
    bool known;             /* the artifact was published when the report came */
    int64_t summary_lag_ms; /* receipt less start of its interval; 0 without summary */
};

static inline int64_t report_place_received_ms(const struct report_place *place)
{
    enum { ID_TIME_BITS = 12 };
    return place->first_id >> ID_TIME_BITS;
}

/* A row of table stream; the ring is as its comment in the schema says. */
struct stream_row {
    int64_t node_id, stream, highest;
    uint8_t ring[STREAM_RING_BYTES];
};

/* What a group of reports adds to a row of table node_health. */
struct node_news {
    int64_t node_id;
    int64_t report_ms, cohort_id;
    bool below_floor;
    const uint8_t *derived;                /* of the newest report, or NULL */
    int64_t reports, predictions, dropped; /* to be added */
    const struct health *health;           /* the newest, or NULL */
    int64_t health_ms;
};

/* The largest id that was ever given, 0 in an empty database. */
enum status reports_newest_id(struct db *db, int64_t *ret_id, struct err *err) MUST_USE;

/* Inserts the report, its summary and all its predictions and samples; `lag_ms` has one
 * item a row. */
enum status reports_insert(struct db *db, const struct report_place *place,
                           const struct report *report, const int64_t *lag_ms,
                           struct err *err) MUST_USE;

/* Inserts a cohort and tells its id. */
enum status cohort_insert(struct db *db, const struct cohort *cohort, int64_t *ret_id,
                          struct err *err) MUST_USE;

/* Writes or replaces a stream; removes one. */
enum status stream_put(struct db *db, const struct stream_row *row,
                       struct err *err) MUST_USE;
enum status stream_remove(struct db *db, int64_t node_id, int64_t stream,
                          struct err *err) MUST_USE;

/* Adds to a node's totals and replaces its newest state. */
enum status node_health_add(struct db *db, const struct node_news *news,
                            struct err *err) MUST_USE;

/* Hands out every cohort, every stream of a node (lowest first); an error of `each` ends
 * it. */
enum status cohorts_load(struct db *db,
                         enum status (*each)(void *context, const struct cohort *cohort,
                                             int64_t id, struct err *err),
                         void *context, struct err *err) MUST_USE;
enum status streams_load(struct db *db, int64_t node_id,
                         enum status (*each)(void *context, const struct stream_row *row,
                                             struct err *err),
                         void *context, struct err *err) MUST_USE;

#endif
