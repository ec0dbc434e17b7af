/* SPDX-License-Identifier: Apache-2.0 */
/* assignment_call: asks the server what is assigned, and reads its answer. `model` picks
 * one of the assigned models; "": the first. */
#ifndef MUSTER_EDGE_ASSIGNMENT_CALL_H
#define MUSTER_EDGE_ASSIGNMENT_CALL_H

#include <stdbool.h>

#include "edge/assignment.h"
#include "edge/http.h"

/* Starts GET /v1/assignment; `etag` is of the last answer, or "". */
enum status assignment_ask(struct http *http, const char *token, const char *etag,
                           struct http_call **ret_call, struct err *err) MUST_USE;

/* Reads a 200 answer. */
enum status assignment_read(const struct http_call *call, const char *model,
                            struct assignment *ret_assignment, struct err *err) MUST_USE;

/* Whether an answer assigns another artifact or path than `now`, or none, or hints at
 * metadata newer than this version of timestamp. */
bool assignment_supersedes(const struct http_call *call, const char *model,
                           const struct assignment *now, int64_t timestamp_version);

#endif
