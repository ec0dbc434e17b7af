/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/reports.h"

#include <stdio.h>
#include <string.h>

#include "format/report.h"
#include "format/summary.h"
#include "server/store/db.h"
#include "server/store/report_rows.h"
#include "server/store/summaries.h"

enum reports_sql {
    REPORTS_NEWEST_ID,
    REPORTS_INSERT,
    REPORTS_FIRST,
    REPORTS_OTHERS,
    REPORTS_OTHERS_PLAIN,
    REPORTS_SAMPLE,
    REPORTS_COHORT,
    REPORTS_COHORTS,
    REPORTS_STREAM_PUT,
    REPORTS_STREAM_REMOVE,
    REPORTS_STREAMS,
    REPORTS_HEALTH,
};

static const char *const sql[] = {
    [REPORTS_NEWEST_ID] = "SELECT max(coalesce((SELECT max(id) FROM prediction), 0),"
                          " coalesce((SELECT max(first_id) FROM report), 0),"
                          " coalesce((SELECT first_id + max(rows, 1) - 1 FROM report"
                          " ORDER BY first_id DESC LIMIT 1), 0),"
                          /* What was deleted had lower ids than this. */
                          " coalesce((SELECT complete_from_ms << 12 FROM retention"
                          " WHERE kind = 'rows'), 0))",
    [REPORTS_INSERT] =
        "INSERT INTO report(first_id, node_id, cohort_id, stream, seq, rows, sent_ms,"
        " dropped, body_hash, known, below_floor, derived)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [REPORTS_FIRST] =
        "INSERT INTO prediction(id, node_id, cohort_id, class, confidence, latency_us,"
        " lag_ms, value, sample) SELECT ?1, ?2, ?3, class, confidence, latency_us,"
        " lag_ms, value, sample FROM report_row LIMIT 1",
    /* No id: SQLite gives the next one, and neither searches the table nor looks whether
     * the id is free (measured: a quarter of an insert). */
    [REPORTS_OTHERS] =
        "INSERT INTO prediction(node_id, cohort_id, class, confidence, latency_us,"
        " lag_ms, value, sample) SELECT ?1, ?2, class, confidence, latency_us, lag_ms,"
        " value, sample FROM report_row",
    /* The same for rows that have neither value nor sample, as most. */
    [REPORTS_OTHERS_PLAIN] =
        "INSERT INTO prediction(node_id, cohort_id, class, confidence, latency_us,"
        " lag_ms) SELECT ?1, ?2, class, confidence, latency_us, lag_ms FROM report_row",
    [REPORTS_SAMPLE] =
        "INSERT INTO sample(id, node_id, cohort_id, sample, class, confidence, lag_ms,"
        " reason, probability) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [REPORTS_COHORT] =
        "INSERT INTO cohort(artifact, model, arm, label_1, label_2, label_3, label_4)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [REPORTS_COHORTS] =
        "SELECT id, artifact, model, arm, label_1, label_2, label_3, label_4 FROM cohort",
    [REPORTS_STREAM_PUT] =
        "INSERT INTO stream(node_id, stream, highest, ring) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET highest = excluded.highest, ring = excluded.ring",
    [REPORTS_STREAM_REMOVE] = "DELETE FROM stream WHERE node_id = ?1 AND stream = ?2",
    [REPORTS_STREAMS] =
        "SELECT node_id, stream, highest, ring FROM stream WHERE node_id = ?1"
        " ORDER BY stream",
    [REPORTS_HEALTH] =
        "INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports,"
        " predictions, dropped, health_ms, cpu_pct, rss_bytes, temp_c, power_mw, queued,"
        " rejected, inferred, state, clock_doubt_ms, derived)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18)"
        " ON CONFLICT DO UPDATE SET report_ms = excluded.report_ms,"
        " cohort_id = excluded.cohort_id, below_floor = excluded.below_floor,"
        " derived = excluded.derived,"
        " reports = reports + excluded.reports,"
        " predictions = sum_capped(predictions, excluded.predictions),"
        " dropped = sum_capped(dropped, excluded.dropped),"
        /* A report without health leaves the last one standing, as a whole. */
        " health_ms = coalesce(excluded.health_ms, health_ms),"
        " cpu_pct = iif(excluded.health_ms IS NULL, cpu_pct, excluded.cpu_pct),"
        " rss_bytes = iif(excluded.health_ms IS NULL, rss_bytes, excluded.rss_bytes),"
        " temp_c = iif(excluded.health_ms IS NULL, temp_c, excluded.temp_c),"
        " power_mw = iif(excluded.health_ms IS NULL, power_mw, excluded.power_mw),"
        " queued = iif(excluded.health_ms IS NULL, queued, excluded.queued),"
        " rejected = iif(excluded.health_ms IS NULL, rejected, excluded.rejected),"
        " inferred = iif(excluded.health_ms IS NULL, inferred, excluded.inferred),"
        " state = iif(excluded.health_ms IS NULL, state, excluded.state),"
        " clock_doubt_ms = iif(excluded.health_ms IS NULL, clock_doubt_ms,"
        " excluded.clock_doubt_ms)",
};
const struct db_module_table reports_statements = DB_MODULE_TABLE(sql);

