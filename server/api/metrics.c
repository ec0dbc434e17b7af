/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/metrics.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/api/metric.h"
#include "server/api/metrics_fleet.h"
#include "server/service/fleet.h"
#include "server/service/health.h"
#include "server/service/publication.h"

enum { TEXT_BYTES_MAX = 1024 * 1024 };

static void add_answers(struct buf *out, const struct http_counters *counters)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const char *name = "muster_http_answers_total";
    metric_head(out, name, "counter", "Requests by class of the answer; none: cut off.");
    for (size_t i = 0; i < 6; i++) {
        buf_addf(out, "%s{class=\"%s\"} %" PRIu64 "\n", name, classes[i],
                 counters->requests_by_class[i]);
    }
}

static void add_routes(struct buf *out, const struct metrics_sources *sources)
{
    const char *requests = "muster_http_requests_total";
    const char *seconds = "muster_http_request_seconds_total";
    metric_head(out, requests, "counter", "Requests by route.");
    for (size_t i = 0; i < sources->route_count; i++) {
        buf_addf(out, "%s{method=\"%s\",route=\"%s\"} %" PRIu64 "\n", requests,
                 sources->routes[i].method, sources->routes[i].path,
                 http_route_requests(sources->http, i));
    }
    metric_head(out, seconds, "counter",
                "Time from request line to completion by route.");
    for (size_t i = 0; i < sources->route_count; i++) {
        buf_addf(out, "%s{method=\"%s\",route=\"%s\"}", seconds,
                 sources->routes[i].method, sources->routes[i].path);
        metric_end_seconds(out, http_route_total_us(sources->http, i));
    }
}

static void add_http(struct buf *out, const struct metrics_sources *sources)
{
    struct http_counters http;
    http_counters_read(sources->http, &http);
    const struct metric samples[] = {
        {"muster_http_connections", "gauge", "Open connections.", http.connections},
        {"muster_http_in_flight", "gauge", "Requests being handled.", http.in_flight},
        {"muster_http_streams", "gauge", "Open streams of events.", http.streams},
        {"muster_http_refused_connections_total", "counter",
         "Connections beyond a limit, answered 503.", http.refused_connections},
        {"muster_http_framing_refused_total", "counter",
         "Requests refused for their head.", http.framing_refused},
        {"muster_http_limited_by_address_total", "counter",
         "Requests answered 429 for their address.", http.limited_by_address},
        {"muster_http_limited_by_node_total", "counter",
         "Reports answered 429 for their node.", http.limited_by_node},
        {"muster_http_overloaded_total", "counter",
         "Requests answered 503 because a queue or the memory for bodies was full.",
         http.overloaded},
        {"muster_http_deadline_closed_total", "counter",
         "Connections closed for being late or idle.", http.deadline_closed},
    };
    metric_add_all(out, samples, sizeof samples / sizeof samples[0]);
    add_answers(out, &http);
    add_routes(out, sources);
}

static void add_store(struct buf *out, const struct service_health *health)
{
    const struct metric samples[] = {
        {"muster_store_healthy", "gauge", "1 if the last commit worked.", health->writer},
        {"muster_store_damaged", "gauge", "1 if damage was seen in the database.",
         health->damaged},
        {"muster_store_groups_total", "counter", "Transactions.", health->groups},
        {"muster_store_jobs_total", "counter", "Writing jobs.", health->jobs},
        {"muster_store_commit_failures_total", "counter", "Failed commits.",
         health->commit_failures},
        {"muster_store_sums_capped_total", "counter",
         "Times that a sum stayed at 2^62 - 1 instead of growing.", health->sums_capped},
        {"muster_store_gate_closings_total", "counter",
         "Times that readers had to wait for the log file.", health->gate_closings},
        {"muster_store_checkpoints_total", "counter",
         "Passes that copied the log file into the database.", health->checkpoints},
        {"muster_store_wal_bytes", "gauge", "Size of the log file.", health->wal_bytes},
        {"muster_store_database_bytes", "gauge", "Size of the database.",
         health->database_bytes},
        {"muster_store_wal_pinned", "gauge",
         "1 while a reader outside keeps the log file from being reused.",
         health->wal_pinned},
        {"muster_store_used_bytes", "gauge",
         "Pages in use; the rest of the database is free.", health->retention.used_bytes},
    };
    const char *queued = "muster_store_queued_jobs";
    metric_add_all(out, samples, sizeof samples / sizeof samples[0]);
    metric_add_seconds(out, "muster_store_commit_seconds_total", "counter",
                       "Time spent in commits.", health->commit_us);
    metric_head(out, queued, "gauge", "Jobs that wait for the database.");
    metric_add_sample(out, queued, "queue", "write", (int64_t)health->writes_waiting);
    metric_add_sample(out, queued, "queue", "read", (int64_t)health->reads_waiting);
}

