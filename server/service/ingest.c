/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/ingest.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "format/summary.h"
#include "server/service/cohorts.h"
#include "server/service/dedupe.h"
#include "server/service/id_clock.h"
#include "server/service/ingest_nodes.h"
#include "server/service/tally.h"
#include "server/store/reports.h"
#include "server/store/store.h"

static_assert((int)INGEST_LABELS == (int)COHORT_LABELS, "one number of labels");
static_assert((int)INGEST_LABEL_BYTES == (int)COHORT_LABEL_BYTES, "one size of labels");

enum { ID_TIME_SHIFT = 12 };

/* What the running transaction changes of one node. */
struct pending {
    struct pending *next;
    struct ingest_node *node;
    struct dedupe dedupe;
    struct dedupe_stream *replacement; /* for node->streams, made before COMMIT */
    struct node_news news;
};

/* A report that waits for COMMIT. */
struct accepted {
    int64_t node_id;
    const struct report *report;
    int64_t received_ms;
};

struct ingest {
    struct ingest_sources sources;
    struct ingest_nodes nodes;
    struct cohorts cohorts;
    struct id_clock clock;
    int64_t next_id; /* committed */
    /* The running transaction. */
    int64_t pending_next_id;
    struct pending *pending;
    struct tally tally;
    struct accepted *accepted;
    size_t accepted_count, accepted_capacity;
    struct ingest_counters gathered; /* counted at COMMIT */
    int64_t lag_ms[REPORT_ROWS_MAX];
    /* Read by any thread. */
    _Atomic uint64_t reports, rows, summaries, summarised, duplicates, conflicts,
        unknown_artifacts, implausible;
};

static struct dedupe dedupe_of(const struct ingest_node *node)
{
    if (node->pending) {
        return node->pending->dedupe;
    }
    struct dedupe dedupe = {.count = node->count};
    for (int i = 0; i < node->count; i++) {
        dedupe.streams[i] = node->streams[i];
    }
    return dedupe;
}

static enum status pending_of(struct ingest *ingest, struct ingest_node *node,
                              struct pending **ret_pending, struct err *err)
{
    if (!node->pending) {
        struct pending *pending = calloc(1, sizeof *pending);
        if (!pending) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a report");
        }
        pending->node = node;
        pending->dedupe = dedupe_of(node);
        pending->news.node_id = node->node_id;
        pending->next = ingest->pending;
        ingest->pending = pending;
        node->pending = pending;
    }
    *ret_pending = node->pending;
    return OK;
}

static enum status refuse(struct ingest *ingest, enum dedupe_verdict verdict,
                          int64_t node_id, const struct report *report, struct err *err)
{
    switch (verdict) {
    case DEDUPE_CONFLICT:
        (void)atomic_fetch_add(&ingest->conflicts, 1);
        log_event(LOG_LEVEL_WARNING, "stream_conflict", log_int("node", node_id),
                  log_int("stream", report->stream), log_int("seq", report->seq));
        return err_set(err, ERR_REPORT_STREAM_CONFLICT,
                       "stream %lld has another report with seq %lld",
                       (long long)report->stream, (long long)report->seq);
    case DEDUPE_SEQ_OLD:
        return err_set(err, ERR_REPORT_SEQ_OLD, "seq %lld is older than the last 16",
                       (long long)report->seq);
    case DEDUPE_STREAM_OLD:
        return err_set(err, ERR_REPORT_STREAM_OLD,
                       "stream %lld is older than the newest four",
                       (long long)report->stream);
    case DEDUPE_NEW:
    case DEDUPE_DUPLICATE:
        break;
    }
    return OK;
}

static enum status bad_class(unsigned class_index, size_t classes, struct err *err)
{
    return err_set(err, ERR_REPORT_CLASS, "class %u of a model with %zu classes",
                   class_index, classes);
}

/* The classes of a summary ascend. */
static enum status check_summary(const struct summary *summary, size_t classes,
                                 struct err *err)
{
    const struct summary_cells *counted = &summary->classes;
    size_t at = 0;
    while (at < counted->count && counted->cells[at].index < classes) {
        at++;
    }
    if (classes == 0 || at == counted->count) {
        return OK;
    }
    enum status status = bad_class(counted->cells[at].index, classes, err);
    err_set_pointer(err, "/summary/class/index/%zu", at);
    return status;
}

static enum status check_classes(const struct report *report, size_t classes,
                                 struct err *err)
{
    for (size_t row = 0; classes > 0 && row < report->rows; row++) {
        if (report->class_index[row] < classes) {
            continue;
        }
        enum status status = bad_class(report->class_index[row], classes, err);
        err_set_pointer(
            err, report->by_rows ? "/predictions/%zu/class" : "/predictions/class/%zu",
            row);
        return status;
    }
    return OK;
}

