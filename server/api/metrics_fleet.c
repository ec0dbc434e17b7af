/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/metrics_fleet.h"

#include <inttypes.h>
#include <string.h>

#include "server/api/metric.h"
#include "server/service/fleet.h"

static const char RUNNING[] = "muster_running_nodes";

static void add_nodes(struct buf *out, const struct nodes_census *nodes)
{
    const char *by_state = "muster_nodes";
    const char *by_contact = "muster_active_nodes";
    metric_head(out, by_state, "gauge", "Enrolled nodes by state.");
    for (int i = 0; i <= NODE_REVOKED; i++) {
        metric_add_sample(out, by_state, "state", node_state_name((enum node_state)i),
                          nodes->by_state[i]);
    }
    metric_head(out, by_contact, "gauge", "Active nodes by how lately they called.");
    for (int i = 0; i < CONTACT_COUNT; i++) {
        metric_add_sample(out, by_contact, "contact",
                          node_contact_name((enum node_contact)i), nodes->by_contact[i]);
    }
}

static void add_behind(struct buf *out, const struct nodes_census *nodes)
{
    static const char *const over[CENSUS_LAGS] = {"10s", "1m", "10m", "1h"};
    const char *lagging = "muster_lagging_nodes";
    const struct metric queues[] = {
        {"muster_queued_batches", "gauge",
         "Batches that wait on active nodes that are current, by their newest health.",
         (uint64_t)nodes->queued},
        {"muster_queued_nodes", "gauge", "Such nodes on which a batch waits.",
         (uint64_t)nodes->queued_nodes},
    };
    metric_add_all(out, queues, sizeof queues / sizeof queues[0]);
    metric_head(out, lagging, "gauge",
                "Active nodes that are current and whose newest report came longer after "
                "its last prediction.");
    for (int i = 0; i < CENSUS_LAGS; i++) {
        metric_add_sample(out, lagging, "over", over[i], nodes->lagging[i]);
    }
}

/* What stands in the labels of a version: published or not. */
static const char *version_label(const struct fleet_version *version)
{
    return version->version[0] ? version->version : "unpublished";
}

static void add_running(struct buf *out, const char *model, const char *version,
                        const char *variant, int64_t nodes)
{
    buf_addf(out, "%s{model=", RUNNING);
    buf_add_json(out, model);
    buf_addstr(out, ",version=");
    buf_add_json(out, version);
    buf_addstr(out, ",variant=");
    buf_add_json(out, variant);
    buf_addf(out, "} %" PRId64 "\n", nodes);
}

static bool same_labels(const struct fleet_version *a, const struct fleet_version *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->version, b->version) == 0 &&
           strcmp(a->variant, b->variant) == 0;
}

/* Several artifacts may have the same labels: those that were never published. */
static void add_versions(struct buf *out, const struct fleet_view *fleet)
{
    const struct fleet_version *shown[METRICS_VERSIONS_MAX];
    int64_t nodes[METRICS_VERSIONS_MAX];
    size_t count = 0;
    int64_t others = fleet->other_versions;
    for (size_t i = 0; i < fleet->version_count; i++) {
        const struct fleet_version *version = &fleet->versions[i];
        size_t at = 0;
        while (at < count && !same_labels(shown[at], version)) {
            at++;
        }
        if (at == METRICS_VERSIONS_MAX) {
            others += version->nodes;
        } else if (at == count) {
            shown[count] = version;
            nodes[count++] = version->nodes;
        } else {
            nodes[at] += version->nodes;
        }
    }
    metric_head(out, RUNNING, "gauge",
                "Nodes that are not revoked, by what their newest report is of.");
    for (size_t i = 0; i < count; i++) {
        add_running(out, shown[i]->model, version_label(shown[i]), shown[i]->variant,
                    nodes[i]);
    }
    if (others > 0) {
        add_running(out, "other", "other", "other", others);
    }
}

void metrics_add_fleet(struct buf *out, const struct fleet_view *fleet)
{
    const struct metric totals[] = {
        {"muster_fleet_reports_total", "counter",
         "Reports stored, earlier runs included.", (uint64_t)fleet->reports},
        {"muster_fleet_predictions_total", "counter",
         "Predictions that they tell of, as rows or summaries.",
         (uint64_t)fleet->predictions},
    };
    add_nodes(out, &fleet->nodes);
    add_behind(out, &fleet->nodes);
    add_versions(out, fleet);
    metric_add_all(out, totals, sizeof totals / sizeof totals[0]);
}
