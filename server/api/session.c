/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "format/content.h"
#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/facts.h"
#include "server/api/handlers.h"
#include "server/service/auth.h"
#include "server/service/nodes.h"

enum { FACTS_BYTES_MAX = 64 * 1024 };

static enum status read_request(struct request *request, const json_t *body,
                                struct session_request *ret_session)
{
    uint8_t nonce[SESSION_NONCE_BYTES];
    const char *text = NULL;
    enum status status = body_integer(
        request, body,
        &(struct body_integer){.name = "node_id", .low = 1, .high = INT64_MAX},
        &ret_session->node_id);
    if (status == OK) {
        status = body_integer(request, body,
                              &(struct body_integer){.name = "at_ms",
                                                     .low = INT64_MIN / 4,
                                                     .high = INT64_MAX / 4},
                              &ret_session->at_ms);
    }
    if (status == OK) {
        status = body_hex(request, body, "nonce", nonce, sizeof nonce);
    }
    if (status == OK) {
        status = body_text(request, body,
                           &(struct body_text){.name = "nonce", .high = 32}, &text);
    }
    if (status == OK) {
        (void)snprintf(ret_session->nonce, sizeof ret_session->nonce, "%s", text);
        status = body_hex(request, body, "signature", ret_session->signature,
                          sizeof ret_session->signature);
    }
    return status;
}

/* What a node says of itself may have changed since it enrolled: a newer agent. Where
 * that cannot be stored now, the session is given all the same. */
static enum status take_facts(struct request *request, const json_t *body,
                              int64_t node_id)
{
    struct err err = {0};
    BUF_AUTO facts = BUF_INIT(FACTS_BYTES_MAX);
    enum status status = facts_read(request, body, &facts);
    if (status == OK &&
        nodes_set_facts(services(request)->nodes, node_id, facts.data, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "facts_unsaved", log_int("node_id", node_id),
                  log_text("reason", err.detail));
    }
    return status;
}

enum status api_session(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct session_request session = {0};
    char token[SESSION_TOKEN_BYTES];
    int64_t expires_ms = 0;
    int64_t now_ms = auth_now_ms(services(request)->auth);
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = read_request(request, body, &session);
    }
    if (status == OK) {
        status = auth_session(services(request)->auth, &session, now_ms, token,
                              &expires_ms, &request->err);
    }
    if (status == ERR_SESSION_CLOCK) {
        request->problem_member =
            arena_printf(&request->arena, "\"server_ms\":%" PRId64, now_ms);
    }
    if (status == OK && json_object_get(body, "facts")) {
        status = take_facts(request, body, session.node_id);
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    answer_text(&json, "token", token);
    answer_integer(&json, "expires_ms", expires_ms);
    answer_integer(&json, "server_ms", clock_wall_ms());
    answer_integer(&json, "dictionary", CONTENT_DICTIONARY_ID);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