static enum status check_artifact(struct ingest *ingest, const struct report *report,
                                  bool *ret_known, struct err *err)
{
    struct ingest_artifact artifact = {0};
    *ret_known = ingest->sources.find_artifact(ingest->sources.context, report->artifact,
                                               &artifact);
    if (!*ret_known) {
        return OK;
    }
    if (strcmp(artifact.model, report->model) != 0) {
        enum status status =
            err_set(err, ERR_REPORT_MODEL, "the artifact is one of '%s', not of '%s'",
                    artifact.model, report->model);
        err_set_pointer(err, "/model");
        return status;
    }
    enum status status = check_classes(report, artifact.classes, err);
    return status == OK && report->summary
               ? check_summary(report->summary, artifact.classes, err)
               : status;
}

static enum status resolve_cohort(struct ingest *ingest, struct db *db, int64_t node_id,
                                  const struct report *report, int64_t *ret_id,
                                  struct err *err)
{
    char labels[INGEST_LABELS][INGEST_LABEL_BYTES] = {{0}};
    struct cohort cohort;
    memset(&cohort, 0, sizeof cohort);
    ingest->sources.cohort_labels(ingest->sources.context, node_id, labels);
    memcpy(cohort.artifact, report->artifact, sizeof cohort.artifact);
    (void)snprintf(cohort.model, sizeof cohort.model, "%s", report->model);
    (void)snprintf(cohort.arm, sizeof cohort.arm, "none");
    for (int i = 0; i < INGEST_LABELS; i++) {
        memcpy(cohort.labels[i], labels[i], strnlen(labels[i], INGEST_LABEL_BYTES - 1));
    }
    return cohorts_resolve(&ingest->cohorts, db, &cohort, ret_id, err);
}

static void measure_lags(struct ingest *ingest, const struct report *report,
                         struct report_place *place)
{
    for (size_t row = 0; row < report->rows; row++) {
        int64_t received_ms = (place->first_id + (int64_t)row) >> ID_TIME_SHIFT;
        ingest->lag_ms[row] = tally_lag_ms(received_ms, report->at_ms[row]);
    }
    if (report->summary) {
        place->summary_lag_ms =
            tally_lag_ms(place->first_id >> ID_TIME_SHIFT, report->summary->from_ms);
    }
}

static enum status remember(struct ingest *ingest, int64_t node_id,
                            const struct report *report, int64_t received_ms,
                            struct err *err)
{
    if (ingest->accepted_count == ingest->accepted_capacity) {
        size_t capacity = ingest->accepted_capacity ? ingest->accepted_capacity * 2 : 64;
        struct accepted *accepted =
            realloc(ingest->accepted, capacity * sizeof *accepted);
        if (!accepted) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a report");
        }
        ingest->accepted = accepted;
        ingest->accepted_capacity = capacity;
    }
    ingest->accepted[ingest->accepted_count++] = (struct accepted){
        .node_id = node_id, .report = report, .received_ms = received_ms};
    return OK;
}

static void add_news(struct node_news *news, const struct report_place *place,
                     const struct report *report)
{
    news->report_ms = place->first_id >> ID_TIME_SHIFT;
    news->cohort_id = place->cohort_id;
    news->below_floor = report->below_floor;
    news->derived = report->has_derived ? report->derived : NULL;
    news->reports++;
    news->predictions += report_predictions(report);
    news->dropped += report->dropped;
    if (report->health.present) {
        news->health = &report->health;
        news->health_ms = news->report_ms;
    }
}

/* Everything that writes; a failure in here costs the group. */
static enum status store_report(struct ingest *ingest, struct db *db,
                                struct ingest_node *node, struct report_place *place,
                                const struct report *report, struct err *err)
{
    struct pending *pending = NULL;
    int64_t implausible = 0;
    enum status status = pending_of(ingest, node, &pending, err);
    if (status == OK) {
        status =
            resolve_cohort(ingest, db, node->node_id, report, &place->cohort_id, err);
    }
    if (status == OK) {
        status = reports_insert(db, place, report, ingest->lag_ms, err);
    }
    if (status == OK) {
        status =
            tally_add(&ingest->tally, place, report, ingest->lag_ms, &implausible, err);
    }
    if (status == OK) {
        status = remember(ingest, node->node_id, report, place->first_id >> ID_TIME_SHIFT,
                          err);
    }
    if (status != OK) {
        return status;
    }
    struct dedupe_slot slot = {
        .first_id = place->first_id,
        .rows = (uint32_t)report->rows,
        .hash = report->body_hash,
    };
    (void)dedupe_note(&pending->dedupe, report->stream, report->seq, slot);
    add_news(&pending->news, place, report);
    /* A report of no rows uses an id as well: first_id names the report. */
    ingest->pending_next_id =
        place->first_id + (report->rows ? (int64_t)report->rows : 1);
    ingest->gathered.reports++;
    ingest->gathered.rows += report->rows;
    if (report->summary) {
        ingest->gathered.summaries++;
        ingest->gathered.summarised += report->summary->n;
    }
    ingest->gathered.implausible += (uint64_t)implausible;
    ingest->gathered.unknown_artifacts += place->known ? 0 : 1;
    return OK;
}

