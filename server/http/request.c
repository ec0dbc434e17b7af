/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/exchange.h"

static const struct exchange *exchange_of(const struct request *request)
{
    return request->internal;
}

/* Decimal digits with an optional minus, nothing else. */
static bool read_int(const char *text, int64_t *ret_value)
{
    size_t digits = strspn(text + (*text == '-'), "0123456789");
    if (digits == 0 || text[(*text == '-') + digits] != '\0') {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *ret_value = value;
    return true;
}

const char *request_param(const struct request *request, const char *name)
{
    const struct route_match *match = &exchange_of(request)->match;
    for (size_t i = 0; i < match->param_count; i++) {
        const struct route_param *param = &match->params[i];
        if (strlen(name) == param->name_len &&
            memcmp(name, param->name, param->name_len) == 0) {
            return param->value;
        }
    }
    assert(false && "the route's template has no such parameter");
    return "";
}

enum status request_param_id(struct request *request, const char *name, int64_t *ret_id)
{
    int64_t id = 0;
    if (!read_int(request_param(request, name), &id) || id <= 0) {
        return err_set(&request->err, ERR_NOT_FOUND, "no such thing: '%.64s'",
                       request_param(request, name));
    }
    *ret_id = id;
    return OK;
}

const char *request_query(const struct request *request, const char *name)
{
    const struct target *target = &exchange_of(request)->target;
    for (size_t i = 0; i < target->query_count; i++) {
        if (strcmp(target->query[i].name, name) == 0) {
            return target->query[i].value;
        }
    }
    return NULL;
}

bool request_query_at(const struct request *request, size_t index, const char **ret_name,
                      const char **ret_value)
{
    const struct target *target = &exchange_of(request)->target;
    if (index >= target->query_count) {
        return false;
    }
    *ret_name = target->query[index].name;
    *ret_value = target->query[index].value;
    return true;
}

enum status request_query_int(struct request *request, const char *name, int64_t low,
                              int64_t high, int64_t fallback, int64_t *ret_value)
{
    const char *text = request_query(request, name);
    int64_t value = fallback;
    if (text && (!read_int(text, &value) || value < low || value > high)) {
        (void)err_set(&request->err, ERR_JSON_RANGE,
                      "%s must be an integer between %lld and %lld, found '%.64s'", name,
                      (long long)low, (long long)high, text);
        err_set_pointer(&request->err, "?%s", name);
        return ERR_JSON_RANGE;
    }
    *ret_value = value;
    return OK;
}

const char *request_header(const struct request *request, const char *name)
{
    return guard_field(&exchange_of(request)->head, name);
}
