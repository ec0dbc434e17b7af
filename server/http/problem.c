/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "server/http/request.h"
#include "server/http/response.h"

enum { PROBLEM_BYTES_MAX = 8192, RETRY_AFTER_S = 2 };

/* Whether the detail is for the client, or about the inside of the server. */
static bool is_public(enum status status)
{
    return status_http(status) < 500 || status == ERR_UNAVAILABLE ||
           status == ERR_HTTP_NOT_IMPLEMENTED || status == ERR_DB_DEADLINE;
}

static void write_document(const struct request *request, enum status status,
                           struct buf *out)
{
    struct err err = request->err;
    utf8_mend(err.detail);
    utf8_mend(err.pointer);
    buf_addf(out, "{\"type\":\"urn:muster:error:%s\",\"title\":", status_name(status));
    buf_add_json(out, status_meaning(status));
    buf_addf(out, ",\"status\":%d,\"code\":\"%s\"", status_http(status),
             status_name(status));
    if (err.detail[0] && is_public(status)) {
        buf_addstr(out, ",\"detail\":");
        buf_add_json(out, err.detail);
    }
    if (err.pointer[0]) {
        buf_addstr(out, ",\"errors\":[{\"pointer\":");
        buf_add_json(out, err.pointer);
        buf_addstr(out, "}]");
    }
    if (request->problem_member) {
        buf_addf(out, ",%s", request->problem_member);
    }
    buf_addf(out, ",\"request_id\":\"%s\"}\n", request->id);
}

/* Keeps the headers that explain a refusal: Allow, and Content-Range of a 416. */
static void keep_headers(enum status status, struct response *response)
{
    int kept = 0;
    for (int i = 0; i < response->header_count; i++) {
        const struct response_header *header = &response->headers[i];
        if ((status == ERR_HTTP_METHOD && strcmp(header->name, "Allow") == 0) ||
            (status == ERR_HTTP_RANGE && strcmp(header->name, "Content-Range") == 0)) {
            response->headers[kept++] = *header;
        }
    }
    response->header_count = kept;
}

/* Whole seconds between 1x and 2x of the base, different for every request. */
static const char *retry_after(struct request *request)
{
    unsigned base = request->retry_after_s ? request->retry_after_s : RETRY_AFTER_S;
    unsigned long long random = strtoull(request->id, NULL, 16);
    const char *text =
        arena_printf(&request->arena, "%u", base + (unsigned)(random % (base + 1)));
    return text ? text : "2";
}

void problem_answer(struct request *request, enum status status,
                    struct response *response)
{
    if (!is_public(status)) {
        log_event(LOG_LEVEL_ERROR, "request_failed", log_text("id", request->id),
                  log_text("code", status_name(status)),
                  log_text("detail", request->err.detail));
    }
    BUF_AUTO out = BUF_INIT(PROBLEM_BYTES_MAX);
    write_document(request, status, &out);
    keep_headers(status, response);
    response->status = status_http(status);
    response->content_type = "application/problem+json";
    response->body = out.failed || out.len == 0
                         ? NULL
                         : arena_strndup(&request->arena, out.data, out.len);
    response->body_len = response->body ? out.len : 0;
    if (response->status == 401) {
        response_header(response, "WWW-Authenticate", "Bearer realm=\"muster\"");
    }
    if (response->status == 429 || response->status == 503) {
        response_header(response, "Retry-After", retry_after(request));
    }
}