static void add_ingest(struct buf *out, const struct ingest_counters *ingest)
{
    const struct metric samples[] = {
        {"muster_reports_total", "counter", "Reports stored.", ingest->reports},
        {"muster_predictions_total", "counter", "Predictions stored as rows.",
         ingest->rows},
        {"muster_summaries_total", "counter", "Summaries stored.", ingest->summaries},
        {"muster_summarised_predictions_total", "counter",
         "Predictions that summaries tell of.", ingest->summarised},
        {"muster_report_duplicates_total", "counter", "Reports answered again.",
         ingest->duplicates},
        {"muster_report_conflicts_total", "counter",
         "Reports with a used seq and another body.", ingest->conflicts},
        {"muster_report_unknown_artifacts_total", "counter",
         "Reports of artifacts never published.", ingest->unknown_artifacts},
        {"muster_predictions_implausible_total", "counter",
         "Predictions with an implausible time.", ingest->implausible},
    };
    metric_add_all(out, samples, sizeof samples / sizeof samples[0]);
}

static void add_retention(struct buf *out, const struct retention_counters *retention)
{
    const struct metric samples[] = {
        {"muster_retention_steps_total", "counter", "Steps that deleted something.",
         retention->steps},
        {"muster_retention_failures_total", "counter", "Steps that failed.",
         retention->failures},
    };
    metric_add_all(out, samples, sizeof samples / sizeof samples[0]);
    metric_add_seconds(out, "muster_retention_seconds_total", "counter",
                       "Time spent in those steps.", retention->step_us_total);
    metric_add_seconds(out, "muster_retention_step_seconds_max", "gauge",
                       "The longest of them.", retention->step_us_max);
    const char *deleted = "muster_retention_deleted_total";
    const char *from = "muster_retention_complete_from_seconds";
    metric_head(out, deleted, "counter", "Rows deleted by retention.");
    for (int i = 0; i < RETENTION_COUNTERS; i++) {
        metric_add_sample(out, deleted, "kind", retention->kinds[i].kind,
                          (int64_t)retention->kinds[i].deleted);
    }
    metric_head(out, from, "gauge", "Nothing from then on was deleted; 0: nothing ever.");
    for (int i = 0; i < RETENTION_COUNTERS; i++) {
        metric_add_sample(out, from, "kind", retention->kinds[i].kind,
                          retention->kinds[i].complete_from_ms / 1000);
    }
}

static void add_tuf(struct buf *out, const struct service_health *health)
{
    const char *version = "muster_tuf_version";
    const char *seconds = "muster_tuf_seconds_to_expiry";
    int64_t now_ms = clock_wall_ms();
    metric_head(
        out, version, "gauge",
        "Published metadata versions, of delegated roles too; none before the first.");
    for (size_t i = 0; i < health->role_count; i++) {
        metric_add_sample(out, version, "role", health->roles[i].name,
                          health->roles[i].version);
    }
    metric_head(out, seconds, "gauge", "Life that is left; negative once expired.");
    for (size_t i = 0; i < health->role_count; i++) {
        metric_add_sample(out, seconds, "role", health->roles[i].name,
                          (health->roles[i].expires_ms - now_ms) / 1000);
    }
}

static void add_program(struct buf *out, const struct service_health *health)
{
    const char *build = "muster_build_info";
    metric_head(out, build, "gauge", "1, with the version that runs.");
    metric_add_sample(out, build, "version", MUSTER_VERSION, 1);
    metric_add_seconds(out, "process_start_time_seconds", "gauge",
                       "When the server began to serve, in seconds since the epoch.",
                       (uint64_t)health->started_ms * 1000);
}

static enum status get_metrics(struct request *request, struct response *response)
{
    const struct metrics_sources *sources = request->context;
    struct service_health health;
    struct fleet_view fleet;
    BUF_AUTO out = BUF_INIT(TEXT_BYTES_MAX);
    enum status status =
        service_health_read(sources->service, &request->arena, &health, &request->err);
    if (status == OK) {
        status = fleet_read(sources->service, &request->arena, &fleet, &request->err);
    }
    if (status != OK) {
        return status;
    }
    add_program(&out, &health);
    metrics_add_fleet(&out, &fleet);
    add_http(&out, sources);
    add_store(&out, &health);
    add_ingest(&out, &health.ingest);
    add_retention(&out, &health.retention);
    add_tuf(&out, &health);
    status = buf_status(&out, &request->err);
    if (status == OK) {
        status = response_json(request, response, 200, out.data, out.len);
    }
    response->content_type = "text/plain; version=0.0.4";
    return status;
}

const struct route metrics_routes[] = {
    {.method = "GET",
     .path = "/metrics",
     .summary = "numbers for Prometheus",
     .mode = ROUTE_INLINE,
     .access = ACCESS_PUBLIC,
     .handle = get_metrics},
};

const size_t metrics_routes_count = sizeof metrics_routes / sizeof metrics_routes[0];
