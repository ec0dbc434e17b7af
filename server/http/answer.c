/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum { STREAM_RETRY_S = 5 };

static bool has_header(const struct response *response, const char *name)
{
    for (int i = 0; i < response->header_count; i++) {
        if (strcasecmp(response->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_no_content(int status)
{
    return status == MHD_HTTP_NO_CONTENT || status == MHD_HTTP_NOT_MODIFIED;
}

static void drop_file(struct response *response)
{
    if (response->has_file) {
        (void)close(response->file_fd);
        response->has_file = false;
    }
}

/* The library's response object; it takes the file. The text stays in the request's
 * arena, which lives until the request is completed. */
static struct MHD_Response *make(struct exchange *x)
{
    struct response *response = &x->response;
    if (has_no_content(response->status)) {
        drop_file(response);
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    if (response->has_file) {
        response->has_file = false;
        struct MHD_Response *made = MHD_create_response_from_fd_at_offset64(
            response->file_len, response->file_fd, response->file_offset);
        if (!made) {
            (void)close(response->file_fd);
        }
        return made;
    }
    if (response->is_stream && strcmp(x->head.method, "HEAD") != 0) {
        return stream_open(x->http->streams, x);
    }
    union {
        const char *text;
        void *data;
    } body = {.text = response->body ? response->body : ""};
    return MHD_create_response_from_buffer(response->body_len, body.data,
                                           MHD_RESPMEM_PERSISTENT);
}

static void add(struct MHD_Response *made, const char *name, const char *value)
{
    (void)MHD_add_response_header(made, name, value);
}

static void add_headers(const struct exchange *x, const struct response *response,
                        uint64_t length, struct MHD_Response *made)
{
    for (int i = 0; i < response->header_count; i++) {
        add(made, response->headers[i].name, response->headers[i].value);
    }
    if (length > 0 && !has_header(response, "Content-Type")) {
        add(made, "Content-Type",
            response->content_type ? response->content_type : "application/json");
    }
    if (!has_header(response, "Cache-Control")) {
        add(made, "Cache-Control",
            has_header(response, "ETag") ? "no-cache" : "no-store");
    }
    if (!has_no_content(response->status)) {
        add(made, "X-Content-Type-Options", "nosniff");
    }
    add(made, "X-Request-Id", x->request.id);
    if (x->closes || atomic_load(&x->http->draining)) {
        add(made, "Connection", "close");
    }
}

static void start_send_deadline(const struct exchange *x, uint64_t length)
{
    const struct http_limits *limits = &x->http->options.limits;
    int64_t extra_ms = (int64_t)(length * 1000 / limits->min_bytes_per_s);
    deadline_set(x->connection->deadline, DEADLINE_SEND,
                 clock_mono_ms() + limits->send_timeout_ms + extra_ms);
}

/* As many streams as may be are open. */
static enum MHD_Result refuse_stream(struct exchange *x)
{
    x->response = (struct response){0};
    x->status = err_set(&x->request.err, ERR_UNAVAILABLE, "too many streams are open");
    x->request.retry_after_s = STREAM_RETRY_S;
    return answer_queue(x);
}

enum MHD_Result answer_queue(struct exchange *exchange)
{
    struct response *response = &exchange->response;
    if (exchange->status != OK) {
        drop_file(response);
        response->is_stream = false;
        problem_answer(&exchange->request, exchange->status, response);
    }
    if (response->status == 0) {
        response->status = MHD_HTTP_OK;
    }
    uint64_t length = has_no_content(response->status) ? 0
                      : response->has_file             ? response->file_len
                                                       : response->body_len;
    struct MHD_Response *made = make(exchange);
    if (!made && response->is_stream) {
        return refuse_stream(exchange);
    }
    if (!made) {
        return MHD_NO;
    }
    add_headers(exchange, response, length, made);
    start_send_deadline(exchange, length);
    enum MHD_Result result =
        MHD_queue_response(exchange->mhd, (unsigned)response->status, made);
    MHD_destroy_response(made);
    if (result == MHD_YES) {
        exchange->state = EXCHANGE_ANSWERED;
        exchange->sent_status = response->status;
        exchange->sent_bytes = length;
    }
    return result;
}
