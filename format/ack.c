/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ack.h"

#include <jansson.h>

void ack_encode(const struct ack *ack, struct buf *ret_body)
{
    buf_addstr(ret_body, "{\"first_id\":");
    buf_addi(ret_body, ack->first_id);
    buf_addstr(ret_body, ",\"rows\":");
    buf_addi(ret_body, ack->rows);
    buf_addstr(ret_body, ack->duplicate ? ",\"duplicate\":true" : ",\"duplicate\":false");
    buf_addstr(ret_body, ",\"server_ms\":");
    buf_addi(ret_body, ack->server_ms);
    buf_addc(ret_body, '}');
}

static enum status take_integer(const json_t *body, const char *name, int64_t *ret_value,
                                struct err *err)
{
    const json_t *value = json_object_get(body, name);
    if (!json_is_integer(value)) {
        enum status status = value ? ERR_JSON_TYPE : ERR_JSON_MISSING;
        (void)err_set(err, status, "'%s' must be an integer", name);
        err_set_pointer(err, "/%s", name);
        return status;
    }
    *ret_value = json_integer_value(value);
    return OK;
}

static enum status take_boolean(const json_t *body, const char *name, bool *ret_value,
                                struct err *err)
{
    const json_t *value = json_object_get(body, name);
    if (!json_is_boolean(value)) {
        enum status status = value ? ERR_JSON_TYPE : ERR_JSON_MISSING;
        (void)err_set(err, status, "'%s' must be a boolean", name);
        err_set_pointer(err, "/%s", name);
        return status;
    }
    *ret_value = json_is_true(value);
    return OK;
}

static enum status take_members(const json_t *body, struct ack *ret_ack, struct err *err)
{
    struct ack ack = {0};
    enum status status = take_integer(body, "first_id", &ack.first_id, err);
    if (status == OK) {
        status = take_integer(body, "rows", &ack.rows, err);
    }
    if (status == OK) {
        status = take_boolean(body, "duplicate", &ack.duplicate, err);
    }
    if (status == OK) {
        status = take_integer(body, "server_ms", &ack.server_ms, err);
    }
    if (status == OK) {
        *ret_ack = ack;
    }
    return status;
}

enum status ack_decode(const char *body, size_t len, struct ack *ret_ack, struct err *err)
{
    json_error_t where;
    json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, &where);
    if (!json) {
        return err_set(err, ERR_JSON_SYNTAX, "the acknowledgement is no JSON: %s",
                       where.text);
    }
    enum status status =
        json_is_object(json)
            ? take_members(json, ret_ack, err)
            : err_set(err, ERR_JSON_TYPE, "the acknowledgement must be an object");
    json_decref(json);
    return status;
}
