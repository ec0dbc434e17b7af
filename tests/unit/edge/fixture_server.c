/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/fixture_server.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "format/ack.h"
#include "format/content.h"
#include "format/report.h"

#define SERVER_ID "00112233445566778899aabbccddeeff"

enum { CLOCK_SLACK_MS = 300000, FILE_BYTES = 8 * 1024 * 1024 };

static void problem(struct fixture_answer *answer, int status, const char *code)
{
    answer->status = status;
    buf_reset(&answer->body);
    buf_addf(&answer->body, "{\"code\":\"%s\",\"detail\":\"scripted\"", code);
}

static int64_t now_ms(const struct server *server)
{
    return clock_wall_ms() + server->clock_ms;
}

static void end_problem(const struct server *server, struct fixture_answer *answer)
{
    buf_addf(&answer->body, ",\"server_ms\":%lld}", (long long)now_ms(server));
}

static void enrol(struct server *server, const json_t *body,
                  struct fixture_answer *answer)
{
    const char *key = json_string_value(json_object_get(body, "public_key"));
    const char *token = json_string_value(json_object_get(body, "token"));
    if (!key || !token || strcmp(token, "met_good") != 0 ||
        hex_decode(key, server->public_key, 32, NULL) != OK) {
        problem(answer, 401, "enroll.token");
        end_problem(server, answer);
        return;
    }
    server->enrolments++;
    buf_addf(&answer->body,
             "{\"node_id\":17,\"server_id\":\"" SERVER_ID "\",\"state\":\"active\","
             "\"server_ms\":%lld}",
             (long long)now_ms(server));
}

static bool signature_holds(const struct server *server, const json_t *body,
                            long long at_ms)
{
    const char *nonce = json_string_value(json_object_get(body, "nonce"));
    const char *hex = json_string_value(json_object_get(body, "signature"));
    uint8_t signature[64];
    char text[256];
    int len =
        snprintf(text, sizeof text, "muster-session-v1\n" SERVER_ID "\n17\n%lld\n%s\n",
                 at_ms, nonce ? nonce : "");
    return hex && hex_decode(hex, signature, 64, NULL) == OK &&
           crypto_sign_verify_detached(signature, (const uint8_t *)text,
                                       (unsigned long long)len, server->public_key) == 0;
}

static void session(struct server *server, const json_t *body,
                    struct fixture_answer *answer)
{
    long long at_ms = json_integer_value(json_object_get(body, "at_ms"));
    if (!signature_holds(server, body, at_ms)) {
        problem(answer, 401, "session.signature");
        end_problem(server, answer);
        return;
    }
    if (llabs(at_ms - now_ms(server)) > CLOCK_SLACK_MS) {
        server->signed_wrong_clock++;
        problem(answer, 401, "session.clock");
        end_problem(server, answer);
        return;
    }
    snprintf(server->token, sizeof server->token, "mns_%d", ++server->sessions);
    buf_addf(&answer->body, "{\"token\":\"%s\",\"expires_ms\":%lld,\"server_ms\":%lld",
             server->token, (long long)now_ms(server) + 3600000,
             (long long)now_ms(server));
    if (server->dictionary != 0) {
        buf_addf(&answer->body, ",\"dictionary\":%d", server->dictionary);
    }
    buf_addc(&answer->body, '}');
}

static void assignment(struct server *server, const struct fixture_request *request,
                       struct fixture_answer *answer)
{
    char etag[32];
    server->polls++;
    snprintf(etag, sizeof etag, "\"%08x\"",
             report_body_hash(server->assignment, strlen(server->assignment)));
    snprintf(answer->headers, sizeof answer->headers, "ETag: %s\r\n", etag);
    if (strcmp(request->if_none_match, etag) == 0) {
        server->not_modified++;
        answer->status = 304;
        return;
    }
    buf_addstr(&answer->body, server->assignment);
}

static struct server_report *find_report(struct server *server,
                                         const struct report *report)
{
    for (int i = 0; i < server->report_count; i++) {
        struct server_report *kept = &server->reports[i];
        if (kept->stream == report->stream && kept->seq == report->seq) {
            return kept;
        }
    }
    return NULL;
}

