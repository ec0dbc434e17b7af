/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "server/api/handlers.h"
#include "server/api/metrics.h"
#include "server/api/routes.h"
#include "server/events.h"
#include "server/heartbeat.h"
#include "server/http/http.h"
#include "server/service/checker.h"
#include "server/service/ingest.h"
#include "server/service/retention.h"
#include "server/service/service.h"
#include "server/service/table.h"
#include "server/store/store.h"
#include "server/supervisor.h"
#include "server/workers.h"

enum { WORKER_QUEUE_MAX = 1000, METRICS_DRAIN_MS = 1000, BEATS = 4 };

struct server {
    struct store *store;
    struct service *service;
    struct workers *workers;
    struct checker *checker;
    struct http *http;
    struct events *events;
    struct http *metrics;
    struct metrics_sources sources;
    struct heartbeat heartbeat;
    atomic_bool lost; /* the store gave up */
    char labels[256]; /* the keys of config->cohort_labels, cut apart */
};

/* store_options.lost: the main thread waits for a signal. */
static void end_server(void *context)
{
    struct server *server = context;
    atomic_store(&server->lost, true);
    (void)kill(getpid(), SIGTERM);
}

/* http_options.submit */
static enum status submit(void *submit_context, enum job_place place, struct job *job,
                          struct err *err)
{
    struct server *server = submit_context;
    switch (place) {
    case JOB_READER:
    case JOB_WRITER:
        return store_submit(server->store, place, job, err);
    case JOB_WORKER:
        return workers_submit(server->workers, job, err);
    }
    return err_set(err, ERR_INTERNAL, "no such place for a job");
}

static struct http_limits limits_of(const struct config *config)
{
    struct http_limits limits = http_limits_default();
    limits.threads = (unsigned)config->threads;
    limits.max_connections = (unsigned)config->max_connections;
    limits.max_connections_per_address = (unsigned)config->max_connections_per_address;
    limits.max_streams = (unsigned)config->max_streams;
    limits.head_timeout_ms = config->head_timeout_ms;
    limits.body_timeout_ms = config->body_timeout_ms;
    limits.idle_timeout_ms = config->idle_timeout_ms;
    limits.send_timeout_ms = config->send_timeout_ms;
    limits.min_bytes_per_s = (size_t)config->min_bytes_per_s;
    limits.bodies_bytes = (size_t)config->bodies_bytes;
    limits.address_requests_per_s = config->address_requests_per_s;
    limits.address_burst = config->address_burst;
    limits.node_reports_per_s = config->node_reports_per_s;
    limits.node_burst = config->node_burst;
    limits.node_in_flight = (unsigned)config->node_in_flight;
    return limits;
}

static enum status open_store(struct server *server, const struct config *config,
                              struct err *err)
{
    struct store_options options = store_options_default(config->data);
    options.readers = (unsigned)config->readers;
    options.read_deadline_ms = config->read_deadline_ms;
    options.linger_max_us = config->linger_max_us;
    options.wal_limit_bytes = (uint64_t)config->wal_limit_bytes;
    options.lost = end_server;
    options.lost_context = server;
    return store_open(&options, &server->store, err);
}

static enum status split_labels(struct server *server, const struct config *config,
                                struct service_options *options, struct err *err)
{
    size_t count = 0;
    (void)snprintf(server->labels, sizeof server->labels, "%s", config->cohort_labels);
    char *rest = server->labels;
    for (char *key = strsep(&rest, ","); key; key = strsep(&rest, ",")) {
        if (*key == '\0') {
            continue;
        }
        if (count == SERVICE_COHORT_LABELS) {
            return err_set(err, ERR_CONFIG, "cohort_labels: more than %d keys",
                           SERVICE_COHORT_LABELS);
        }
        options->cohort_labels[count++] = key;
    }
    return OK;
}

static enum status open_retention(struct server *server, const struct config *config,
                                  struct err *err)
{
    struct retention_options options = {
        .row_days = config->row_days,
        .sample_days = config->sample_days,
        .minute_days = config->minute_rollup_days,
        .rollup_days = config->rollup_days,
        .row_bytes = config->row_bytes,
    };
    return retention_open(server->store, &options, &server->service->retention, err);
}

static enum status open_service(struct server *server, const struct config *config,
                                struct err *err)
{
    struct service_options options = service_options_default();
    options.store = server->store;
    options.folder = config->data;
    options.poll_s = config->poll_s;
    options.session_ms = config->session_ms;
    options.timestamp_ms = config->timestamp_ms;
    options.artifact_bytes = (uint64_t)config->max_artifact_bytes;
    enum status status = split_labels(server, config, &options, err);
    if (status == OK) {
        status = service_open(&options, &server->service, err);
    }
    if (status != OK) {
        return status;
    }
    struct ingest_sources sources = ingest_sources_of(server->service);
    status = ingest_open(server->store, &sources, &server->service->ingest, err);
    return status == OK ? open_retention(server, config, err) : status;
}

