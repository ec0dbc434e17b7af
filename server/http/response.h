/* SPDX-License-Identifier: Apache-2.0 */
/* response: what a handler answers. Zeroed by the dispatcher: status 200, empty body.
 *
 * A body is text in the request's arena, or an open file that is sent with sendfile (the
 * daemon closes it). On a handler's status other than OK the dispatcher drops all of this
 * (Content-Range of a 416 excepted) and writes the problem document itself from
 * request->err. Every answer also gets X-Request-Id and, unless the handler set one,
 * Cache-Control: no-store (no-cache with an ETag). */
#ifndef MUSTER_SERVER_HTTP_RESPONSE_H
#define MUSTER_SERVER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct request;

enum { RESPONSE_HEADERS_MAX = 8 };

struct response_header {
    const char *name; /* static or in the request's arena, like the value */
    const char *value;
};

struct response {
    int status;               /* HTTP status, 200 if 0 */
    const char *content_type; /* "application/json" if NULL and there is a body */
    const char *body;
    size_t body_len;
    int file_fd; /* with has_file: a regular file, sent from file_offset */
    bool has_file;
    uint64_t file_offset;
    uint64_t file_len;
    /* Text of an answer that goes on with what http_publish sends; the body is its first
     * part. Ends with the right of the caller, or the server. */
    bool is_stream;
    struct response_header headers[RESPONSE_HEADERS_MAX];
    int header_count;
};

/* Adds a header; beyond RESPONSE_HEADERS_MAX it is a programming error. */
void response_header(struct response *response, const char *name, const char *value);

/* Answers `status` with this JSON text, copied into the request's arena. */
enum status response_json(struct request *request, struct response *response, int status,
                          const char *text, size_t len) MUST_USE;

/* Sets ETag to the quoted `tag` and, if the request's If-None-Match has it (or "*"),
 * turns the answer into 304 without a body and returns true. */
bool response_not_modified(struct request *request, struct response *response,
                           const char *tag);

/* Answers with an open file of `size` bytes, honouring HEAD, a single Range and If-Range
 * against the strong `tag`. Takes the fd. 416 (http.range) with Content-Range for an
 * unsatisfiable one. */
enum status response_file(struct request *request, struct response *response, int fd,
                          uint64_t size, const char *tag) MUST_USE;

#endif