enum status ingest_apply(struct ingest *ingest, struct db *db, int64_t node_id,
                         const struct report *report, struct ack *ret_ack,
                         struct err *err)
{
    assert(report->rows <= REPORT_ROWS_MAX);
    struct ingest_node *node = NULL;
    enum status status = ingest_nodes_get(&ingest->nodes, db, node_id, &node, err);
    if (status != OK) {
        return status;
    }
    struct dedupe dedupe = dedupe_of(node);
    struct dedupe_slot seen = {0};
    enum dedupe_verdict verdict =
        dedupe_check(&dedupe, report->stream, report->seq, report->body_hash, &seen);
    if (verdict == DEDUPE_DUPLICATE) {
        ingest->gathered.duplicates++;
        *ret_ack = (struct ack){.first_id = seen.first_id,
                                .rows = seen.rows,
                                .duplicate = true,
                                .server_ms = clock_wall_ms()};
        return OK;
    }
    struct report_place place = {.node_id = node_id};
    status = refuse(ingest, verdict, node_id, report, err);
    if (status == OK) {
        status = check_artifact(ingest, report, &place.known, err);
    }
    if (status != OK) {
        return status;
    }
    int64_t now_id = id_clock_now(&ingest->clock) << ID_TIME_SHIFT;
    place.first_id = now_id > ingest->pending_next_id ? now_id : ingest->pending_next_id;
    measure_lags(ingest, report, &place);
    status = store_report(ingest, db, node, &place, report, err);
    if (status != OK) {
        store_fail_group(db);
        return status;
    }
    *ret_ack = (struct ack){.first_id = place.first_id,
                            .rows = (int64_t)report->rows,
                            .server_ms = clock_wall_ms()};
    return OK;
}

static const struct dedupe_stream *committed_stream(const struct ingest_node *node,
                                                    int64_t stream)
{
    for (int i = 0; i < node->count; i++) {
        if (node->streams[i].stream == stream) {
            return &node->streams[i];
        }
    }
    return NULL;
}

/* Writes the streams of a node that changed and removes those that gave way. */
static enum status flush_streams(const struct pending *pending, struct db *db,
                                 struct err *err)
{
    const struct ingest_node *node = pending->node;
    enum status status = OK;
    for (int i = 0; status == OK && i < node->count; i++) {
        if (!dedupe_find(&pending->dedupe, node->streams[i].stream)) {
            status = stream_remove(db, node->node_id, node->streams[i].stream, err);
        }
    }
    for (int i = 0; status == OK && i < pending->dedupe.count; i++) {
        const struct dedupe_stream *stream = &pending->dedupe.streams[i];
        const struct dedupe_stream *before = committed_stream(node, stream->stream);
        if (before && memcmp(before, stream, sizeof *stream) == 0) {
            continue;
        }
        struct stream_row row = {
            .node_id = node->node_id,
            .stream = stream->stream,
            .highest = stream->highest,
        };
        dedupe_pack(stream, row.ring);
        status = stream_put(db, &row, err);
    }
    return status;
}

static enum status make_replacement(struct pending *pending, struct err *err)
{
    size_t bytes = (size_t)pending->dedupe.count * sizeof pending->dedupe.streams[0];
    pending->replacement = malloc(bytes);
    if (!pending->replacement) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the streams of a node");
    }
    memcpy(pending->replacement, pending->dedupe.streams, bytes);
    return OK;
}

static enum status flush(void *context, struct db *db, struct err *err)
{
    struct ingest *ingest = context;
    enum status status = OK;
    for (struct pending *pending = ingest->pending; status == OK && pending;
         pending = pending->next) {
        if (pending->news.reports == 0) {
            continue;
        }
        status = make_replacement(pending, err);
        if (status == OK) {
            status = flush_streams(pending, db, err);
        }
        if (status == OK) {
            status = node_health_add(db, &pending->news, err);
        }
    }
    return status == OK ? tally_write(&ingest->tally, db, err) : status;
}

