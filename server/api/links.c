/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/links.h"
#include "server/service/model_access.h"
#include "server/service/publication.h"

static void log_link(const struct request *request, const char *path, int64_t expires_s)
{
    bool is_node = request->principal.kind == PRINCIPAL_NODE;
    log_event(LOG_LEVEL_INFO, "link_signed", log_text("path", path),
              log_text("by", is_node ? "node" : actor(request)),
              log_int("id", request->principal.id), log_int("expires", expires_s));
}

enum status api_link_create(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    BUF_AUTO url = BUF_INIT(ANSWER_BYTES_MAX);
    const struct body_text path = {.name = "path", .low = 1, .high = TUF_PATH_MAX - 1};
    const struct body_integer life = {.name = "expires_s",
                                      .low = LINK_S_MIN,
                                      .high = LINK_S_MAX,
                                      .optional = true,
                                      .fallback = LINK_S_DEFAULT};
    const char *target = NULL;
    int64_t life_s = 0;
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = body_text(request, body, &path, &target);
    }
    if (status == OK) {
        status = body_integer(request, body, &life, &life_s);
    }
    buf_addstr(&url, "/tuf/targets/");
    if (status == OK) {
        status =
            publication_target_url(service->publication, target, &url, &request->err);
    }
    if (status != OK) {
        return status;
    }
    char signature[LINK_SIGNATURE_BYTES];
    int64_t expires_s = clock_wall_ms() / 1000 + life_s;
    link_sign(service->keys, url.data, expires_s, signature);
    log_link(request, target, expires_s);
    buf_addf(&url, "?expires=%lld&signature=%s", (long long)expires_s, signature);
    buf_addc(&json, '{');
    answer_text(&json, "url", url.data);
    answer_integer(&json, "expires_ms", expires_s * 1000);
    buf_addc(&json, '}');
    return answer_send(request, response, 201, &json);
}

enum status api_model_access_put(struct request *request, struct response *response)
{
    const char *model = request_param(request, "model");
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    bool is_public = false;
    enum status status = body_parse(request, &body);
    if (status == OK && !json_object_get(body, "public")) {
        status = err_set(&request->err, ERR_JSON_MISSING, "'public' is missing");
        err_set_pointer(&request->err, "/public");
    }
    if (status == OK) {
        status = body_boolean(request, body, "public", &is_public);
    }
    if (status == OK) {
        status = model_access_set(services(request)->access, model, is_public,
                                  actor(request), &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    answer_text(&json, "model", model);
    answer_boolean(&json, "public", is_public);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
