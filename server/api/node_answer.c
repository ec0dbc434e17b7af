/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/node_answer.h"

#include "base/clock.h"
#include "base/hex.h"
#include "server/api/answer.h"
#include "server/service/artifacts.h"
#include "server/service/node_contact.h"
#include "server/service/nodes.h"

const char *answer_node_contact(const struct service *service,
                                const struct node_view *node, int64_t now_ms)
{
    struct contact_limits limits = contact_limits_of(service->poll_s);
    return node->state == NODE_ACTIVE
               ? node_contact_name(node_contact_of(&limits, node->last_seen_ms, now_ms))
               : "";
}

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
static void add_running(const struct service *service, struct buf *json,
                        const struct node_view *node)
{
    char sha256[65];
    struct artifact_info info;
    if (!node->reported) {
        buf_addstr(json,
                   ",\"model\":null,\"version\":null,\"seq\":null,\"artifact\":null,"
                   "\"derived\":null");
        return;
    }
    hex_encode(node->artifact, sizeof node->artifact, sha256);
    answer_text(json, "model", node->model);
    if (artifacts_find(service->artifacts, node->artifact, &info)) {
        answer_text(json, "version", info.version);
        answer_integer(json, "seq", info.seq);
    } else {
        answer_raw(json, "version", "null");
        answer_raw(json, "seq", "null");
    }
    answer_text(json, "artifact", sha256);
    if (node->has_derived) {
        hex_encode(node->derived, sizeof node->derived, sha256);
        answer_text(json, "derived", sha256);
    } else {
        answer_raw(json, "derived", "null");
    }
}

static void add_told(struct buf *json, const char *name, int64_t value)
{
    if (value == NODE_UNTOLD) {
        answer_raw(json, name, "null");
    } else {
        answer_integer(json, name, value);
    }
}

void answer_node(const struct service *service, struct buf *json,
                 const struct node_view *node)
{
    buf_addc(json, '{');
    answer_integer(json, "id", node->id);
    answer_text(json, "name", node->name);
    answer_text(json, "state", node_state_name(node->state));
    answer_text_or_null(json, "contact",
                        answer_node_contact(service, node, clock_wall_ms()));
    add_labels(json, node);
    answer_raw(json, "facts", node->facts);
    answer_text_or_null(json, "arch", node->arch);
    answer_integer(json, "enrolled_ms", node->enrolled_ms);
    answer_time(json, "last_seen_ms", node->last_seen_ms);
    answer_time(json, "last_report_ms", node->last_report_ms);
    add_running(service, json, node);
    add_told(json, "queued", node->queued);
    add_told(json, "lag_ms", node->lag_ms);
    add_health(json, &node->health);
    answer_integer(json, "predictions", node->predictions);
}