enum status reports_newest_id(struct db *db, int64_t *ret_id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_NEWEST_ID);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK) {
        *ret_id = db_column_int(stmt, 0);
    }
    return status;
}

static enum status insert_report(struct db *db, const struct report_place *place,
                                 const struct report *report, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_INSERT);
    db_bind_int(stmt, 1, place->first_id);
    db_bind_int(stmt, 2, place->node_id);
    db_bind_int(stmt, 3, place->cohort_id);
    db_bind_int(stmt, 4, report->stream);
    db_bind_int(stmt, 5, report->seq);
    db_bind_int(stmt, 6, (int64_t)report->rows);
    db_bind_int(stmt, 7, report->sent_ms);
    db_bind_int(stmt, 8, report->dropped);
    db_bind_int(stmt, 9, report->body_hash);
    db_bind_int(stmt, 10, place->known);
    db_bind_int(stmt, 11, report->below_floor);
    if (report->has_derived) {
        db_bind_blob(stmt, 12, report->derived, sizeof report->derived);
    }
    return db_run(db, stmt, err);
}

/* The first row has the report's id, the others follow it, which is checked: the ids are
 * part of the acknowledgement. */
static enum status insert_rows(struct db *db, const struct report_place *place,
                               struct report_rows *source, struct err *err)
{
    const struct report *report = source->report;
    bool plain = !report->value && !report->sample;
    DB_STMT first = db_statement(db, DB_REPORTS, REPORTS_FIRST);
    DB_STMT others =
        db_statement(db, DB_REPORTS, plain ? REPORTS_OTHERS_PLAIN : REPORTS_OTHERS);
    db_bind_int(first, 1, place->first_id);
    db_bind_int(first, 2, place->node_id);
    db_bind_int(first, 3, place->cohort_id);
    db_bind_int(others, 1, place->node_id);
    db_bind_int(others, 2, place->cohort_id);
    enum status status = db_run(db, first, err);
    source->from = 1;
    if (status == OK && report->rows > 1) {
        status = db_run(db, others, err);
    }
    int64_t last_id = place->first_id + (int64_t)report->rows - 1;
    if (status == OK && db_last_id(db) != last_id) {
        return err_set(err, ERR_DB_CORRUPT, "the last prediction got id %lld, not %lld",
                       (long long)db_last_id(db), (long long)last_id);
    }
    return status;
}

static enum status insert_predictions(struct db *db, const struct report_place *place,
                                      const struct report *report, const int64_t *lag_ms,
                                      struct err *err)
{
    if (report->rows == 0) {
        return OK;
    }
    struct report_rows source = {.report = report, .lag_ms = lag_ms};
    db->report_rows = &source;
    enum status status = insert_rows(db, place, &source, err);
    db->report_rows = NULL;
    return status;
}

/* Why a sample was selected, and with which probability. */
static void bind_selection(sqlite3_stmt *stmt, const struct summary *summary)
{
    bool uniform = summary && summary->mode == DETAIL_SAMPLED;
    db_bind_text(stmt, 8, uniform ? "uniform" : summary ? "change" : "node");
    if (uniform) {
        db_bind_double(stmt, 9, 1.0 / (double)summary->every);
    }
}

static enum status insert_samples(struct db *db, const struct report_place *place,
                                  const struct report *report, const int64_t *lag_ms,
                                  struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_SAMPLE);
    enum status status = OK;
    for (size_t row = 0; status == OK && row < report->rows; row++) {
        if (!report_has_sample(report, row)) {
            continue;
        }
        db_bind_int(stmt, 1, place->first_id + (int64_t)row);
        db_bind_int(stmt, 2, place->node_id);
        db_bind_int(stmt, 3, place->cohort_id);
        db_bind_int(stmt, 4, report->sample[row]);
        db_bind_int(stmt, 5, report->class_index[row]);
        db_bind_int(stmt, 6, report->confidence[row]);
        db_bind_int(stmt, 7, lag_ms[row]);
        bind_selection(stmt, report->summary);
        status = db_run(db, stmt, err);
    }
    return status;
}

enum status reports_insert(struct db *db, const struct report_place *place,
                           const struct report *report, const int64_t *lag_ms,
                           struct err *err)
{
    enum status status = insert_report(db, place, report, err);
    if (status == OK && report->summary) {
        status = summary_insert(db, place, report, place->summary_lag_ms, err);
    }
    if (status == OK) {
        status = insert_predictions(db, place, report, lag_ms, err);
    }
    if (status == OK && report->sample) {
        status = insert_samples(db, place, report, lag_ms, err);
    }
    return status;
}

