/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/facts.h"
#include "server/api/handlers.h"
#include "server/service/enrollment.h"

static enum status read_key(struct request *request, const json_t *body,
                            struct node_order *order)
{
    enum status status = body_hex(request, body, "public_key", order->public_key, 32);
    if (status == ERR_JSON_LENGTH || status == ERR_JSON_RANGE) {
        err_clear(&request->err);
        (void)err_set(&request->err, ERR_ENROLL_KEY, "the key must be 64 hex digits");
        err_set_pointer(&request->err, "/public_key");
        return ERR_ENROLL_KEY;
    }
    return status;
}

static enum status read_order(struct request *request, const json_t *body,
                              struct node_order *order, const char **ret_token)
{
    enum status status = body_text(
        request, body, &(struct body_text){.name = "token", .high = 4096}, ret_token);
    if (status == OK) {
        status = body_text(
            request, body,
            &(struct body_text){.name = "name", .low = 1, .high = NODE_NAME_BYTES - 1},
            &order->name);
    }
    if (status == OK) {
        status = read_key(request, body, order);
    }
    return status == OK ? body_labels(request, body, false, &order->declared) : status;
}

enum status api_enroll(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO facts = BUF_INIT(64 * 1024);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct node_order order = {0};
    const char *token = NULL;
    int64_t node_id = 0;
    enum node_state state = NODE_ACTIVE;
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = read_order(request, body, &order, &token);
    }
    if (status == OK) {
        status = facts_read(request, body, &facts);
        order.facts = facts.data;
    }
    if (status == OK) {
        status = enrollment_enroll(services(request)->enrollment, token, &order, &node_id,
                                   &state, &request->err);
    }
    if (status == ERR_ENROLL_KEY) {
        err_set_pointer(&request->err, "/public_key");
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    answer_integer(&json, "node_id", node_id);
    answer_text(&json, "server_id", services(request)->server_id);
    answer_text(&json, "state", node_state_name(state));
    answer_integer(&json, "server_ms", request->received_ms);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
