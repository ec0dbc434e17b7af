/* SPDX-License-Identifier: Apache-2.0 */
/* A small server of server/http alone, for the tests of framing, limits and deadlines.
 *
 *   http_fixture [limit=number ...]     prints "listening on ADDRESS"
 *
 * Its routes cover each mode and right; SIGTERM drains and ends it with 0. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/http/http.h"
#include "server/workers.h"

enum {
    JSON_MAX = 64 * 1024,
    BLOB_MAX = 1024 * 1024,
    FILE_BYTES = 10 * 1024 * 1024,
    STREAM_MAX = 16 * 1024 * 1024,
};

static int blob_fd = -1;

static enum status get_health(struct request *request, struct response *response)
{
    static const char text[] = "{\"status\":\"ok\"}";
    return response_json(request, response, 200, text, sizeof text - 1);
}

static enum status post_echo(struct request *request, struct response *response)
{
    return response_json(request, response, 200, request->body ? request->body : "null",
                         request->body ? request->body_len : 4);
}

static enum status get_item(struct request *request, struct response *response)
{
    int64_t id = 0;
    int64_t pause_ms = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status = request_query_int(request, "pause", 0, 10000, 0, &pause_ms);
    }
    if (status != OK) {
        return status;
    }
    struct timespec span = {.tv_sec = pause_ms / 1000,
                            .tv_nsec = pause_ms % 1000 * 1000000L};
    (void)nanosleep(&span, NULL);
    BUF_AUTO text = BUF_INIT(256);
    buf_addf(&text, "{\"id\":%lld}", (long long)id);
    return response_json(request, response, 200, text.data, text.len);
}

static enum status get_file(struct request *request, struct response *response)
{
    return response_file(request, response, dup(blob_fd), FILE_BYTES, "file-tag");
}

static enum status get_failure(struct request *request, struct response *response)
{
    (void)response;
    request->problem_member = "\"server_ms\":123";
    return err_set(&request->err, ERR_IO, "could not read '/secret/path'");
}

static _Atomic(struct http *) served; /* handlers may run before it is set */

static enum status fill(struct request *request, struct response *response)
{
    int64_t bytes = 0;
    enum status status = request_query_int(request, "bytes", 1, STREAM_MAX, 1, &bytes);
    char *text = status == OK ? arena_alloc(&request->arena, (size_t)bytes) : NULL;
    if (!text) {
        return ERR_NO_MEMORY;
    }
    memset(text, request->path[1], (size_t)bytes);
    response->body = text;
    response->body_len = (size_t)bytes;
    return OK;
}

/* "s..." and then what /publish sends, "p..." */
static enum status get_stream(struct request *request, struct response *response)
{
    response->is_stream = true;
    response->content_type = "text/event-stream";
    request->principal.id = request->principal.role;
    return fill(request, response);
}

static enum status get_publish(struct request *request, struct response *response)
{
    enum status status = fill(request, response);
    if (status == OK) {
        http_publish(served, response->body, response->body_len);
        response->body_len = 1;
    }
    return status;
}

static enum status get_count(struct request *request, struct response *response)
{
    BUF_AUTO text = BUF_INIT(64);
    buf_addf(&text, "{\"streams\":%zu}", http_streams(served));
    return response_json(request, response, 200, text.data, text.len);
}

static bool is_admin(void *context, int64_t principal_id)
{
    (void)context;
    return principal_id == ROLE_ADMIN;
}

/* From now on viewers have no right. */
static enum status get_check(struct request *request, struct response *response)
{
    http_streams_check(served, is_admin, NULL);
    return get_count(request, response);
}

static enum status delete_item(struct request *request, struct response *response)
{
    (void)request;
    response->status = 204;
    return OK;
}

