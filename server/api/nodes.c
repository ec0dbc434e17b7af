/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/api/node_answer.h"
#include "server/service/artifacts.h"
#include "server/service/deployments.h"
#include "server/service/node_past.h"

enum { ID_TIME_BITS = 12 };

static void add_variant(struct buf *json, const struct artifact_fit *variant)
{
    buf_addc(json, '{');
    answer_text(json, "variant", variant->info.variant);
    answer_text(json, "path", variant->info.path);
    answer_text(json, "verdict", fit_verdict_name(variant->fit.verdict));
    answer_text(json, "reason", variant->fit.reason);
    buf_addc(json, '}');
}

static void add_deployment(struct buf *json, const struct deployment_info *info)
{
    answer_raw(json, "deployment", "{");
    answer_integer(json, "id", info->id);
    answer_text(json, "selector", info->selector);
    answer_integer(json, "created_ms", info->created_ms);
    answer_text(json, "created_by", info->created_by);
    buf_addc(json, '}');
}

/* What deployments offer the node, and of each variant whether it runs there. */
static enum status add_offers(struct request *request, struct buf *json, int64_t id)
{
    struct node_offer *offers = NULL;
    size_t count = 0;
    enum status status = deployments_judge(services(request)->deployments, id,
                                           &request->arena, &offers, &count);
    answer_raw(json, "offers", "[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(json, i > 0 ? ",{" : "{");
        answer_text(json, "model", offers[i].model);
        answer_text(json, "version", offers[i].version);
        answer_integer(json, "seq", offers[i].seq);
        if (offers[i].offered[0]) {
            answer_text(json, "offered", offers[i].offered);
        } else {
            answer_raw(json, "offered", "null");
        }
        add_deployment(json, &offers[i].deployment);
        answer_raw(json, "variants", "[");
        for (size_t k = 0; k < offers[i].variant_count; k++) {
            buf_addstr(json, k > 0 ? "," : "");
            add_variant(json, &offers[i].variants[k]);
        }
        buf_addstr(json, "]}");
    }
    buf_addc(json, ']');
    return status;
}

/* Model, version (null if it was never published) and digest of what ran. */
static void add_ran(struct request *request, struct buf *json, const char *model,
                    const uint8_t artifact[static 32])
{
    char sha256[65];
    struct artifact_info info = {.version = ""};
    hex_encode(artifact, 32, sha256);
    (void)artifacts_find(services(request)->artifacts, artifact, &info);
    answer_text(json, "model", model);
    answer_text_or_null(json, "version", info.version);
    answer_text(json, "artifact", sha256);
}

static void add_report(struct request *request, struct buf *json,
                       const struct node_report_row *row)
{
    buf_addc(json, '{');
    answer_integer(json, "received_ms", row->first_id >> ID_TIME_BITS);
    answer_integer(json, "sent_ms", row->sent_ms);
    add_ran(request, json, row->model, row->artifact);
    answer_integer(json, "stream", row->stream);
    answer_integer(json, "seq", row->seq);
    answer_text(json, "mode", row->mode);
    answer_integer(json, "rows", row->rows);
    answer_integer(json, "predictions", row->predictions);
    answer_integer(json, "dropped", row->dropped);
    answer_boolean(json, "known", row->known);
    answer_boolean(json, "below_floor", row->below_floor);
    buf_addc(json, '}');
}

/* What it ran of late, and its newest reports. */
static enum status add_past(struct request *request, struct buf *json, int64_t id)
{
    struct node_past past = {0};
    enum status status = node_past_read(services(request)->changes, id, clock_wall_ms(),
                                        &request->arena, &past, &request->err);
    answer_integer(json, "history_from_ms", past.from_ms);
    answer_raw(json, "history", "[");
    for (size_t i = 0; i < past.version_count; i++) {
        const struct node_version_row *row = &past.versions[i];
        buf_addstr(json, i > 0 ? ",{" : "{");
        add_ran(request, json, row->model, row->artifact);
        answer_integer(json, "first_received_ms", row->first_received_ms);
        answer_integer(json, "last_received_ms", row->last_received_ms);
        answer_integer(json, "predictions", row->predictions);
        answer_integer(json, "reports", row->reports);
        buf_addc(json, '}');
    }
    buf_addc(json, ']');
    answer_raw(json, "reports", "[");
    for (size_t i = 0; i < past.report_count; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        add_report(request, json, &past.reports[i]);
    }
    buf_addc(json, ']');
    return status;
}

static enum status send_node(struct request *request, struct response *response,
                             int64_t id)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct node_view node;
    enum status status =
        nodes_get(service->nodes, id, &request->arena, &node, &request->err);
    if (status != OK) {
        return status;
    }
    answer_node(service, &json, &node);
    status = add_offers(request, &json, id);
    if (status == OK) {
        status = add_past(request, &json, id);
    }
    buf_addc(&json, '}');
    if (status != OK) {
        return status;
    }
    return answer_send(request, response, 200, &json);
}

enum status api_node_get(struct request *request, struct response *response)
{
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    return status == OK ? send_node(request, response, id) : status;
}

static enum status read_patch(struct request *request, const json_t *body,
                              struct node_patch *ret_patch)
{
    const char *state = NULL;
    enum status status = body_labels(request, body, true, &ret_patch->labels);
    if (status == OK) {
        status = body_text(
            request, body,
            &(struct body_text){.name = "state", .high = 16, .fallback = ""}, &state);
    }
    if (status == OK && json_object_get(body, "state") && strcmp(state, "active") != 0) {
        (void)err_set(&request->err, ERR_JSON_RANGE, "the state can only become active");
        err_set_pointer(&request->err, "/state");
        return ERR_JSON_RANGE;
    }
    ret_patch->activate = status == OK && state[0] != '\0';
    return status;
}

enum status api_node_patch(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    struct node_patch patch = {0};
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status = body_parse(request, &body);
    }
    if (status == OK) {
        status = read_patch(request, body, &patch);
    }
    if (status == OK) {
        status = nodes_patch(services(request)->nodes, id, &patch, actor(request),
                             &request->err);
    }
    return status == OK ? send_node(request, response, id) : status;
}

enum status api_node_revoke(struct request *request, struct response *response)
{
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status =
            nodes_revoke(services(request)->nodes, id, actor(request), &request->err);
    }
    response->status = 204;
    return status;
}
