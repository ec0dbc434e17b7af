/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "server/api/handlers.h"
#include "server/http/static_files.h"

static const char POLICY[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types muster";

static const struct static_file *find(const char *name)
{
    for (size_t i = 0; i < static_files_count; i++) {
        if (strcmp(static_files[i].name, name) == 0) {
            return &static_files[i];
        }
    }
    return NULL;
}

/* Whether the weight behind a coding, such as ";q=0.5", is zero. */
static bool is_refused(const char *weight, size_t len)
{
    const char *q = memchr(weight, '=', len);
    if (!q) {
        return false;
    }
    size_t rest = len - (size_t)(q + 1 - weight);
    size_t zeroes = strspn(q + 1, "0. ");
    return zeroes > 0 && zeroes >= rest;
}

/* Whether the request's Accept-Encoding lets gzip through. */
static bool accepts_gzip(const struct request *request)
{
    const char *at = request_header(request, "Accept-Encoding");
    while (at && *at) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",");
        size_t name = strcspn(at, ",; \t");
        if ((name == 4 && strncasecmp(at, "gzip", 4) == 0) || (name == 1 && *at == '*')) {
            return !is_refused(at + name, len - name);
        }
        at += len;
    }
    return false;
}

static void add_headers(struct response *response, const struct static_file *file)
{
    response_header(response, "Content-Security-Policy", POLICY);
    response_header(response, "Referrer-Policy", "no-referrer");
    response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    response_header(response, "Vary", "Accept-Encoding");
    response_header(response, "Cache-Control",
                    file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

static enum status send_file(struct request *request, struct response *response,
                             const struct static_file *file)
{
    bool zipped = file->gzip && accepts_gzip(request);
    const char *tag =
        zipped ? arena_printf(&request->arena, "%s-gzip", file->etag) : file->etag;
    if (!tag) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the answer");
    }
    add_headers(response, file);
    if (response_not_modified(request, response, tag)) {
        return OK;
    }
    if (zipped) {
        response_header(response, "Content-Encoding", "gzip");
    }
    response->content_type = file->content_type;
    response->body = (const char *)(zipped ? file->gzip : file->plain);
    response->body_len = zipped ? file->gzip_bytes : file->plain_bytes;
    return OK;
}

enum status api_page(struct request *request, struct response *response)
{
    const struct static_file *file = find("index.html");
    return file ? send_file(request, response, file)
                : err_set(&request->err, ERR_NOT_FOUND, "there is no page");
}

enum status api_static(struct request *request, struct response *response)
{
    const char *name = request_param(request, "file");
    const struct static_file *file = find(name);
    return file ? send_file(request, response, file)
                : err_set(&request->err, ERR_NOT_FOUND, "there is no file '%.64s'", name);
}
