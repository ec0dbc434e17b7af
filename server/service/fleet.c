/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "format/histogram.h"
#include "format/report.h"
#include "format/summary.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "server/service/health.h"
#include "server/service/service.h"
#include "server/service/tally.h"
#include "server/store/fleet.h"
#include "server/store/store.h"

enum {
    WINDOW_S = 60,
    RING = 128,      /* seconds that are remembered */
    CENSUS_MS = 1000 /* a count of the nodes is good for so long */
};

static const int64_t DAY_MS = 86400000;
static const int64_t LOAD_DEADLINE_MS = 600000;

/* What came in one second of the server's time. */
struct second {
    int64_t second;
    int64_t predictions, reports;
};

struct fleet {
    pthread_mutex_t lock; /* guards all up to `ring` */
    struct fleet_totals totals;
    int64_t day_ms;  /* the day that `days` begins with */
    int64_t days[2]; /* that day and the next: a device may be ahead by some minutes */
    int64_t started_s;
    struct second ring[RING];
    pthread_mutex_t counting; /* guards the census */
    struct nodes_census census;
    int64_t census_ms; /* monotonic; 0: none yet */
};

/* ---- totals -------------------------------------------------------------------------
 */

static enum status load(void *context, struct db *db, struct err *err)
{
    struct fleet *fleet = context;
    store_read_longer(db, LOAD_DEADLINE_MS);
    enum status status = fleet_totals_read(db, &fleet->totals, err);
    for (int i = 0; status == OK && i < 2; i++) {
        int64_t from_ms = fleet->day_ms + i * DAY_MS;
        status = fleet_counted(db, from_ms, from_ms + DAY_MS, &fleet->days[i], err);
    }
    return status;
}

enum status fleet_open(struct changes *changes, struct fleet **ret_fleet, struct err *err)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the fleet's totals");
    }
    int64_t now_ms = clock_wall_ms();
    (void)pthread_mutex_init(&fleet->lock, NULL);
    (void)pthread_mutex_init(&fleet->counting, NULL);
    fleet->day_ms = histogram_time_bucket(now_ms, DAY_MS);
    fleet->started_s = now_ms / 1000;
    enum status status = changes_read(changes, load, fleet, err);
    if (status != OK) {
        fleet_free(fleet);
        return status;
    }
    *ret_fleet = fleet;
    return OK;
}

void fleet_free(struct fleet *fleet)
{
    if (fleet) {
        (void)pthread_mutex_destroy(&fleet->lock);
        (void)pthread_mutex_destroy(&fleet->counting);
        free(fleet);
    }
}

/* Goes on to the day of `now_ms`. */
static void turn_day(struct fleet *fleet, int64_t now_ms)
{
    int64_t day_ms = histogram_time_bucket(now_ms, DAY_MS);
    if (day_ms <= fleet->day_ms) {
        return;
    }
    fleet->days[0] = day_ms == fleet->day_ms + DAY_MS ? fleet->days[1] : 0;
    fleet->days[1] = 0;
    fleet->day_ms = day_ms;
}

/* Counts `n` predictions of that device time, where the rollups count them. */
static void count_at(struct fleet *fleet, int64_t at_ms, int64_t received_ms, int64_t n)
{
    int64_t lag_ms = 0;
    bool plausible = !__builtin_sub_overflow(received_ms, at_ms, &lag_ms) &&
                     tally_is_plausible(lag_ms);
    int64_t since_ms = (plausible ? at_ms : received_ms) - fleet->day_ms;
    if (since_ms >= 0 && since_ms < 2 * DAY_MS) {
        fleet->days[since_ms / DAY_MS] += n;
    }
}

static void count_days(struct fleet *fleet, const struct report *report,
                       int64_t received_ms)
{
    turn_day(fleet, received_ms);
    if (report->summary) { /* the rows are samples of it */
        count_at(fleet, report->summary->from_ms, received_ms, report->summary->n);
        return;
    }
    for (size_t row = 0; row < report->rows; row++) {
        count_at(fleet, report->at_ms[row], received_ms, 1);
    }
}

void fleet_count(struct fleet *fleet, const struct report *report, int64_t received_ms)
{
    int64_t predictions = report_predictions(report);
    (void)pthread_mutex_lock(&fleet->lock);
    struct second *second = &fleet->ring[(size_t)(received_ms / 1000) % RING];
    if (second->second != received_ms / 1000) {
        *second = (struct second){.second = received_ms / 1000};
    }
    second->predictions += predictions;
    second->reports++;
    fleet->totals.predictions += predictions;
    fleet->totals.reports++;
    count_days(fleet, report, received_ms);
    (void)pthread_mutex_unlock(&fleet->lock);
}

