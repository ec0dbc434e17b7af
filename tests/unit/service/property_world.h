/* SPDX-License-Identifier: Apache-2.0 */
/* property_world: the random fleet, its database, and the raw rows read back from the
 * tables (not the views), with what brute force says of one row. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_WORLD_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_WORLD_H

#include "tests/unit/service/property_fleet.h"

enum { RAW_MAX = 40000 };

static const int64_t MINUTE_MS = 60000;
static const int64_t QUARTER_MS = 900000;
static const int64_t HOUR_MS = 3600000;

/* One stored prediction; the first byte of the artifact names it. */
struct raw {
    int64_t id, node_id, cohort_id, artifact;
    int64_t class_index, confidence, latency_us, lag_ms, sample;
    double value;
    bool has_sample, has_value, plausible;
    bool counted; /* by the rollups: no sample of a summary */
    int64_t received_ms, counted_ms;
    int64_t latency_sum_us;      /* what it adds to the sum of its bucket */
    int entropy_bin, margin_bin; /* -1: unknown */
};

struct world {
    struct fleet fleet;
    struct raw raw[RAW_MAX];
    int raw_count; /* rows; behind them stand the predictions behind summaries */
    int all_count;
    /* The view that is compared: `row` returns how much it adds to `total`. */
    int64_t (*row)(struct world *world, sqlite3_stmt *stmt);
    const char *sql;
    int64_t rows, total;
};

static inline int64_t start_of(int64_t time_ms, int64_t width_ms)
{
    int64_t rest = time_ms % width_ms;
    return time_ms - (rest < 0 ? rest + width_ms : rest);
}

/* The version that an artifact was published as, NULL for the unknown one. */
static inline const char *version_of(int64_t artifact)
{
    return artifact == 1 ? "1.0.0" : artifact == 2 ? "1.1.1" : NULL;
}

/* "NN" and 62 zeroes. */
static inline void artifact_text(int64_t artifact, char ret_text[static 65])
{
    (void)snprintf(ret_text, 65, "%02x%062d", (unsigned)artifact, 0);
}

static inline bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether the columns model, version, artifact from `column` on are those of an artifact.
 */
static inline bool is_artifact(sqlite3_stmt *stmt, int column, int64_t artifact)
{
    char text[65];
    artifact_text(artifact, text);
    return same_text((const char *)sqlite3_column_text(stmt, column), "fashion") &&
           same_text((const char *)sqlite3_column_text(stmt, column + 1),
                     version_of(artifact)) &&
           same_text((const char *)sqlite3_column_text(stmt, column + 2), text);
}

/* The middle of the latency bucket of a value, from the protocol's words. */
static inline uint32_t middle_of(int64_t latency_us)
{
    int shift = 0;
    while (latency_us >> shift >= 128) {
        shift++;
    }
    int64_t lower = latency_us >> shift << shift;
    return (uint32_t)(lower + ((INT64_C(1) << shift) - 1) / 2);
}

static inline int64_t bin_of(int64_t confidence)
{
    return confidence == CONFIDENCE_ONE ? 19 : confidence * 20 / CONFIDENCE_ONE;
}

static inline int compare_int64(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* The value of nearest rank among `count` sorted ones. */
static inline uint32_t percentile_of(const int64_t *sorted, int count, int percent)
{
    int rank = 1;
    while ((int64_t)rank * 100 < (int64_t)count * percent) {
        rank++;
    }
    return middle_of(sorted[rank - 1]);
}

/* The second artifact is listed under two versions: the higher one names it. */
static inline void world_publish(struct world *world)
{
    query_execute(world->fleet.fixture->store,
                  "INSERT INTO model VALUES ('fashion', 'classify', 0);"
                  "INSERT INTO model_version VALUES ('fashion', 1, '1.0.0', 0),"
                  " ('fashion', 2, '1.1.0', 0), ('fashion', 3, '1.1.1', 0);"
                  "INSERT INTO artifact VALUES ('fashion', 1, 'fp32', CAST(x'01' || "
                  "zeroblob(31) AS BLOB), 9, 'a', 0, NULL, '[\"zero\",\"one\"]', 1),"
                  "('fashion', 2, 'fp32', CAST(x'02' || zeroblob(31) AS BLOB), 9, 'b', 0,"
                  " NULL, '[]', 1),"
                  "('fashion', 3, 'fp32', CAST(x'02' || zeroblob(31) AS BLOB), 9, 'c', 0,"
                  " NULL, '[]', 1)");
}

static inline bool is_plausible(int64_t lag_ms)
{
    return lag_ms >= -600000 && lag_ms <= INT64_C(31622400000);
}

static inline struct raw raw_of(sqlite3_stmt *stmt)
{
    struct raw raw = {
        .id = db_column_int(stmt, 0),
        .node_id = db_column_int(stmt, 1),
        .cohort_id = db_column_int(stmt, 2),
        .artifact = *(const uint8_t *)sqlite3_column_blob(stmt, 3),
        .class_index = db_column_int(stmt, 4),
        .confidence = db_column_int(stmt, 5),
        .latency_us = db_column_int(stmt, 6),
        .lag_ms = db_column_int(stmt, 7),
        .value = db_column_double(stmt, 8),
        .has_value = !db_column_is_null(stmt, 8),
        .sample = db_column_int(stmt, 9),
        .has_sample = !db_column_is_null(stmt, 9),
        .latency_sum_us = db_column_int(stmt, 6),
        .entropy_bin = -1,
        .margin_bin = -1,
        .counted = true,
    };
    raw.received_ms = raw.id / 4096;
    raw.plausible = is_plausible(raw.lag_ms);
    raw.counted_ms = raw.plausible ? raw.received_ms - raw.lag_ms : raw.received_ms;
    return raw;
}

static enum status world_load(void *context, struct db *db, struct err *err)
{
    struct world *world = context;
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(
        db,
        "SELECT p.id, p.node_id, p.cohort_id, c.artifact, p.class, p.confidence,"
        " p.latency_us, p.lag_ms, p.value, p.sample FROM prediction AS p JOIN cohort AS c"
        " ON c.id = p.cohort_id ORDER BY p.id",
        &stmt, err);
    bool row = true;
    while (status == OK && row) {
        status = db_step(db, stmt, &row, err);
        if (status == OK && row) {
            assert(world->raw_count < RAW_MAX);
            world->raw[world->raw_count++] = raw_of(stmt);
        }
    }
    return status;
}

#endif
