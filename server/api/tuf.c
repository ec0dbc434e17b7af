/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/clock.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/service/links.h"
#include "server/service/model_access.h"
#include "server/service/publication.h"

static const char IMMUTABLE[] = "public, max-age=31536000, immutable";
static const char IMMUTABLE_PRIVATE[] = "private, max-age=31536000, immutable";

enum status api_tuf_timestamp(struct request *request, struct response *response)
{
    struct publication *publication = services(request)->publication;
    const char *text = NULL;
    size_t len = 0;
    struct publication_state state = publication_state(publication);
    enum status status =
        publication_timestamp(publication, &request->arena, &text, &len, &request->err);
    if (status != OK) {
        return status;
    }
    const char *tag = arena_printf(&request->arena, "timestamp-%lld",
                                   (long long)state.versions[TUF_ROLE_TIMESTAMP]);
    if (!tag) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for an answer");
    }
    response_header(response, "Cache-Control", "no-cache");
    return response_not_modified(request, response, tag)
               ? OK
               : response_json(request, response, 200, text, len);
}

static enum status send_file(struct request *request, struct response *response,
                             const struct publication_file *file, const char *cache)
{
    const char *tag = arena_strdup(&request->arena, file->tag);
    if (!tag) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for an answer");
    }
    response_header(response, "Cache-Control", cache);
    return response_file(request, response, file->fd, file->size, tag);
}

enum status api_tuf_metadata(struct request *request, struct response *response)
{
    struct publication_file file;
    enum status status =
        publication_open_metadata(services(request)->publication,
                                  request_param(request, "file"), &file, &request->err);
    if (status != OK) {
        return status;
    }
    response->content_type = "application/json";
    return send_file(request, response, &file, IMMUTABLE);
}

/* Whether the caller may have the file, and how long caches may keep it: public models
 * are for everybody, a link until it expires, and what a token gets is the caller's. */
static enum status check_access(struct request *request, const char **ret_cache)
{
    struct service *service = services(request);
    const struct link_claim claim = {.path = request->path,
                                     .expires = request_query(request, "expires"),
                                     .signature = request_query(request, "signature")};
    int64_t left_s = 0;
    if (model_access_public(service->access, request_param(request, "model"))) {
        *ret_cache = IMMUTABLE;
        return OK;
    }
    if (request->principal.kind != PRINCIPAL_NONE) {
        *ret_cache = IMMUTABLE_PRIVATE;
        return OK;
    }
    if (!claim.expires && !claim.signature) {
        return err_set(&request->err, ERR_AUTH_REQUIRED,
                       "a valid bearer token or a signed link is needed");
    }
    enum status status =
        link_check(service->keys, &claim, clock_wall_ms(), &left_s, &request->err);
    if (status != OK) {
        return status;
    }
    *ret_cache = arena_printf(&request->arena, "public, max-age=%lld, immutable",
                              (long long)left_s);
    return *ret_cache ? OK
                      : err_set(&request->err, ERR_NO_MEMORY, "no memory for an answer");
}

enum status api_tuf_target(struct request *request, struct response *response)
{
    struct publication_file file;
    const char *cache = NULL;
    const char *folder =
        arena_printf(&request->arena, "%s/%s", request_param(request, "model"),
                     request_param(request, "seq"));
    if (!folder) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for a path");
    }
    enum status status = check_access(request, &cache);
    if (status == OK) {
        status =
            publication_open_target(services(request)->publication, folder,
                                    request_param(request, "file"), &file, &request->err);
    }
    if (status != OK) {
        return status;
    }
    response->content_type = "application/octet-stream";
    return send_file(request, response, &file, cache);
}