static void copy_report(struct server *server, const struct report *report,
                        struct server_report *kept)
{
    *kept = (struct server_report){.stream = report->stream,
                                   .seq = report->seq,
                                   .dropped = report->dropped,
                                   .sent_ms = report->sent_ms,
                                   .rows = report->rows,
                                   .first_id = ++server->next_id};
    if (report->rows > 0) {
        kept->first_at_ms = report->at_ms[0];
        kept->last_at_ms = report->at_ms[report->rows - 1];
    }
    if (report->summary) {
        kept->has_summary = true;
        kept->summary = *report->summary;
    }
    server->rows_stored += (int)report->rows;
    server->predictions_stored += report->summary ? report->summary->n : report->rows;
}

static void keep_report(struct server *server, const struct report *report, uint32_t hash,
                        struct fixture_answer *answer)
{
    struct server_report *kept = find_report(server, report);
    if (kept && kept->hash != hash) {
        problem(answer, 409, "report.stream_conflict");
        end_problem(server, answer);
        return;
    }
    bool duplicate = kept != NULL;
    if (!kept) {
        assert_true(server->report_count < SERVER_REPORTS);
        kept = &server->reports[server->report_count++];
        copy_report(server, report, kept);
        memcpy(kept->state, report->health.state, sizeof kept->state);
        kept->clock_doubt_ms = report->health.clock_doubt_ms;
        kept->hash = hash;
    }
    kept->copies++;
    struct ack ack = {.first_id = kept->first_id,
                      .rows = (int64_t)kept->rows,
                      .duplicate = duplicate,
                      .server_ms = now_ms(server)};
    ack_encode(&ack, &answer->body);
}

/* RFC 8878, 3.1.1.1.1.6: the two lowest bits of the frame's descriptor. */
static bool has_dictionary(const struct fixture_request *request)
{
    return request->zstd && request->body.len > 4 && (request->body.data[4] & 3) != 0;
}

static void report(struct server *server, const struct fixture_request *request,
                   struct fixture_answer *answer)
{
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    ARENA_AUTO arena = ARENA_INIT(4 * 1024 * 1024);
    struct report decoded;
    struct err err = {0};
    enum status status =
        content_decode(request->zstd ? CONTENT_ZSTD : CONTENT_IDENTITY,
                       request->body.data, request->body.len, &body, &err);
    if (server->unpacks_no_dictionary && has_dictionary(request)) {
        status = err_set(&err, ERR_CONTENT_CORRUPT, "what dictionary?");
    }
    if (status == OK) {
        status = report_decode(body.data, body.len, &arena, &decoded, &err);
    }
    if (status != OK) {
        problem(answer, status_http(status), status_name(status));
        end_problem(server, answer);
        return;
    }
    keep_report(server, &decoded, report_body_hash(body.data, body.len), answer);
    if (server->report_count > 0) {
        struct server_report *kept = &server->reports[server->report_count - 1];
        kept->bytes = request->body.len;
        kept->dictionary = has_dictionary(request);
    }
}

/* As docs/PROTOCOL.md says it of targets: one range, if it is of these bytes. */
static void target(const struct server_file *file, const struct fixture_request *request,
                   const struct server_fault *fault, struct fixture_answer *answer)
{
    char digest[SHA256_HEX_BYTES], etag[SHA256_HEX_BYTES + 2];
    uint8_t sha256[32];
    assert_int_equal(sha256_of(file->data.data, file->data.len, sha256, NULL), OK);
    hex_encode(sha256, sizeof sha256, digest);
    snprintf(etag, sizeof etag, "\"%s\"", digest);
    long long first = 0, last = (long long)file->data.len - 1, total = last + 1;
    bool asked = sscanf(request->range, "bytes=%lld-%lld", &first, &last) >= 1 &&
                 !(fault && fault->no_ranges) &&
                 (!request->if_range[0] || strcmp(request->if_range, etag) == 0);
    if (!asked) {
        first = 0;
        last = total - 1;
    }
    if (first >= total) {
        answer->status = 416;
        return;
    }
    first += fault ? fault->other_range : 0;
    last = last < total ? last : total - 1;
    buf_add(&answer->body, file->data.data + first, (size_t)(last - first + 1));
    answer->status = asked ? 206 : 200;
    int len = snprintf(answer->headers, sizeof answer->headers, "ETag: %s\r\n", etag);
    if (asked) {
        snprintf(answer->headers + len, sizeof answer->headers - (size_t)len,
                 "Content-Range: bytes %lld-%lld/%lld\r\n", first, last, total);
    }
}