static enum status open_listeners(struct server *server, const struct config *config,
                                  struct err *err)
{
    struct http_options options = {
        .routes = api_routes,
        .route_count = api_routes_count,
        .limits = limits_of(config),
        .context = server->service,
        .authenticate = api_authenticate,
        .submit_context = server,
        .submit = submit,
        .decode = api_decode,
        .quiet = config->log_requests == 0,
    };
    enum status status = http_open(&options, config->listen, &server->http, err);
    if (status != OK || config->metrics_listen[0] == '\0') {
        return status;
    }
    server->sources = (struct metrics_sources){.http = server->http,
                                               .routes = api_routes,
                                               .route_count = api_routes_count,
                                               .service = server->service};
    struct http_options metrics = {
        .routes = metrics_routes,
        .route_count = metrics_routes_count,
        .limits = limits_of(config),
        .context = &server->sources,
        .quiet = true,
    };
    metrics.limits.threads = 1;
    metrics.limits.max_connections = 64;
    metrics.limits.address_requests_per_s = 0;
    return http_open(&metrics, config->metrics_listen, &server->metrics, err);
}

static enum status server_open(struct server *server, const struct config *config,
                               struct err *err)
{
    enum status status = open_store(server, config, err);
    if (status == OK) {
        status = open_service(server, config, err);
    }
    if (status == OK) {
        status = workers_open((unsigned)config->workers, WORKER_QUEUE_MAX,
                              &server->workers, err);
    }
    if (status == OK) {
        status = open_listeners(server, config, err);
    }
    if (status == OK) {
        status = events_start(server->http, server->service, &server->events, err);
    }
    return status == OK
               ? checker_start(server->store, config->check_hours, &server->checker, err)
               : status;
}

static void server_close(struct server *server, int64_t drain_ms)
{
    struct ingest *ingest = server->service ? server->service->ingest : NULL;
    struct retention *retention = server->service ? server->service->retention : NULL;
    checker_stop(server->checker);
    events_stop(server->events);
    http_close(server->metrics, METRICS_DRAIN_MS);
    http_close(server->http, drain_ms);
    workers_close(server->workers);
    service_close(server->service);
    store_close(server->store);
    retention_close(retention);
    ingest_close(ingest);
}

static void end_at_once(void)
{
    _exit(EXIT_FAILURE);
}

static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void announce(const struct server *server, const struct config *config)
{
    if (server->metrics) {
        (void)printf("metrics on %s\n", http_address(server->metrics));
    }
    (void)printf("listening on %s\n", http_address(server->http));
    (void)fflush(stdout);
    log_event(LOG_LEVEL_INFO, "started", log_text("address", http_address(server->http)),
              log_text("data", config->data));
}

static void tell_ready(const struct supervisor *supervisor, const struct server *server)
{
    char message[128];
    (void)snprintf(message, sizeof message, "READY=1\nSTATUS=serving on %s",
                   http_address(server->http));
    supervisor_tell(supervisor, message);
}

/* Until one of `signals`. Meanwhile who started us hears WATCHDOG=1, several times in the
 * time that it allows, as long as the writer gets on. */
static int wait_for_signal(struct server *server, const struct supervisor *supervisor,
                           const sigset_t *signals)
{
    int number = 0;
    int64_t beat_ms = supervisor->watchdog_ms / BEATS;
    if (beat_ms == 0) {
        (void)sigwait(signals, &number);
        return number;
    }
    struct timespec span = {.tv_sec = beat_ms / 1000,
                            .tv_nsec = beat_ms % 1000 * 1000000L};
    heartbeat_start(&server->heartbeat, server->store);
    while ((number = sigtimedwait(signals, NULL, &span)) < 0) {
        if (heartbeat_look(&server->heartbeat)) {
            supervisor_tell(supervisor, "WATCHDOG=1");
        }
    }
    return number;
}

static void open_supervisor(struct supervisor *supervisor)
{
    struct err err = {0};
    if (supervisor_open(supervisor, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "supervisor_not_told",
                  log_text("detail", err.detail));
    }
}

enum status serve(const struct config *config, struct err *err)
{
    /* Blocked before any thread starts, so that only sigwait sees them. */
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    table_on_fatal(end_at_once);
    http_on_panic(end_at_once);
    SUPERVISOR_AUTO supervisor;
    open_supervisor(&supervisor);
    struct server server = {0};
    enum status status = server_open(&server, config, err);
    if (status == OK) {
        announce(&server, config);
        tell_ready(&supervisor, &server);
        int number = wait_for_signal(&server, &supervisor, &signals);
        supervisor_tell(&supervisor, "STOPPING=1\nSTATUS=finishing what is in flight");
        log_event(LOG_LEVEL_INFO, "stopping", log_int("signal", number));
    }
    server_close(&server, config->drain_timeout_ms);
    if (atomic_load(&server.lost)) {
        return err_set(err, ERR_IO,
                       "the database could not be synced; start again: everything that "
                       "was acknowledged is in its log");
    }
    return status;
}
