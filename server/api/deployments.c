/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/deployments.h"

#include <stdio.h>

#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/selector.h"

/* The version is told as it is listed now; a withdrawn one keeps its seq. */
static void add_deployment(struct request *request, struct buf *json,
                           const struct deployment_info *info)
{
    char version[65];
    answer_integer(json, "id", info->id);
    answer_text(json, "model", info->model);
    if (artifacts_version_name(services(request)->artifacts, info->model, info->seq,
                               version)) {
        answer_text(json, "version", version);
    } else {
        answer_raw(json, "version", "null");
    }
    answer_integer(json, "seq", info->seq);
    answer_text(json, "selector", info->selector);
    answer_integer(json, "created_ms", info->created_ms);
    answer_text(json, "created_by", info->created_by);
}

enum status api_deployment_create(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct deployment_info info = {0};
    const char *model = NULL;
    const char *version = NULL;
    size_t matching = 0;
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status =
            body_text(request, body,
                      &(struct body_text){.name = "model", .low = 1, .high = 64}, &model);
    }
    if (status == OK) {
        status = body_text(request, body,
                           &(struct body_text){.name = "version", .low = 1, .high = 64},
                           &version);
    }
    if (status == OK) {
        status =
            body_text(request, body,
                      &(struct body_text){
                          .name = "selector", .high = SELECTOR_BYTES_MAX, .fallback = ""},
                      &info.selector);
    }
    if (status != OK) {
        return status;
    }
    (void)snprintf(info.model, sizeof info.model, "%s", model);
    (void)snprintf(info.created_by, sizeof info.created_by, "%s", actor(request));
    status = deployments_create(services(request)->deployments, version, &info, &matching,
                                &request->err);
    if (status == ERR_SELECTOR_SYNTAX) {
        err_set_pointer(&request->err, "/selector");
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    add_deployment(request, &json, &info);
    answer_integer(&json, "matching_nodes", (int64_t)matching);
    buf_addc(&json, '}');
    return answer_send(request, response, 201, &json);
}

enum status api_deployments_list(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct deployment_info *items = NULL;
    size_t count = 0;
    size_t limit = 0;
    int64_t before_id = 0;
    enum status status = answer_limit(request, &limit);
    if (status == OK) {
        status =
            request_query_int(request, "cursor", 1, INT64_MAX, INT64_MAX, &before_id);
    }
    if (status == OK) {
        status = deployments_list(services(request)->deployments, before_id, limit + 1,
                                  &request->arena, &items, &count);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < count && i < limit; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        add_deployment(request, &json, &items[i]);
        buf_addc(&json, '}');
    }
    answer_list_end(&json, count > limit ? items[limit - 1].id : 0);
    return answer_send(request, response, 200, &json);
}

enum status api_deployment_remove(struct request *request, struct response *response)
{
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status = deployments_remove(services(request)->deployments, id, actor(request),
                                    &request->err);
    }
    response->status = 204;
    return status;
}
