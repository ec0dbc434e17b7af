/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/service/keys.h"
#include "server/service/publication.h"
#include "server/service/publication_history.h"

enum { METADATA_BYTES_MAX = 8 * 1024 * 1024, HISTORY_PAGE_MAX = 100 };

enum status api_repository_get(struct request *request, struct response *response)
{
    struct service *service = services(request);
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    char key[65];
    struct publication_role *roles = NULL;
    size_t count = 0;
    enum status status = publication_roles(service->publication, &request->arena, &roles,
                                           &count, &request->err);
    if (status != OK) {
        return status;
    }
    hex_encode(service->keys->timestamp.public_key, ED25519_PUBLIC_BYTES, key);
    buf_addstr(&json, "{\"roles\":[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        answer_text(&json, "role", roles[i].name);
        answer_integer(&json, "version", roles[i].version);
        answer_integer(&json, "expires_ms", roles[i].expires_ms);
        answer_boolean(&json, "delegated", roles[i].delegated);
        buf_addc(&json, '}');
    }
    buf_addc(&json, ']');
    answer_text(&json, "timestamp_key", key);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}

static void add_targets(struct buf *json, const char *name, const struct target_row *rows,
                        size_t count)
{
    char sha256[65];
    answer_raw(json, name, "[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(json, i > 0 ? ",{" : "{");
        hex_encode(rows[i].sha256, sizeof rows[i].sha256, sha256);
        answer_text(json, "path", rows[i].path);
        answer_text(json, "sha256", sha256);
        answer_integer(json, "length", rows[i].length);
        buf_addc(json, '}');
    }
    buf_addc(json, ']');
}

static void add_publication(struct buf *json, const struct history_item *item)
{
    char sha256[65];
    answer_integer(json, "id", item->row.id);
    answer_integer(json, "published_ms", item->row.published_ms);
    answer_text(json, "published_by", item->row.published_by);
    answer_raw(json, "roles", "[");
    for (size_t i = 0; i < item->role_count; i++) {
        const struct publication_role_row *role = &item->roles[i];
        buf_addstr(json, i > 0 ? ",{" : "{");
        hex_encode(role->sha256, sizeof role->sha256, sha256);
        answer_text(json, "role", role->role);
        answer_integer(json, "version", role->version);
        answer_integer(json, "expires_ms", role->expires_ms);
        answer_text(json, "sha256", sha256);
        answer_boolean(json, "delegated", role->delegated);
        buf_addc(json, '}');
    }
    buf_addc(json, ']');
    answer_integer(json, "listed", item->row.listed);
    answer_integer(json, "unlisted", item->row.unlisted);
    add_targets(json, "came", item->came, item->came_count);
    add_targets(json, "went", item->went, item->went_count);
}

enum status api_repository_history(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct history_item *items = NULL;
    size_t count = 0;
    struct history_page page = {0};
    size_t limit = 0;
    enum status status = answer_limit(request, &limit);
    if (status == OK) {
        limit = limit < HISTORY_PAGE_MAX ? limit : HISTORY_PAGE_MAX;
        status = request_query_int(request, "cursor", 1, INT64_MAX, INT64_MAX,
                                   &page.before_id);
        page.limit = limit + 1;
    }
    if (status == OK) {
        status = publication_history(request->scope, &page, &request->arena, &items,
                                     &count, &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < count && i < limit; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        add_publication(&json, &items[i]);
        buf_addc(&json, '}');
    }
    answer_list_end(&json, count > limit ? items[limit - 1].row.id : 0);
    return answer_send(request, response, 200, &json);
}

enum status api_repository_put_target(struct request *request, struct response *response)
{
    response->status = 204;
    return publication_put_target(
        services(request)->publication, request_param(request, "sha256"),
        request->body ? request->body : "", request->body_len, &request->err);
}

static enum status read_roots(struct request *request, const json_t *body,
                              struct publication_order *ret_order)
{
    const json_t *roots = json_object_get(body, "roots");
    if (roots && !json_is_array(roots)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'roots' must be a list");
        err_set_pointer(&request->err, "/roots");
        return ERR_JSON_TYPE;
    }
    size_t count = json_array_size(roots);
    const char **texts = arena_array(&request->arena, count + 1, sizeof *texts);
    if (!texts) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the roots");
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(roots, i));
        if (!texts[i]) {
            (void)err_set(&request->err, ERR_JSON_TYPE, "a root must be a text");
            err_set_pointer(&request->err, "/roots/%zu", i);
            return ERR_JSON_TYPE;
        }
    }
    ret_order->roots = texts;
    ret_order->root_count = count;
    return OK;
}

static enum status read_role(struct request *request, const char *role,
                             const json_t *text, struct publication_role_text *ret_text)
{
    if (!json_is_string(text)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "a role's file must be a text");
        err_set_pointer(&request->err, "/delegated");
        return ERR_JSON_TYPE;
    }
    *ret_text =
        (struct publication_role_text){.role = role, .text = json_string_value(text)};
    return OK;
}

static enum status read_delegated(struct request *request, const json_t *body,
                                  struct publication_order *ret_order)
{
    json_t *roles = json_object_get(body, "delegated");
    if (roles && !json_is_object(roles)) {
        (void)err_set(&request->err, ERR_JSON_TYPE, "'delegated' must be an object");
        err_set_pointer(&request->err, "/delegated");
        return ERR_JSON_TYPE;
    }
    struct publication_role_text *texts =
        arena_array(&request->arena, json_object_size(roles) + 1, sizeof *texts);
    if (!texts) {
        return err_set(&request->err, ERR_NO_MEMORY, "no memory for the roles");
    }
    enum status status = OK;
    const char *name = NULL;
    json_t *text = NULL;
    json_object_foreach(roles, name, text)
    {
        if (status == OK) {
            status = read_role(request, name, text, &texts[ret_order->delegated_count]);
            ret_order->delegated_count++;
        }
    }
    ret_order->delegated = texts;
    return status;
}

enum status api_repository_publish(struct request *request, struct response *response)
{
    BODY_AUTO *body = NULL;
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct publication_order order = {0};
    struct publication_state state;
    struct body_text text = {.low = 1, .high = METADATA_BYTES_MAX};
    enum status status = body_parse(request, &body);
    if (status == OK) {
        status = read_roots(request, body, &order);
    }
    if (status == OK) {
        status = read_delegated(request, body, &order);
    }
    if (status == OK) {
        text.name = "targets";
        status = body_text(request, body, &text, &order.targets);
    }
    if (status == OK) {
        text.name = "snapshot";
        status = body_text(request, body, &text, &order.snapshot);
    }
    if (status == OK) {
        status = publication_publish(services(request)->publication, &order,
                                     actor(request), &state, &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addc(&json, '{');
    answer_integer(&json, "root_version", state.versions[TUF_ROLE_ROOT]);
    answer_integer(&json, "targets_version", state.versions[TUF_ROLE_TARGETS]);
    answer_integer(&json, "snapshot_version", state.versions[TUF_ROLE_SNAPSHOT]);
    answer_integer(&json, "timestamp_version", state.versions[TUF_ROLE_TIMESTAMP]);
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
