/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/api/model_detail.h"
#include "server/service/deployments.h"
#include "server/service/nodes.h"
#include "server/service/publication.h"

static void add_artifact(struct service *service, struct buf *json,
                         const struct artifact_info *info)
{
    char sha256[SHA256_HEX_BYTES];
    hex_encode(info->sha256, sizeof info->sha256, sha256);
    buf_addc(json, '{');
    answer_text(json, "model", info->model);
    answer_text(json, "version", info->version);
    answer_integer(json, "seq", info->seq);
    answer_text(json, "variant", info->variant);
    answer_text(json, "artifact", sha256);
    answer_integer(json, "length", (int64_t)info->length);
    answer_text(json, "path", info->path);
    answer_text(json, "arm", "none");
    struct detail detail = model_detail_now(service->details, info->model);
    answer_detail(json, "detail", &detail);
    buf_addc(json, '}');
}

static enum status tag_of(const struct buf *json, char ret_tag[static SHA256_HEX_BYTES],
                          struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    enum status status = sha256_of(json->data, json->len, digest, err);
    if (status == OK) {
        hex_encode(digest, 16, ret_tag);
    }
    return status;
}

enum status api_assignment(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct artifact_info *items =
        arena_array(&request->arena, ASSIGNMENTS_MAX, sizeof *items);
    char tag[SHA256_HEX_BYTES];
    if (!items) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for an assignment");
    }
    nodes_seen(service->nodes, request->principal.id, request->received_ms);
    size_t count = deployments_assign(service->deployments, request->principal.id, items);
    struct publication_state state = publication_state(service->publication);
    buf_addstr(&json, "{\"models\":[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(&json, i > 0 ? "," : "");
        add_artifact(service, &json, &items[i]);
    }
    buf_addc(&json, ']');
    answer_integer(&json, "poll_s", service->poll_s);
    answer_integer(&json, "timestamp_version", state.versions[TUF_ROLE_TIMESTAMP]);
    answer_integer(&json, "root_version", state.versions[TUF_ROLE_ROOT]);
    buf_addc(&json, '}');
    enum status status = buf_status(&json, &request->err);
    if (status == OK) {
        status = tag_of(&json, tag, &request->err);
    }
    if (status != OK || response_not_modified(request, response, tag)) {
        return status;
    }
    return answer_send(request, response, 200, &json);
}
