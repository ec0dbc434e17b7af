/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/response.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "server/http/range.h"
#include "server/http/request.h"

void response_header(struct response *response, const char *name, const char *value)
{
    assert(response->header_count < RESPONSE_HEADERS_MAX);
    response->headers[response->header_count++] =
        (struct response_header){.name = name, .value = value};
}

enum status response_json(struct request *request, struct response *response, int status,
                          const char *text, size_t len)
{
    char *copy = arena_strndup(&request->arena, text, len);
    if (!copy) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the answer");
    }
    response->status = status;
    response->content_type = "application/json";
    response->body = copy;
    response->body_len = len;
    return OK;
}

/* Whether the list of entity tags has "tag" (weak or strong) or is "*". */
static bool list_has_tag(const char *list, const char *tag)
{
    size_t len = strlen(tag);
    const char *p = list + strspn(list, " \t,");
    while (*p) {
        if (*p == '*') {
            return true;
        }
        p += strncmp(p, "W/", 2) == 0 ? 2 : 0;
        if (*p != '"') {
            return false;
        }
        const char *end = strchr(++p, '"');
        if (!end) {
            return false;
        }
        if ((size_t)(end - p) == len && memcmp(p, tag, len) == 0) {
            return true;
        }
        p = end + 1;
        p += strspn(p, " \t,");
    }
    return false;
}

bool response_not_modified(struct request *request, struct response *response,
                           const char *tag)
{
    size_t len = strlen(tag);
    char *quoted = arena_alloc(&request->arena, len + 3);
    if (!quoted) {
        return false;
    }
    quoted[0] = '"';
    memcpy(quoted + 1, tag, len);
    quoted[len + 1] = '"';
    response_header(response, "ETag", quoted);
    const char *list = request_header(request, "If-None-Match");
    if (!list || !list_has_tag(list, tag)) {
        return false;
    }
    response->status = 304;
    response->body = NULL;
    response->body_len = 0;
    return true;
}

/* A Range counts only while the client's copy is of this very file: If-Range is absent or
 * is the strong tag (dates never match, as no Last-Modified is sent). */
static bool range_counts(const struct request *request, const char *tag)
{
    const char *if_range = request_header(request, "If-Range");
    return !if_range || (if_range[0] == '"' && list_has_tag(if_range, tag));
}

static enum status refuse_range(struct request *request, struct response *response,
                                uint64_t size)
{
    const char *text = arena_printf(&request->arena, "bytes */%" PRIu64, size);
    if (text) {
        response_header(response, "Content-Range", text);
    }
    return err_set(&request->err, ERR_HTTP_RANGE, "the resource has %" PRIu64 " bytes",
                   size);
}

enum status response_file(struct request *request, struct response *response, int fd,
                          uint64_t size, const char *tag)
{
    response->file_fd = fd; /* owned from here on, whatever happens */
    response->has_file = true;
    if (response_not_modified(request, response, tag)) {
        return OK;
    }
    struct range range = {.len = size};
    enum range_kind kind =
        range_parse(range_counts(request, tag) ? request_header(request, "Range") : NULL,
                    size, &range);
    if (kind == RANGE_UNSATISFIABLE) {
        return refuse_range(request, response, size);
    }
    response_header(response, "Accept-Ranges", "bytes");
    if (kind == RANGE_PART) {
        const char *text =
            arena_printf(&request->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                         range.offset, range.offset + range.len - 1, size);
        if (!text) {
            return err_set(&request->err, ERR_NO_MEMORY, "no memory for the answer");
        }
        response_header(response, "Content-Range", text);
        response->status = 206;
    }
    response->file_offset = range.offset;
    response->file_len = range.len;
    return OK;
}