enum status cohort_insert(struct db *db, const struct cohort *cohort, int64_t *ret_id,
                          struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_COHORT);
    db_bind_blob(stmt, 1, cohort->artifact, sizeof cohort->artifact);
    db_bind_text(stmt, 2, cohort->model);
    db_bind_text(stmt, 3, cohort->arm);
    for (int i = 0; i < COHORT_LABELS; i++) {
        db_bind_text(stmt, 4 + i, cohort->labels[i]);
    }
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status stream_put(struct db *db, const struct stream_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_STREAM_PUT);
    db_bind_int(stmt, 1, row->node_id);
    db_bind_int(stmt, 2, row->stream);
    db_bind_int(stmt, 3, row->highest);
    db_bind_blob(stmt, 4, row->ring, sizeof row->ring);
    return db_run(db, stmt, err);
}

enum status stream_remove(struct db *db, int64_t node_id, int64_t stream, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_STREAM_REMOVE);
    db_bind_int(stmt, 1, node_id);
    db_bind_int(stmt, 2, stream);
    return db_run(db, stmt, err);
}

static void bind_health(sqlite3_stmt *stmt, const struct health *health)
{
    if (health->present & HEALTH_CPU_PCT) {
        db_bind_double(stmt, 9, health->cpu_pct);
    }
    if (health->present & HEALTH_RSS_BYTES) {
        db_bind_int(stmt, 10, health->rss_bytes);
    }
    if (health->present & HEALTH_TEMP_C) {
        db_bind_double(stmt, 11, health->temp_c);
    }
    if (health->present & HEALTH_POWER_MW) {
        db_bind_double(stmt, 12, health->power_mw);
    }
    if (health->present & HEALTH_QUEUED) {
        db_bind_int(stmt, 13, health->queued);
    }
    if (health->present & HEALTH_REJECTED) {
        db_bind_int(stmt, 14, health->rejected);
    }
    if (health->present & HEALTH_INFERRED) {
        db_bind_int(stmt, 15, health->inferred);
    }
    if (health->present & HEALTH_STATE) {
        db_bind_text(stmt, 16, health->state);
    }
    if (health->present & HEALTH_CLOCK_DOUBT_MS) {
        db_bind_int(stmt, 17, health->clock_doubt_ms);
    }
}

enum status node_health_add(struct db *db, const struct node_news *news, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_HEALTH);
    db_bind_int(stmt, 1, news->node_id);
    db_bind_int(stmt, 2, news->report_ms);
    db_bind_int(stmt, 3, news->cohort_id);
    db_bind_int(stmt, 4, news->below_floor);
    db_bind_int(stmt, 5, news->reports);
    db_bind_int(stmt, 6, news->predictions);
    db_bind_int(stmt, 7, news->dropped);
    if (news->derived) {
        db_bind_blob(stmt, 18, news->derived, 32);
    }
    if (news->health) {
        db_bind_int(stmt, 8, news->health_ms);
        bind_health(stmt, news->health);
    }
    return db_run(db, stmt, err);
}

static void copy_text(char *ret_text, size_t size, sqlite3_stmt *stmt, int column)
{
    (void)snprintf(ret_text, size, "%s", db_column_text(stmt, column));
}

enum status cohorts_load(struct db *db,
                         enum status (*each)(void *context, const struct cohort *cohort,
                                             int64_t id, struct err *err),
                         void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_COHORTS);
    bool row = true;
    enum status status = db_step(db, stmt, &row, err);
    while (status == OK && row) {
        struct cohort cohort;
        memset(&cohort, 0, sizeof cohort);
        db_column_blob(stmt, 1, cohort.artifact, sizeof cohort.artifact);
        copy_text(cohort.model, sizeof cohort.model, stmt, 2);
        copy_text(cohort.arm, sizeof cohort.arm, stmt, 3);
        for (int i = 0; i < COHORT_LABELS; i++) {
            copy_text(cohort.labels[i], sizeof cohort.labels[i], stmt, 4 + i);
        }
        status = each(context, &cohort, db_column_int(stmt, 0), err);
        if (status == OK) {
            status = db_step(db, stmt, &row, err);
        }
    }
    return status;
}

enum status streams_load(struct db *db, int64_t node_id,
                         enum status (*each)(void *context, const struct stream_row *row,
                                             struct err *err),
                         void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REPORTS, REPORTS_STREAMS);
    db_bind_int(stmt, 1, node_id);
    bool more = true;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct stream_row row = {
            .node_id = db_column_int(stmt, 0),
            .stream = db_column_int(stmt, 1),
            .highest = db_column_int(stmt, 2),
        };
        db_column_blob(stmt, 3, row.ring, sizeof row.ring);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
