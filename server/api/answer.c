/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/answer.h"

static void name_of(struct buf *json, const char *name)
{
    char last = json->len > 0 ? json->data[json->len - 1] : '{';
    if (last != '{' && last != '[' && last != ',') {
        buf_addc(json, ',');
    }
    buf_add_json(json, name);
    buf_addc(json, ':');
}

void answer_text(struct buf *json, const char *name, const char *text)
{
    name_of(json, name);
    buf_add_json(json, text);
}

void answer_integer(struct buf *json, const char *name, int64_t value)
{
    name_of(json, name);
    buf_addi(json, value);
}

void answer_boolean(struct buf *json, const char *name, bool value)
{
    answer_raw(json, name, value ? "true" : "false");
}

void answer_raw(struct buf *json, const char *name, const char *raw)
{
    name_of(json, name);
    buf_addstr(json, raw);
}

void answer_text_or_null(struct buf *json, const char *name, const char *text)
{
    if (text[0] == '\0') {
        answer_raw(json, name, "null");
    } else {
        answer_text(json, name, text);
    }
}

void answer_time(struct buf *json, const char *name, int64_t at_ms)
{
    if (at_ms == 0) {
        answer_raw(json, name, "null");
    } else {
        answer_integer(json, name, at_ms);
    }
}

enum status answer_limit(struct request *request, size_t *ret_limit)
{
    int64_t limit = 0;
    enum status status =
        request_query_int(request, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit);
    *ret_limit = (size_t)limit;
    return status;
}

void answer_list_end(struct buf *json, int64_t next)
{
    buf_addstr(json, "],\"next\":");
    if (next > 0) {
        buf_addf(json, "\"%lld\"", (long long)next);
    } else {
        buf_addstr(json, "null");
    }
    buf_addc(json, '}');
}

enum status answer_send(struct request *request, struct response *response, int status,
                        const struct buf *json)
{
    enum status complete = buf_status(json, &request->err);
    return complete == OK
               ? response_json(request, response, status, json->data, json->len)
               : complete;
}
