/* SPDX-License-Identifier: Apache-2.0 */
/* ingest: admission of reports, on the writer thread.
 *
 * Judges a report (exactly once, class, model), gives its rows ids, stores them and
 * counts them for the rollups. What it knows in memory (rings of the nodes that report,
 * next id, cohorts, counters) follows the transaction: a report works on copies, which
 * the store's hooks write before COMMIT and put in place after it, or drop when the group
 * is rolled back. */
#ifndef MUSTER_SERVER_SERVICE_INGEST_H
#define MUSTER_SERVER_SERVICE_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/ack.h"
#include "format/report.h"

struct db;
struct ingest;
struct service;
struct store;

enum { INGEST_LABELS = 4, INGEST_LABEL_BYTES = 65 };

/* What admission must know of an artifact. */
struct ingest_artifact {
    char model[65];
    size_t classes; /* 0: any class is fine */
};

/* Where ingest learns what others know. Called on the writer thread: memory only. */
struct ingest_sources {
    void *context;
    /* False when the artifact was never published. */
    bool (*find_artifact)(void *context, const uint8_t sha256[static 32],
                          struct ingest_artifact *ret_artifact);
    /* The values of the declared labels of a node, "" where it has none. */
    void (*cohort_labels)(void *context, int64_t node_id,
                          char ret_labels[INGEST_LABELS][INGEST_LABEL_BYTES]);
    /* After COMMIT; the report lives only during the call. Optional. */
    void (*reported)(void *context, int64_t node_id, const struct report *report,
                     int64_t received_ms);
};

struct ingest_counters {
    uint64_t reports, rows;     /* stored and committed */
    uint64_t summaries;         /* stored and committed */
    uint64_t summarised;        /* predictions that they tell of */
    uint64_t duplicates;        /* answered again */
    uint64_t conflicts;         /* same seq, other body */
    uint64_t unknown_artifacts; /* reports of an artifact never published */
    uint64_t implausible;       /* rows with an implausible time */
};

/* Sources that ask the artifacts and nodes of `service`, which must outlive ingest. */
struct ingest_sources ingest_sources_of(struct service *service);

/* Loads its state from the database and takes the store's hooks. Blocks. */
enum status ingest_open(struct store *store, const struct ingest_sources *sources,
                        struct ingest **ret_ingest, struct err *err) MUST_USE;

/* Frees it, after store_close. NULL is allowed. */
void ingest_close(struct ingest *ingest);

/* Admits one report on the writer's connection, outside a savepoint. The acknowledgement
 * may be sent once the group is committed; until then the report must live. A refusal
 * (ERR_REPORT_STREAM_OLD, _STREAM_CONFLICT, _SEQ_OLD, _MODEL, _CLASS) changes nothing;
 * any other failure has the group rolled back. */
enum status ingest_apply(struct ingest *ingest, struct db *db, int64_t node_id,
                         const struct report *report, struct ack *ret_ack,
                         struct err *err) MUST_USE;

/* From any thread. */
void ingest_counters_read(const struct ingest *ingest,
                          struct ingest_counters *ret_counters);

#endif