static void file(struct server *server, const struct fixture_request *request,
                 const struct server_fault *fault, struct fixture_answer *answer)
{
    for (int i = 0; i < SERVER_FILES; i++) {
        const struct server_file *file = &server->files[i];
        size_t len = strcspn(request->path, "?");
        if (len != strlen(file->path) || strncmp(file->path, request->path, len) != 0) {
            continue;
        }
        if (strncmp(file->path, "/tuf/targets/", 13) == 0) {
            target(file, request, fault, answer);
        } else {
            buf_add(&answer->body, file->data.data, file->data.len);
        }
        return;
    }
    problem(answer, 404, "not_found");
    end_problem(server, answer);
}

/* A signed link for any target; what is asked for is not compared. */
static void sign_link(struct server *server, const json_t *body,
                      struct fixture_answer *answer)
{
    const char *path = json_string_value(json_object_get(body, "path"));
    assert_non_null(path);
    server->links++;
    answer->status = 201;
    buf_addf(&answer->body, "{\"url\":\"/tuf/targets/%s?%s\",\"expires_ms\":1}", path,
             SERVER_LINK_QUERY);
}

static bool needs_token(const struct server *server,
                        const struct fixture_request *request)
{
    const char *path = request->path, *query = strchr(path, '?');
    if (strncmp(path, "/tuf/targets/", 13) == 0) {
        bool linked = query && strcmp(query + 1, SERVER_LINK_QUERY) == 0;
        return !server->open_targets && !linked;
    }
    return strcmp(path, "/v1/assignment") == 0 || strcmp(path, "/v1/reports") == 0 ||
           strcmp(path, "/v1/links") == 0;
}

static void route(struct server *server, const struct fixture_request *request,
                  const struct server_fault *fault, struct fixture_answer *answer)
{
    const char *path = request->path;
    json_t *body = request->body.len > 0 && !request->zstd
                       ? json_loadb(request->body.data, request->body.len, 0, NULL)
                       : NULL;
    if (needs_token(server, request) &&
        (server->token[0] == '\0' || strcmp(request->token, server->token) != 0)) {
        problem(answer, 401, "auth.required");
        end_problem(server, answer);
    } else if (strcmp(path, "/v1/enroll") == 0) {
        enrol(server, body, answer);
    } else if (strcmp(path, "/v1/session") == 0) {
        session(server, body, answer);
    } else if (strcmp(path, "/v1/assignment") == 0) {
        assignment(server, request, answer);
    } else if (strcmp(path, "/v1/links") == 0) {
        sign_link(server, body, answer);
    } else if (strcmp(path, "/v1/reports") == 0) {
        report(server, request, answer);
    } else {
        file(server, request, fault, answer);
    }
    json_decref(body);
}

/* The fault that this request meets, counted. */
static const struct server_fault *take_fault(struct server *server, const char *path)
{
    for (int i = 0; i < SERVER_FAULTS; i++) {
        struct server_fault *fault = &server->faults[i];
        if (!fault->path[0] || !strstr(path, fault->path) || fault->times == 0) {
            continue;
        }
        if (fault->skip > 0) {
            fault->skip--;
            return NULL;
        }
        fault->times -= fault->times > 0;
        return fault;
    }
    return NULL;
}

static void apply(const struct server *server, const struct server_fault *fault,
                  struct fixture_answer *answer)
{
    answer->manner = fault->manner;
    answer->part = fault->part;
    if (fault->instead) {
        answer->status = 200;
        buf_reset(&answer->body);
        buf_add(&answer->body, fault->instead->data, fault->instead->len);
    }
    if (fault->flip && answer->body.len > 0) {
        answer->body.data[answer->body.len / 2] ^= 1;
    }
    if (fault->status != 0) {
        problem(answer, fault->status, fault->code);
        end_problem(server, answer);
        answer->headers[0] = '\0';
        if (fault->retry_after_s > 0) {
            snprintf(answer->headers, sizeof answer->headers, "Retry-After: %d\r\n",
                     fault->retry_after_s);
        }
    }
}

