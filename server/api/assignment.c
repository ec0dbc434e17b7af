/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/hex.h"
#include "format/siphash.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/api/model_detail.h"
#include "server/service/deployments.h"
#include "server/service/nodes.h"
#include "server/service/publication.h"

enum { TAG_BYTES = 2 * 16 + 1 };

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

/* The same text has the same tag after a restart as well, hence the fixed keys; nobody
 * gains by two texts with one tag. */
static void tag_of(const struct buf *json, char ret_tag[static TAG_BYTES])
{
    static const uint8_t keys[2][SIPHASH_KEY_BYTES] = {{1}, {2}};
    uint64_t tag[2] = {siphash_2_4(keys[0], json->data, json->len),
                       siphash_2_4(keys[1], json->data, json->len)};
    hex_encode((const uint8_t *)tag, sizeof tag, ret_tag);
}

enum status api_assignment(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct artifact_info items[ASSIGNMENTS_MAX]; /* 34 KiB, of which few are touched */
    char tag[TAG_BYTES];
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
    if (status != OK) {
        return status;
    }
    tag_of(&json, tag);
    if (response_not_modified(request, response, tag)) {
        return OK;
    }
    return answer_send(request, response, 200, &json);
}
