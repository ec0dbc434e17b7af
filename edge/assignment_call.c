/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/assignment_call.h"

#include <string.h>

enum { ANSWER_BYTES = 64 * 1024 };

enum status assignment_ask(struct http *http, const char *token, const char *etag,
                           struct http_call **ret_call, struct err *err)
{
    struct http_order order = {.path = "/v1/assignment",
                               .token = token,
                               .if_none_match = etag,
                               .max_bytes = ANSWER_BYTES};
    return http_call_start(http, &order, ret_call, err);
}

enum status assignment_read(const struct http_call *call, const char *model,
                            struct assignment *ret_assignment, struct err *err)
{
    const struct buf *body = &call->body;
    return assignment_decode(body->data ? body->data : "", body->len,
                             model[0] ? model : NULL, ret_assignment, err);
}

bool assignment_supersedes(const struct http_call *call, const char *model,
                           const struct assignment *now, int64_t timestamp_version)
{
    struct assignment next;
    return http_call_result(call, NULL) == OK && call->status == 200 &&
           assignment_read(call, model, &next, NULL) == OK &&
           (next.timestamp_version > timestamp_version || !next.has_model ||
            memcmp(next.artifact, now->artifact, 32) != 0 ||
            strcmp(next.path, now->path) != 0);
}