static void note_fetch(struct server *server, const struct fixture_request *request,
                       const struct fixture_answer *answer)
{
    if (strncmp(request->path, "/tuf/targets/", 13) != 0) {
        return;
    }
    if (server->fetch_count < SERVER_FETCHES) {
        struct server_fetch *fetch = &server->fetches[server->fetch_count];
        *fetch =
            (struct server_fetch){.status = answer->status, .bytes = answer->body.len};
        memcpy(fetch->path, request->path, sizeof fetch->path);
        memcpy(fetch->range, request->range, sizeof fetch->range);
        memcpy(fetch->if_range, request->if_range, sizeof fetch->if_range);
        memcpy(fetch->token, request->token, sizeof fetch->token);
    }
    server->fetch_count++;
}

static void handle(void *user, const struct fixture_request *request,
                   struct fixture_answer *answer)
{
    struct server *server = user;
    pthread_mutex_lock(&server->lock);
    server->requests++;
    const struct server_fault *fault = take_fault(server, request->path);
    if (!fault || fault->status == 0 || fault->store) {
        route(server, request, fault, answer);
    }
    if (fault) {
        apply(server, fault, answer);
    }
    note_fetch(server, request, answer);
    pthread_mutex_unlock(&server->lock);
}

void server_start(struct server *server)
{
    *server = (struct server){0};
    pthread_mutex_init(&server->lock, NULL);
    assert_true(sodium_init() >= 0);
    fixture_http_start(&server->http, handle, server);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", server->http.port);
    server_assign(server, "{\"models\":[],\"poll_s\":5}");
}

void server_stop(struct server *server)
{
    fixture_http_stop(&server->http);
    for (int i = 0; i < SERVER_FILES; i++) {
        buf_release(&server->files[i].data);
    }
    pthread_mutex_destroy(&server->lock);
}

void server_put(struct server *server, const char *path, const struct buf *data)
{
    pthread_mutex_lock(&server->lock);
    int i = 0;
    while (i < SERVER_FILES - 1 && server->files[i].path[0] &&
           strcmp(server->files[i].path, path) != 0) {
        i++;
    }
    struct server_file *place = &server->files[i];
    snprintf(place->path, sizeof place->path, "%s", path);
    buf_release(&place->data);
    place->data = BUF_INIT(FILE_BYTES);
    buf_add(&place->data, data->data, data->len);
    pthread_mutex_unlock(&server->lock);
}

void server_fault(struct server *server, const struct server_fault *fault)
{
    pthread_mutex_lock(&server->lock);
    int i = 0;
    while (i < SERVER_FAULTS - 1 && server->faults[i].path[0]) {
        i++;
    }
    server->faults[i] = *fault;
    pthread_mutex_unlock(&server->lock);
}

void server_heal(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    memset(server->faults, 0, sizeof server->faults);
    pthread_mutex_unlock(&server->lock);
}

void server_forget_sessions(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    server->token[0] = '\0';
    pthread_mutex_unlock(&server->lock);
}

void server_assign(struct server *server, const char *json)
{
    pthread_mutex_lock(&server->lock);
    snprintf(server->assignment, sizeof server->assignment, "%s", json);
    pthread_mutex_unlock(&server->lock);
}

struct server_report server_report_at(struct server *server, int index)
{
    pthread_mutex_lock(&server->lock);
    struct server_report report = server->reports[index];
    pthread_mutex_unlock(&server->lock);
    return report;
}

struct server_fetch server_fetch_at(struct server *server, int index)
{
    pthread_mutex_lock(&server->lock);
    struct server_fetch fetch = server->fetches[index];
    pthread_mutex_unlock(&server->lock);
    return fetch;
}

int server_count(struct server *server, const int *counter)
{
    pthread_mutex_lock(&server->lock);
    int value = *counter;
    pthread_mutex_unlock(&server->lock);
    return value;
}
