/* SPDX-License-Identifier: Apache-2.0 */
/* handlers: every handler of the API, as the route table names them.
 *
 * One file a resource. A handler parses, calls one service function and fills the answer;
 * it runs on the thread that its row says and finds the services in request->context
 * (`struct service *`). What a handler answers on each error stands in docs/ERRORS.md. */
#ifndef MUSTER_SERVER_API_HANDLERS_H
#define MUSTER_SERVER_API_HANDLERS_H

#include "base/err.h"
#include "server/http/route.h"

/* health.c, openapi.c */
route_handler api_healthz, api_readyz, api_openapi;

/* page.c: the dashboard's files, without a token */
route_handler api_page, api_static;

/* enroll.c, session.c, assignment.c, reports.c: what nodes call. */
route_handler api_enroll, api_session, api_assignment;
route_handler api_report_prepare, api_report_handle;

/* nodes.c */
route_handler api_nodes_list, api_node_get, api_node_patch, api_node_revoke;

/* tokens.c: enrolment tokens and API tokens; whoami.c */
route_handler api_enrollment_token_create, api_enrollment_tokens_list;
route_handler api_enrollment_token_revoke;
route_handler api_token_create, api_tokens_list, api_token_revoke;
route_handler api_whoami;

/* models.c, model_detail.c, deployments.c */
route_handler api_models_list, api_model_get, api_model_detail_put;
route_handler api_deployment_create, api_deployments_list, api_deployment_remove;

/* links.c: who may download */
route_handler api_link_create, api_model_access_put;

/* repository.c, tuf.c */
route_handler api_repository_get, api_repository_history, api_repository_publish,
    api_repository_put_target;
route_handler api_tuf_timestamp, api_tuf_metadata, api_tuf_target;

/* fleet.c */
route_handler api_fleet, api_events;

/* series.c */
route_handler api_series;

/* analytics.c */
route_handler api_analytics_volume, api_analytics_classes;
route_handler api_analytics_confidence, api_analytics_latency;

/* For http_options.authenticate: who a bearer token is. Memory only. */
enum status api_authenticate(struct request *request, const char *token) MUST_USE;

/* For http_options.decode: Content-Encoding zstd and gzip into the request's arena. */
enum status api_decode(struct request *request, const char *encoding, const char *data,
                       size_t len, size_t max) MUST_USE;

#endif
