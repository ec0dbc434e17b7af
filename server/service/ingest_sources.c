/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>

#include "server/service/artifacts.h"
#include "server/service/fleet.h"
#include "server/service/ingest.h"
#include "server/service/model_detail.h"
#include "server/service/nodes.h"
#include "server/service/service.h"

static_assert((int)INGEST_LABELS == (int)NODE_COHORT_LABELS, "one number of labels");
static_assert((int)INGEST_LABEL_BYTES == (int)LABEL_BYTES, "one size of labels");

static bool find_artifact(void *context, const uint8_t sha256[static 32],
                          struct ingest_artifact *ret_artifact)
{
    const struct service *service = context;
    struct artifact_info info;
    if (!artifacts_find(service->artifacts, sha256, &info)) {
        return false;
    }
    (void)snprintf(ret_artifact->model, sizeof ret_artifact->model, "%s", info.model);
    ret_artifact->classes = info.class_count;
    return true;
}

/* An unknown node cannot hold a token, so its answer does not matter. */
static void cohort_labels(void *context, int64_t node_id,
                          char ret_labels[INGEST_LABELS][INGEST_LABEL_BYTES])
{
    const struct service *service = context;
    (void)nodes_cohort_labels(service->nodes, node_id, ret_labels);
}

static void reported(void *context, int64_t node_id, const struct report *report,
                     int64_t received_ms)
{
    const struct service *service = context;
    nodes_reported(service->nodes, node_id, report, received_ms);
    model_details_count(service->details, report, received_ms);
    fleet_count(service->fleet, report, received_ms);
}

struct ingest_sources ingest_sources_of(struct service *service)
{
    return (struct ingest_sources){
        .context = service,
        .find_artifact = find_artifact,
        .cohort_labels = cohort_labels,
        .reported = reported,
    };
}
