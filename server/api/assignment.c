/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "format/siphash.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/api/model_detail.h"
#include "server/service/deployments.h"
#include "server/service/nodes.h"
#include "server/service/publication.h"

enum { TAG_BYTES = 2 * 16 + 1, KEPT_ITEMS = 2, KEPT = 16 };

struct assigned {
    struct artifact_info artifact;
    struct detail detail;
};

/* All that an answer says. */
struct assignment {
    struct says {
        int64_t poll_s, timestamp_version, root_version;
        size_t count;
    } says;
    struct assigned items[ASSIGNMENTS_MAX]; /* 36 KiB, of which few are touched */
};

/* Tags that a thread computed lately, beside what they were computed from: many nodes are
 * told the same, and text and hash cost more than the rest of a poll. */
struct kept_tag {
    struct says says;
    struct assigned items[KEPT_ITEMS];
    char tag[TAG_BYTES];
};

static void add_artifact(struct buf *json, const struct assigned *item)
{
    const struct artifact_info *info = &item->artifact;
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
    answer_detail(json, "detail", &item->detail);
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

static void write_text(const struct assignment *assignment, struct buf *json)
{
    buf_addstr(json, "{\"models\":[");
    for (size_t i = 0; i < assignment->says.count; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        add_artifact(json, &assignment->items[i]);
    }
    buf_addc(json, ']');
    answer_integer(json, "poll_s", assignment->says.poll_s);
    answer_integer(json, "timestamp_version", assignment->says.timestamp_version);
    answer_integer(json, "root_version", assignment->says.root_version);
    buf_addc(json, '}');
}

static void assign(struct service *service, int64_t node_id,
                   struct assignment *ret_assignment)
{
    struct artifact_info artifacts[ASSIGNMENTS_MAX];
    size_t count = deployments_assign(service->deployments, node_id, artifacts);
    struct publication_state state = publication_state(service->publication);
    ret_assignment->says =
        (struct says){.poll_s = service->poll_s,
                      .timestamp_version = state.versions[TUF_ROLE_TIMESTAMP],
                      .root_version = state.versions[TUF_ROLE_ROOT],
                      .count = count};
    for (size_t i = 0; i < count; i++) {
        struct assigned *item = &ret_assignment->items[i];
        memset(item, 0, sizeof *item); /* bytes between members are compared too */
        memcpy(&item->artifact, &artifacts[i], sizeof artifacts[i]);
        item->detail = model_detail_now(service->details, artifacts[i].model);
    }
}

/* Where this thread keeps the tag of an assignment; NULL if it is too long to be kept. */
static struct kept_tag *place_of(const struct assignment *assignment)
{
    static _Thread_local struct kept_tag places[KEPT];
    uint32_t hash = 0;
    for (size_t i = 0; i < assignment->says.count; i++) {
        uint32_t word = 0;
        memcpy(&word, assignment->items[i].artifact.sha256, sizeof word);
        hash = hash * 31 + word;
    }
    return assignment->says.count <= KEPT_ITEMS ? &places[hash % KEPT] : NULL;
}

static bool is_of(const struct kept_tag *kept, const struct assignment *assignment)
{
    return kept->tag[0] &&
           memcmp(&kept->says, &assignment->says, sizeof kept->says) == 0 &&
           memcmp(kept->items, assignment->items,
                  assignment->says.count * sizeof kept->items[0]) == 0;
}

static void keep(struct kept_tag *kept, const struct assignment *assignment,
                 const char tag[static TAG_BYTES])
{
    kept->says = assignment->says;
    memcpy(kept->items, assignment->items,
           assignment->says.count * sizeof kept->items[0]);
    memcpy(kept->tag, tag, TAG_BYTES);
}

enum status api_assignment(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct assignment assignment;
    char tag[TAG_BYTES];
    nodes_seen(service->nodes, request->principal.id, request->received_ms);
    assign(service, request->principal.id, &assignment);
    struct kept_tag *kept = place_of(&assignment);
    if (kept && is_of(kept, &assignment)) {
        if (response_not_modified(request, response, kept->tag)) {
            return OK;
        }
        write_text(&assignment, &json);
        return answer_send(request, response, 200, &json);
    }
    write_text(&assignment, &json);
    enum status status = buf_status(&json, &request->err);
    if (status != OK) {
        return status;
    }
    tag_of(&json, tag);
    if (kept) {
        keep(kept, &assignment, tag);
    }
    if (response_not_modified(request, response, tag)) {
        return OK;
    }
    return answer_send(request, response, 200, &json);
}
