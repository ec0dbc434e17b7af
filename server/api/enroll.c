/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/enrollment.h"

enum { FEATURES_MAX = 64, FACT_BYTES_MAX = 64, ARCH_BYTES_MAX = 32 };

/* Copies a text fact into `out` if the node told it. */
static enum status fact_text(struct request *request, const json_t *facts,
                             const char *name, size_t max, struct buf *out)
{
    const char *text = NULL;
    struct body_text wanted = {.name = name, .high = max, .fallback = ""};
    enum status status = body_text(request, facts, &wanted, &text);
    if (status == OK && json_object_get(facts, name)) {
        answer_text(out, name, text);
    }
    return status;
}

static enum status fact_integer(struct request *request, const json_t *facts,
                                const char *name, struct buf *out)
{
    int64_t value = 0;
    struct body_integer wanted = {.name = name, .high = INT64_MAX, .optional = true};
    enum status status = body_integer(request, facts, &wanted, &value);
    if (status == OK && json_object_get(facts, name)) {
        answer_integer(out, name, value);
    }
    return status;
}

static enum status fact_features(struct request *request, const json_t *facts,
                                 struct buf *out)
{
    const json_t *features = json_object_get(facts, "features");
    size_t i;
    json_t *item;
    if (!features) {
        return OK;
    }
    if (!json_is_array(features)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'features' must be a list");
        err_set_pointer(&request->err, "/features");
        return ERR_JSON_TYPE;
    }
    if (json_array_size(features) > FEATURES_MAX) {
        (void)err_set(&request->err, ERR_JSON_LENGTH, "'features' has over %d items",
                      FEATURES_MAX);
        err_set_pointer(&request->err, "/features");
        return ERR_JSON_LENGTH;
    }
    answer_raw(out, "features", "[");
    json_array_foreach((json_t *)features, i, item)
    {
        if (!json_is_string(item) || json_string_length(item) > FACT_BYTES_MAX) {
            (void)err_set(&request->err, ERR_JSON_TYPE, "'features' must be short texts");
            err_set_pointer(&request->err, "/features/%zu", i);
            return ERR_JSON_TYPE;
        }
        buf_addstr(out, i > 0 ? "," : "");
        buf_add_json(out, json_string_value(item));
    }
    buf_addc(out, ']');
    return OK;
}

/* The pointers that reading the facts left are relative to them. */
static void point_into_facts(struct err *err)
{
    char inner[sizeof err->pointer];
    (void)snprintf(inner, sizeof inner, "%s", err->pointer);
    err->pointer[0] = '\0';
    err_set_pointer(err, "/facts%s", inner);
}

/* The facts that are known here, as JSON; unknown members are dropped. */
static enum status read_facts(struct request *request, const json_t *body,
                              struct buf *out)
{
    const json_t *facts = json_object_get(body, "facts");
    if (facts && !json_is_object(facts)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'facts' must be an object");
        point_into_facts(&request->err);
        return ERR_JSON_TYPE;
    }
    buf_addc(out, '{');
    enum status status = fact_text(request, facts, "arch", ARCH_BYTES_MAX, out);
    if (status == OK) {
        status = fact_integer(request, facts, "cores", out);
    }
    if (status == OK) {
        status = fact_integer(request, facts, "ram_bytes", out);
    }
    if (status == OK) {
        status = fact_features(request, facts, out);
    }
    if (status == OK) {
        status = fact_text(request, facts, "runtime", FACT_BYTES_MAX, out);
    }
    if (status == OK) {
        status = fact_text(request, facts, "agent", FACT_BYTES_MAX, out);
    }
    buf_addc(out, '}');
    if (status != OK) {
        point_into_facts(&request->err);
        return status;
    }
    return buf_status(out, &request->err);
}

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
        status = read_facts(request, body, &facts);
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