static void read_totals(struct fleet *fleet, struct fleet_view *view)
{
    int64_t now_s = view->server_ms / 1000;
    int64_t predictions = 0;
    int64_t reports = 0;
    (void)pthread_mutex_lock(&fleet->lock);
    turn_day(fleet, view->server_ms);
    for (int i = 0; i < RING; i++) {
        const struct second *second = &fleet->ring[i];
        bool counts = second->second < now_s && second->second >= now_s - WINDOW_S;
        predictions += counts ? second->predictions : 0;
        reports += counts ? second->reports : 0;
    }
    int64_t run_s = now_s - fleet->started_s;
    view->predictions = fleet->totals.predictions;
    view->reports = fleet->totals.reports;
    view->today = fleet->days[0];
    (void)pthread_mutex_unlock(&fleet->lock);
    double seconds = (double)(run_s < 1 ? 1 : run_s < WINDOW_S ? run_s : WINDOW_S);
    view->predictions_per_s = (double)predictions / seconds;
    view->reports_per_s = (double)reports / seconds;
}

/* ---- nodes --------------------------------------------------------------------------
 */

/* One thread counts, the others wait for what it finds. */
static void read_census(const struct service *service, struct fleet_view *view)
{
    struct fleet *fleet = service->fleet;
    (void)pthread_mutex_lock(&fleet->counting);
    int64_t now_ms = clock_mono_ms();
    if (fleet->census_ms == 0 || now_ms - fleet->census_ms >= CENSUS_MS) {
        nodes_count(service->nodes, view->server_ms, &view->contact, &fleet->census);
        fleet->census_ms = now_ms;
    }
    view->nodes = fleet->census;
    (void)pthread_mutex_unlock(&fleet->counting);
}

static int more_nodes_first(const void *a, const void *b)
{
    const struct fleet_version *x = a;
    const struct fleet_version *y = b;
    if (x->nodes != y->nodes) {
        return x->nodes < y->nodes ? 1 : -1;
    }
    int order = strcmp(x->model, y->model);
    return order != 0 ? order : memcmp(x->artifact, y->artifact, sizeof x->artifact);
}

static enum status read_versions(const struct service *service, struct arena *arena,
                                 struct fleet_view *view, struct err *err)
{
    struct node_run *runs = NULL;
    size_t count = 0;
    enum status status = nodes_runs(service->nodes, arena, &runs, &count, err);
    struct fleet_version *versions =
        status == OK ? arena_array(arena, count + 1, sizeof *versions) : NULL;
    if (!versions) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the versions of a fleet");
    }
    for (size_t i = 0; i < count; i++) {
        struct fleet_version *version = &versions[i];
        struct artifact_info info;
        memcpy(version->model, runs[i].model, sizeof version->model);
        memcpy(version->artifact, runs[i].artifact, sizeof version->artifact);
        version->nodes = runs[i].nodes;
        if (artifacts_find(service->artifacts, runs[i].artifact, &info)) {
            memcpy(version->version, info.version, sizeof version->version);
            memcpy(version->variant, info.variant, sizeof version->variant);
            version->seq = info.seq;
        }
    }
    qsort(versions, count, sizeof *versions, more_nodes_first);
    for (size_t i = FLEET_VERSIONS_MAX; i < count; i++) {
        view->other_versions += versions[i].nodes;
    }
    view->versions = versions;
    view->version_count = count < FLEET_VERSIONS_MAX ? count : FLEET_VERSIONS_MAX;
    return OK;
}

enum status fleet_read(const struct service *service, struct arena *arena,
                       struct fleet_view *ret_view, struct err *err)
{
    struct service_health health;
    struct fleet_view view = {.server_ms = clock_wall_ms(),
                              .contact = contact_limits_of(service->poll_s)};
    enum status status = service_health_read(service, arena, &health, err);
    if (status == OK) {
        status = read_versions(service, arena, &view, err);
    }
    if (status != OK) {
        return status;
    }
    read_totals(service->fleet, &view);
    read_census(service, &view);
    view.duplicates = health.ingest.duplicates;
    view.refused = health.ingest.conflicts;
    view.database_bytes = health.database_bytes;
    view.wal_bytes = health.wal_bytes;
    view.roles = health.roles;
    view.role_count = health.role_count;
    *ret_view = view;
    return OK;
}