static void end_transaction(struct ingest *ingest)
{
    while (ingest->pending) {
        struct pending *pending = ingest->pending;
        ingest->pending = pending->next;
        pending->node->pending = NULL;
        free(pending->replacement);
        free(pending);
    }
    tally_reset(&ingest->tally);
    ingest->accepted_count = 0;
    ingest->gathered = (struct ingest_counters){0};
    ingest->pending_next_id = ingest->next_id;
    ingest_nodes_age(&ingest->nodes);
}

static void publish_counters(struct ingest *ingest)
{
    const struct ingest_counters *gathered = &ingest->gathered;
    (void)atomic_fetch_add(&ingest->reports, gathered->reports);
    (void)atomic_fetch_add(&ingest->rows, gathered->rows);
    (void)atomic_fetch_add(&ingest->summaries, gathered->summaries);
    (void)atomic_fetch_add(&ingest->summarised, gathered->summarised);
    (void)atomic_fetch_add(&ingest->duplicates, gathered->duplicates);
    (void)atomic_fetch_add(&ingest->unknown_artifacts, gathered->unknown_artifacts);
    (void)atomic_fetch_add(&ingest->implausible, gathered->implausible);
}

static void committed(void *context)
{
    struct ingest *ingest = context;
    ingest->next_id = ingest->pending_next_id;
    for (struct pending *pending = ingest->pending; pending; pending = pending->next) {
        if (pending->replacement) {
            struct dedupe_stream *before = pending->node->streams;
            pending->node->streams = pending->replacement;
            pending->node->count = pending->dedupe.count;
            pending->replacement = before;
        }
    }
    cohorts_commit(&ingest->cohorts);
    publish_counters(ingest);
    for (size_t i = 0; ingest->sources.reported && i < ingest->accepted_count; i++) {
        const struct accepted *accepted = &ingest->accepted[i];
        ingest->sources.reported(ingest->sources.context, accepted->node_id,
                                 accepted->report, accepted->received_ms);
    }
    end_transaction(ingest);
}

static void rolled_back(void *context)
{
    struct ingest *ingest = context;
    cohorts_roll_back(&ingest->cohorts);
    end_transaction(ingest);
}

static enum status load(void *context, struct db *db, struct err *err)
{
    struct ingest *ingest = context;
    int64_t newest = 0;
    enum status status = reports_newest_id(db, &newest, err);
    ingest->next_id = newest + 1;
    ingest->pending_next_id = newest + 1;
    return status == OK ? cohorts_init(&ingest->cohorts, db, err) : status;
}

enum status ingest_open(struct store *store, const struct ingest_sources *sources,
                        struct ingest **ret_ingest, struct err *err)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (!ingest) {
        return err_set(err, ERR_NO_MEMORY, "no memory for ingest");
    }
    ingest->sources = *sources;
    id_clock_init(&ingest->clock);
    ingest_nodes_init(&ingest->nodes, INGEST_NODES_MAX);
    /* On the writer: loading may take longer than a reader's deadline. */
    enum status status = store_call(store, JOB_WRITER, load, ingest, err);
    if (status != OK) {
        ingest_close(ingest);
        return status;
    }
    struct store_hooks hooks = {
        .context = ingest,
        .flush = flush,
        .committed = committed,
        .rolled_back = rolled_back,
    };
    store_set_hooks(store, &hooks);
    *ret_ingest = ingest;
    return OK;
}

void ingest_close(struct ingest *ingest)
{
    if (!ingest) {
        return;
    }
    end_transaction(ingest);
    ingest_nodes_release(&ingest->nodes);
    cohorts_release(&ingest->cohorts);
    tally_release(&ingest->tally);
    free(ingest->accepted);
    free(ingest);
}

void ingest_counters_read(const struct ingest *ingest,
                          struct ingest_counters *ret_counters)
{
    *ret_counters = (struct ingest_counters){
        .reports = atomic_load(&ingest->reports),
        .rows = atomic_load(&ingest->rows),
        .summaries = atomic_load(&ingest->summaries),
        .summarised = atomic_load(&ingest->summarised),
        .duplicates = atomic_load(&ingest->duplicates),
        .conflicts = atomic_load(&ingest->conflicts),
        .unknown_artifacts = atomic_load(&ingest->unknown_artifacts),
        .implausible = atomic_load(&ingest->implausible),
    };
}
