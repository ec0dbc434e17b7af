/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/node_past.h"

#include <stdlib.h>

#include "server/service/changes.h"
#include "server/service/dedupe.h"
#include "server/store/reports.h"

enum { VERSIONS_MAX = 100, IDS_MAX = DEDUPE_STREAMS * DEDUPE_RING };

static const int64_t HOUR_MS = 3600000;

struct reading {
    int64_t node_id;
    struct node_hours hours;
    struct arena *arena;
    struct node_past past;
    struct dedupe dedupe;
};

static enum status copied(const char *const *texts, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i]) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the past of a node");
        }
    }
    return OK;
}

static enum status add_version(void *context, const struct node_version_row *row,
                               struct err *err)
{
    struct reading *reading = context;
    struct node_version_row copy = *row;
    copy.model = arena_strdup(reading->arena, row->model);
    reading->past.versions[reading->past.version_count++] = copy;
    return copied(&copy.model, 1, err);
}

static enum status add_report(void *context, const struct node_report_row *row,
                              struct err *err)
{
    struct reading *reading = context;
    struct node_report_row copy = *row;
    copy.model = arena_strdup(reading->arena, row->model);
    copy.mode = arena_strdup(reading->arena, row->mode);
    reading->past.reports[reading->past.report_count++] = copy;
    return copied((const char *const[]){copy.model, copy.mode}, 2, err);
}

static enum status add_stream(void *context, const struct stream_row *row,
                              struct err *err)
{
    struct reading *reading = context;
    return dedupe_restore(&reading->dedupe, row->stream, row->highest, row->ring)
               ? OK
               : err_set(err, ERR_DB_CORRUPT, "node %lld has more than four streams",
                         (long long)row->node_id);
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Ids of reports that the rings know, newest first. */
static size_t ids_of(const struct dedupe *dedupe, int64_t ret_ids[static IDS_MAX])
{
    size_t count = 0;
    for (int i = 0; i < dedupe->count; i++) {
        for (int k = 0; k < DEDUPE_RING; k++) {
            int64_t first_id = dedupe->streams[i].ring[k].first_id;
            if (first_id != 0) {
                ret_ids[count++] = first_id;
            }
        }
    }
    qsort(ret_ids, count, sizeof ret_ids[0], newest_first);
    return count < NODE_PAST_REPORTS ? count : NODE_PAST_REPORTS;
}

static enum status read_past(void *context, struct db *db, struct err *err)
{
    struct reading *reading = context;
    int64_t ids[IDS_MAX];
    enum status status =
        node_versions_load(db, &reading->hours, add_version, reading, err);
    if (status == OK) {
        status = streams_load(db, reading->node_id, add_stream, reading, err);
    }
    size_t count = status == OK ? ids_of(&reading->dedupe, ids) : 0;
    for (size_t i = 0; status == OK && i < count; i++) {
        status = node_report_load(db, reading->node_id, ids[i], add_report, reading, err);
    }
    return status;
}

enum status node_past_read(struct changes *changes, int64_t node_id, int64_t now_ms,
                           struct arena *arena, struct node_past *ret_past,
                           struct err *err)
{
    int64_t hour_ms = now_ms / HOUR_MS * HOUR_MS;
    struct reading reading = {
        .node_id = node_id,
        .arena = arena,
        .hours = {.node_id = node_id,
                  .from_ms = hour_ms - NODE_PAST_DAYS * 24 * HOUR_MS,
                  .to_ms = hour_ms + 2 * HOUR_MS}, /* a device may be a little ahead */
    };
    struct node_past *past = &reading.past;
    past->from_ms = reading.hours.from_ms;
    past->versions = arena_array(arena, VERSIONS_MAX, sizeof *past->versions);
    past->reports = arena_array(arena, NODE_PAST_REPORTS, sizeof *past->reports);
    if (!past->versions || !past->reports) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the past of a node");
    }
    enum status status = changes_read(changes, read_past, &reading, err);
    if (status == OK) {
        *ret_past = *past;
    }
    return status;
}
