/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tokens.h"

#include <stdio.h>

#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/enrollment.h"

enum {
    EXPIRES_S_MAX = 10 * 366 * 86400,
    ENROLLMENT_EXPIRES_S = 86400,
    API_EXPIRES_S = 30 * 86400,
    USES_MAX = 1000000,
};

static enum status read_expiry(struct request *request, const json_t *body,
                               int64_t fallback_s, int64_t *ret_expires_ms)
{
    int64_t seconds = 0;
    enum status status = body_integer(request, body,
                                      &(struct body_integer){.name = "expires_s",
                                                             .low = 1,
                                                             .high = EXPIRES_S_MAX,
                                                             .optional = true,
                                                             .fallback = fallback_s},
                                      &seconds);
    *ret_expires_ms = request->received_ms + seconds * 1000;
    return status;
}

/* Members that the answer to a creation and a list share. */
static void add_enrollment_token(struct buf *json,
                                 const struct enrollment_token_info *info)
{
    answer_integer(json, "id", info->id);
    answer_text(json, "name", info->name);
    answer_integer(json, "max_uses", info->max_uses);
    answer_integer(json, "uses", info->uses);
    answer_integer(json, "expires_ms", info->expires_ms);
    answer_boolean(json, "revoked", info->revoked);
    answer_boolean(json, "pending", info->pending);
}

static enum status read_enrollment_order(struct request *request, const json_t *body,
                                         struct enrollment_token_order *ret_order,
                                         struct label_list *labels)
{
    enum status status = body_text(
        request, body, &(struct body_text){.name = "name", .low = 1, .high = 128},
        &ret_order->name);
    if (status == OK) {
        status = body_integer(request, body,
                              &(struct body_integer){.name = "max_uses",
                                                     .low = 1,
                                                     .high = USES_MAX,
                                                     .optional = true,
                                                     .fallback = 1},
                              &ret_order->max_uses);
    }
    if (status == OK) {
        status = read_expiry(request, body, ENROLLMENT_EXPIRES_S, &ret_order->expires_ms);
    }
    if (status == OK) {
        status = body_boolean(request, body, "pending", &ret_order->pending);
    }
    ret_order->labels = labels;
    return status == OK ? body_labels(request, body, false, labels) : status;
}

enum status api_enrollment_token_create(struct request *request,
                                        struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct label_list labels;
    struct enrollment_token_order order = {0};
    struct enrollment_token_info info = {0};
    char token[TOKEN_TEXT_BYTES];
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = read_enrollment_order(request, body, &order, &labels);
    }
    if (status == OK) {
        status = enrollment_token_create(services(request)->enrollment, &order,
                                         actor(request), &info.id, token, &request->err);
    }
    if (status != OK) {
        return status;
    }
    (void)snprintf(info.name, sizeof info.name, "%s", order.name);
    info.max_uses = order.max_uses;
    info.expires_ms = order.expires_ms;
    info.pending = order.pending;
    buf_addc(&json, '{');
    add_enrollment_token(&json, &info);
    answer_raw(&json, "labels", "{");
    for (size_t i = 0; i < labels.count; i++) {
        answer_text(&json, labels.items[i].key, labels.items[i].value);
    }
    buf_addc(&json, '}');
    answer_text(&json, "token", token);
    buf_addc(&json, '}');
    return answer_send(request, response, 201, &json);
}

/* One more than the page, so that it shows whether there is a next one. */
static enum status read_page(struct request *request, size_t *ret_limit,
                             int64_t *ret_after_id)
{
    enum status status = answer_limit(request, ret_limit);
    return status == OK
               ? request_query_int(request, "cursor", 0, INT64_MAX, 0, ret_after_id)
               : status;
}

enum status api_enrollment_tokens_list(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct enrollment_token_info *items = NULL;
    size_t count = 0;
    size_t limit = 0;
    int64_t after_id = 0;
    enum status status = read_page(request, &limit, &after_id);
    if (status == OK) {
        status = enrollment_tokens_list(services(request)->enrollment, after_id,
                                        limit + 1, &request->arena, &items, &count);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < count && i < limit; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        add_enrollment_token(&json, &items[i]);
        answer_raw(&json, "labels", items[i].labels);
        buf_addc(&json, '}');
    }
    answer_list_end(&json, count > limit ? items[limit - 1].id : 0);
    return answer_send(request, response, 200, &json);
}

enum status api_enrollment_token_revoke(struct request *request,
                                        struct response *response)
{
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status = enrollment_token_cancel(services(request)->enrollment, id,
                                         actor(request), &request->err);
    }
    response->status = 204;
    return status;
}

static void add_token(struct buf *json, const struct token_info *info)
{
    answer_integer(json, "id", info->id);
    answer_text(json, "name", info->name);
    answer_text(json, "role", token_role_name(info->role));
    answer_integer(json, "created_ms", info->created_ms);
    answer_integer(json, "expires_ms", info->expires_ms);
}

static enum status read_token(struct request *request, const json_t *body,
                              struct token_info *ret_info)
{
    const char *name = NULL;
    const char *role = NULL;
    enum status status = body_text(
        request, body, &(struct body_text){.name = "name", .low = 1, .high = 128}, &name);
    if (status == OK) {
        status = body_text(request, body, &(struct body_text){.name = "role", .high = 16},
                           &role);
    }
    if (status == OK && !token_role_parse(role, &ret_info->role)) {
        (void)err_set(&request->err, ERR_JSON_RANGE,
                      "role must be viewer, operator, publisher or admin");
        err_set_pointer(&request->err, "/role");
        return ERR_JSON_RANGE;
    }
    if (status != OK) {
        return status;
    }
    (void)snprintf(ret_info->name, sizeof ret_info->name, "%s", name);
    return read_expiry(request, body, API_EXPIRES_S, &ret_info->expires_ms);
}

enum status api_token_create(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct token_info info = {0};
    char token[TOKEN_TEXT_BYTES];
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = read_token(request, body, &info);
    }
    if (status == OK) {
        status = tokens_create(services(request)->tokens, &info, actor(request), token,
                               &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    add_token(&json, &info);
    answer_text(&json, "token", token);
    buf_addc(&json, '}');
    return answer_send(request, response, 201, &json);
}

enum status api_tokens_list(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct token_info *items = NULL;
    size_t count = 0;
    size_t limit = 0;
    int64_t after_id = 0;
    enum status status = read_page(request, &limit, &after_id);
    if (status == OK) {
        status = tokens_list(services(request)->tokens, after_id, limit + 1,
                             &request->arena, &items, &count);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < count && i < limit; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        add_token(&json, &items[i]);
        buf_addc(&json, '}');
    }
    answer_list_end(&json, count > limit ? items[limit - 1].id : 0);
    return answer_send(request, response, 200, &json);
}

enum status api_token_revoke(struct request *request, struct response *response)
{
    int64_t id = 0;
    enum status status = request_param_id(request, "id", &id);
    if (status == OK) {
        status =
            tokens_revoke(services(request)->tokens, id, actor(request), &request->err);
    }
    response->status = 204;
    return status;
}
