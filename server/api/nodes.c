/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes.h"

#include <string.h>

#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/artifacts.h"
#include "server/service/deployments.h"
#include "server/service/selector.h"

static void add_labels(struct buf *json, const struct node_view *node)
{
    answer_raw(json, "labels", "{");
    for (size_t i = 0; i < node->label_count; i++) {
        answer_text(json, node->labels[i].key, node->labels[i].value);
    }
    buf_addc(json, '}');
}

static void add_real(struct buf *json, const char *name, double value)
{
    answer_raw(json, name, "");
    buf_addf(json, "%.17g", value);
}

static void add_health(struct buf *json, const struct health *health)
{
    if (health->present == 0) {
        answer_raw(json, "health", "null");
        return;
    }
    answer_raw(json, "health", "{");
    if (health->present & HEALTH_CPU_PCT) {
        add_real(json, "cpu_pct", health->cpu_pct);
    }
    if (health->present & HEALTH_RSS_BYTES) {
        answer_integer(json, "rss_bytes", health->rss_bytes);
    }
    if (health->present & HEALTH_TEMP_C) {
        add_real(json, "temp_c", health->temp_c);
    }
    if (health->present & HEALTH_POWER_MW) {
        add_real(json, "power_mw", health->power_mw);
    }
    if (health->present & HEALTH_QUEUED) {
        answer_integer(json, "queued", health->queued);
    }
    if (health->present & HEALTH_REJECTED) {
        answer_integer(json, "rejected", health->rejected);
    }
    if (health->present & HEALTH_INFERRED) {
        answer_integer(json, "inferred", health->inferred);
    }
    if (health->present & HEALTH_STATE) {
        answer_text(json, "state", health->state);
    }
    if (health->present & HEALTH_CLOCK_DOUBT_MS) {
        answer_integer(json, "clock_doubt_ms", health->clock_doubt_ms);
    }
    buf_addc(json, '}');
}

/* Model, version and digest of the newest report. */
static void add_running(struct service *service, struct buf *json,
                        const struct node_view *node)
{
    char sha256[65];
    struct artifact_info info;
    if (!node->reported) {
        buf_addstr(json,
                   ",\"model\":null,\"version\":null,\"artifact\":null,\"derived\":null");
        return;
    }
    hex_encode(node->artifact, sizeof node->artifact, sha256);
    answer_text(json, "model", node->model);
    if (artifacts_find(service->artifacts, node->artifact, &info)) {
        answer_text(json, "version", info.version);
    } else {
        answer_raw(json, "version", "null");
    }
    answer_text(json, "artifact", sha256);
    if (node->has_derived) {
        hex_encode(node->derived, sizeof node->derived, sha256);
        answer_text(json, "derived", sha256);
    } else {
        answer_raw(json, "derived", "null");
    }
}

/* Leaves the object open. */
static void add_node(struct service *service, struct buf *json,
                     const struct node_view *node)
{
    buf_addc(json, '{');
    answer_integer(json, "id", node->id);
    answer_text(json, "name", node->name);
    answer_text(json, "state", node_state_name(node->state));
    add_labels(json, node);
    answer_raw(json, "facts", node->facts);
    answer_integer(json, "enrolled_ms", node->enrolled_ms);
    answer_time(json, "last_seen_ms", node->last_seen_ms);
    add_running(service, json, node);
    add_health(json, &node->health);
    answer_integer(json, "predictions", node->predictions);
}

static void add_variant(struct buf *json, const struct artifact_fit *variant)
{
    buf_addc(json, '{');
    answer_text(json, "variant", variant->info.variant);
    answer_text(json, "path", variant->info.path);
    answer_text(json, "verdict", fit_verdict_name(variant->fit.verdict));
    answer_text(json, "reason", variant->fit.reason);
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

/* ?selector=, ?state=, ?cursor=, ?limit= */
static enum status read_query(struct request *request, struct selector *selector,
                              struct nodes_query *ret_query)
{
    const char *text = request_query(request, "selector");
    const char *state = request_query(request, "state");
    enum status status = answer_limit(request, &ret_query->limit);
    if (status == OK) {
        status =
            request_query_int(request, "cursor", 0, INT64_MAX, 0, &ret_query->after_id);
    }
    if (status == OK && text) {
        status = selector_parse(text, selector, &request->err);
        err_set_pointer(&request->err, "?selector");
        ret_query->selector = selector;
    }
    if (status == OK && state) {
        ret_query->has_state = true;
        if (!node_state_parse(state, &ret_query->state)) {
            (void)err_set(&request->err, ERR_JSON_RANGE,
                          "state must be active, pending or revoked");
            err_set_pointer(&request->err, "?state");
            return ERR_JSON_RANGE;
        }
    }
    return status;
}

enum status api_nodes_list(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct selector *selector = arena_alloc(&request->arena, sizeof *selector);
    struct nodes_query query = {0};
    struct nodes_page page = {0};
    enum status status = selector ? read_query(request, selector, &query) : ERR_NO_MEMORY;
    if (status == OK) {
        status =
            nodes_list(service->nodes, &query, &request->arena, &page, &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < page.count; i++) {
        buf_addstr(&json, i > 0 ? "," : "");
        add_node(service, &json, &page.views[i]);
        buf_addc(&json, '}');
    }
    answer_list_end(&json, page.next_id);
    return answer_send(request, response, 200, &json);
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
    add_node(service, &json, &node);
    status = add_offers(request, &json, id);
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
