/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/routes.h"

#include "server/api/handlers.h"

enum {
    BODY_JSON = 64 * 1024,
    BODY_REPORT = 256 * 1024,
    BODY_PUBLISH = 8 * 1024 * 1024,
    BODY_ARTIFACT = 64 * 1024 * 1024,
};

#define JSON "application/json"
#define BYTES "application/octet-stream"

/* method, path, summary, mode, access; then the body and the handlers. */
#define ROW(m, p, s, mo, a) .method = m, .path = p, .summary = s, .mode = mo, .access = a

const struct route api_routes[] = {
    /* operation */
    {ROW("GET", "/healthz", "whether the process lives", ROUTE_INLINE, ACCESS_PUBLIC),
     .handle = api_healthz},
    {ROW("GET", "/readyz", "whether it can serve", ROUTE_INLINE, ACCESS_PUBLIC),
     .handle = api_readyz},
    {ROW("GET", "/v1/openapi.json", "this interface as OpenAPI 3.1", ROUTE_INLINE,
         ACCESS_PUBLIC),
     .handle = api_openapi},
    {ROW("GET", "/", "the dashboard's page", ROUTE_INLINE, ACCESS_PUBLIC),
     .handle = api_page},
    {ROW("GET", "/static/{file}", "a file of the dashboard", ROUTE_INLINE, ACCESS_PUBLIC),
     .handle = api_static},

    /* nodes call */
    {ROW("POST", "/v1/enroll", "enrol a node with a token", ROUTE_WORKER, ACCESS_PUBLIC),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_enroll},
    {ROW("POST", "/v1/session", "a session token for a signature", ROUTE_WORKER,
         ACCESS_PUBLIC),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_session},
    {ROW("GET", "/v1/assignment", "the versions that the node shall run", ROUTE_INLINE,
         ACCESS_NODE),
     .handle = api_assignment},
    {ROW("POST", "/v1/reports", "a batch of predictions", ROUTE_WRITER, ACCESS_NODE),
     .body_max = BODY_REPORT, .content_type = JSON, .encoded = true, .metered = true,
     .prepare = api_report_prepare, .handle = api_report_handle},

    /* nodes */
    {ROW("GET", "/v1/nodes", "nodes, filtered and in an order", ROUTE_WORKER,
         ACCESS_VIEWER),
     .handle = api_nodes_list},
    {ROW("GET", "/v1/nodes/{id}", "one node", ROUTE_WORKER, ACCESS_VIEWER),
     .handle = api_node_get},
    {ROW("PATCH", "/v1/nodes/{id}", "labels and state of a node", ROUTE_WORKER,
         ACCESS_OPERATOR),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_node_patch},
    {ROW("POST", "/v1/nodes/{id}/revoke", "shut a node out at once", ROUTE_WORKER,
         ACCESS_OPERATOR),
     .handle = api_node_revoke},

    /* tokens */
    {ROW("POST", "/v1/enrollment-tokens", "a new enrolment token", ROUTE_WORKER,
         ACCESS_OPERATOR),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_enrollment_token_create},
    {ROW("GET", "/v1/enrollment-tokens", "enrolment tokens without secrets", ROUTE_WORKER,
         ACCESS_OPERATOR),
     .handle = api_enrollment_tokens_list},
    {ROW("DELETE", "/v1/enrollment-tokens/{id}", "revoke an enrolment token",
         ROUTE_WORKER, ACCESS_OPERATOR),
     .handle = api_enrollment_token_revoke},
    {ROW("POST", "/v1/api-tokens", "a new API token", ROUTE_WORKER, ACCESS_ADMIN),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_token_create},
    {ROW("GET", "/v1/api-tokens", "API tokens without secrets", ROUTE_WORKER,
         ACCESS_ADMIN),
     .handle = api_tokens_list},
    {ROW("DELETE", "/v1/api-tokens/{id}", "revoke an API token", ROUTE_WORKER,
         ACCESS_ADMIN),
     .handle = api_token_revoke},
    {ROW("GET", "/v1/whoami", "whose token this is", ROUTE_INLINE, ACCESS_ANY_TOKEN),
     .handle = api_whoami},

    /* models and deployments */
    {ROW("GET", "/v1/models", "models", ROUTE_WORKER, ACCESS_VIEWER),
     .handle = api_models_list},
    {ROW("GET", "/v1/models/{model}", "one model and its versions", ROUTE_WORKER,
         ACCESS_VIEWER),
     .handle = api_model_get},
    {ROW("PUT", "/v1/models/{model}/detail", "how much detail its nodes report",
         ROUTE_WORKER, ACCESS_OPERATOR),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_model_detail_put},
    {ROW("PUT", "/v1/models/{model}/access", "who may download its artifacts",
         ROUTE_WORKER, ACCESS_ADMIN),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_model_access_put},
    {ROW("POST", "/v1/deployments", "run a version on the nodes of a selector",
         ROUTE_WORKER, ACCESS_OPERATOR),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_deployment_create},
    {ROW("GET", "/v1/deployments", "deployments, newest first", ROUTE_WORKER,
         ACCESS_VIEWER),
     .handle = api_deployments_list},
    {ROW("DELETE", "/v1/deployments/{id}", "take a deployment back", ROUTE_WORKER,
         ACCESS_OPERATOR),
     .handle = api_deployment_remove},

    /* the dashboard */
    {ROW("GET", "/v1/fleet", "the fleet in a few numbers", ROUTE_WORKER, ACCESS_VIEWER),
     .handle = api_fleet},
    {ROW("GET", "/v1/events", "the same whenever it changes, as server-sent events",
         ROUTE_WORKER, ACCESS_VIEWER),
     .handle = api_events},

    /* analytics */
    {ROW("GET", "/v1/series", "a metric over time, as wide as it is drawn", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_series},
    {ROW("GET", "/v1/analytics/volume", "predictions over time", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_analytics_volume},
    {ROW("GET", "/v1/analytics/classes", "class mix over time", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_analytics_classes},
    {ROW("GET", "/v1/analytics/confidence", "histogram of confidence", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_analytics_confidence},
    {ROW("GET", "/v1/analytics/latency", "percentiles of latency", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_analytics_latency},

    /* signed distribution */
    {ROW("GET", "/v1/repository", "versions and expiry of the published metadata",
         ROUTE_INLINE, ACCESS_VIEWER),
     .handle = api_repository_get},
    {ROW("POST", "/v1/repository", "publish signed metadata", ROUTE_WORKER,
         ACCESS_PUBLISHER),
     .body_max = BODY_PUBLISH, .content_type = JSON, .handle = api_repository_publish},
    {ROW("GET", "/v1/repository/history", "what was published when", ROUTE_READER,
         ACCESS_VIEWER),
     .handle = api_repository_history},
    {ROW("PUT", "/v1/repository/targets/{sha256}", "upload a target file", ROUTE_WORKER,
         ACCESS_PUBLISHER),
     .body_max = BODY_ARTIFACT, .content_type = BYTES,
     .handle = api_repository_put_target},
    {ROW("POST", "/v1/links", "an address of an artifact that needs no token",
         ROUTE_INLINE, ACCESS_ANY_TOKEN),
     .body_max = BODY_JSON, .content_type = JSON, .handle = api_link_create},
    {ROW("GET", "/tuf/metadata/timestamp.json", "the newest timestamp", ROUTE_INLINE,
         ACCESS_PUBLIC),
     .handle = api_tuf_timestamp},
    {ROW("GET", "/tuf/metadata/{file}", "a published metadata file", ROUTE_WORKER,
         ACCESS_PUBLIC),
     .handle = api_tuf_metadata},
    {ROW("GET", "/tuf/targets/{model}/{seq}/{file}", "a published target file",
         ROUTE_WORKER, ACCESS_TOKEN_OR_LINK),
     .handle = api_tuf_target},
};
const size_t api_routes_count = sizeof api_routes / sizeof api_routes[0];