static const struct route routes[] = {
    {.method = "GET", .path = "/healthz", .mode = ROUTE_INLINE, .handle = get_health},
    {.method = "POST",
     .path = "/echo",
     .mode = ROUTE_INLINE,
     .body_max = JSON_MAX,
     .content_type = "application/json",
     .handle = post_echo},
    {.method = "POST",
     .path = "/work",
     .mode = ROUTE_WORKER,
     .body_max = JSON_MAX,
     .content_type = "application/json",
     .handle = post_echo},
    {.method = "PUT",
     .path = "/blob",
     .mode = ROUTE_WORKER,
     .body_max = BLOB_MAX,
     .content_type = "application/octet-stream",
     .handle = delete_item},
    {.method = "GET", .path = "/items/{id}", .mode = ROUTE_WORKER, .handle = get_item},
    {.method = "DELETE",
     .path = "/items/{id}",
     .mode = ROUTE_INLINE,
     .access = ACCESS_OPERATOR,
     .handle = delete_item},
    {.method = "GET", .path = "/file", .mode = ROUTE_WORKER, .handle = get_file},
    {.method = "GET",
     .path = "/stream",
     .mode = ROUTE_INLINE,
     .access = ACCESS_VIEWER,
     .handle = get_stream},
    {.method = "GET", .path = "/publish", .mode = ROUTE_INLINE, .handle = get_publish},
    {.method = "GET", .path = "/count", .mode = ROUTE_INLINE, .handle = get_count},
    {.method = "GET", .path = "/check", .mode = ROUTE_INLINE, .handle = get_check},
    {.method = "GET", .path = "/failure", .mode = ROUTE_INLINE, .handle = get_failure},
};

/* The token is the role's name. */
static enum status authenticate(struct request *request, const char *token)
{
    static const char *const roles[] = {
        [ROLE_NONE] = "none",         [ROLE_VIEWER] = "viewer",
        [ROLE_OPERATOR] = "operator", [ROLE_PUBLISHER] = "publisher",
        [ROLE_ADMIN] = "admin",
    };
    for (int role = ROLE_VIEWER; token && role <= ROLE_ADMIN; role++) {
        if (strcmp(token, roles[role]) == 0) {
            request->principal =
                (struct principal){.kind = PRINCIPAL_API, .role = (enum role)role};
            return OK;
        }
    }
    return err_set(&request->err, ERR_AUTH_REQUIRED, "unknown token");
}

static enum status submit(void *context, enum job_place place, struct job *job,
                          struct err *err)
{
    (void)place;
    return workers_submit(context, job, err);
}

struct setting {
    const char *name;
    int64_t *wide;
    unsigned *narrow;
    size_t *size;
};

/* "head_timeout_ms=1000" */
static bool set_limit(struct http_limits *limits, const char *text)
{
    const struct setting settings[] = {
        {"head_timeout_ms=", &limits->head_timeout_ms, NULL, NULL},
        {"body_timeout_ms=", &limits->body_timeout_ms, NULL, NULL},
        {"idle_timeout_ms=", &limits->idle_timeout_ms, NULL, NULL},
        {"send_timeout_ms=", &limits->send_timeout_ms, NULL, NULL},
        {"max_connections=", NULL, &limits->max_connections, NULL},
        {"max_streams=", NULL, &limits->max_streams, NULL},
        {"max_connections_per_address=", NULL, &limits->max_connections_per_address,
         NULL},
        {"min_bytes_per_s=", NULL, NULL, &limits->min_bytes_per_s},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        size_t len = strlen(settings[i].name);
        if (strncmp(text, settings[i].name, len) != 0) {
            continue;
        }
        long value = strtol(text + len, NULL, 10);
        if (settings[i].wide) {
            *settings[i].wide = value;
        } else if (settings[i].size) {
            *settings[i].size = (size_t)value;
        } else {
            *settings[i].narrow = (unsigned)value;
        }
        return true;
    }
    return false;
}

static int serve(const struct http_options *options, const sigset_t *signals)
{
    struct err err = {0};
    struct http *http = NULL;
    if (http_open(options, "127.0.0.1:0", &http, &err) != OK) {
        (void)fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    served = http;
    (void)printf("listening on %s\n", http_address(http));
    (void)fflush(stdout);
    int signal = 0;
    (void)sigwait(signals, &signal);
    http_close(http, 5000);
    return 0;
}

int main(int argc, char **argv)
{
    sigset_t signals; /* blocked before any thread starts, so that only sigwait sees it */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct http_options options = {.routes = routes,
                                   .route_count = sizeof routes / sizeof routes[0],
                                   .limits = http_limits_default(),
                                   .authenticate = authenticate,
                                   .submit = submit};
    for (int i = 1; i < argc; i++) {
        if (!set_limit(&options.limits, argv[i])) {
            (void)fprintf(stderr, "unknown setting '%s'\n", argv[i]);
            return 2;
        }
    }
    blob_fd = memfd_create("file", MFD_CLOEXEC);
    struct workers *workers = NULL;
    struct err err = {0};
    if (blob_fd < 0 || ftruncate(blob_fd, FILE_BYTES) != 0 ||
        workers_open(2, 1000, &workers, &err) != OK) {
        return 1;
    }
    options.submit_context = workers;
    int status = serve(&options, &signals);
    workers_close(workers);
    (void)close(blob_fd);
    return status;
}
