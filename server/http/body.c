/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/body.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096 };

static bool pool_take(struct body_pool *pool, size_t extra)
{
    uint64_t before = atomic_fetch_add(&pool->used, extra);
    if (before + extra > pool->max) {
        (void)atomic_fetch_sub(&pool->used, extra);
        return false;
    }
    return true;
}

static void give_back(const struct body *body, int pools, size_t bytes)
{
    for (int i = 0; i < pools; i++) {
        if (body->pools[i]) {
            (void)atomic_fetch_sub(&body->pools[i]->used, bytes);
        }
    }
}

enum status body_reserve(struct body *body, size_t extra, struct err *err)
{
    for (int i = 0; i < BODY_POOLS; i++) {
        if (body->pools[i] && !pool_take(body->pools[i], extra)) {
            give_back(body, i, extra);
            return err_set(err, ERR_UNAVAILABLE, "too many large requests at once");
        }
    }
    body->reserved += extra;
    return OK;
}

static enum status grow(struct body *body, size_t capacity, struct err *err)
{
    enum status status = body_reserve(body, capacity - body->capacity, err);
    if (status != OK) {
        return status;
    }
    char *data = realloc(body->data, capacity + 1);
    if (!data) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the request body");
    }
    data[body->len] = '\0';
    body->data = data;
    body->capacity = capacity;
    return OK;
}

enum status body_expect(struct body *body, size_t len, struct err *err)
{
    return len > 0 ? grow(body, len, err) : OK;
}

enum status body_add(struct body *body, const char *data, size_t len, struct err *err)
{
    if (len > body->max - body->len) {
        return err_set(err, ERR_HTTP_TOO_LARGE, "the body is over the limit of %zu bytes",
                       body->max);
    }
    size_t needed = body->len + len;
    if (needed > body->capacity) {
        size_t doubled = body->capacity ? body->capacity * 2 : FIRST_CAPACITY;
        size_t capacity = doubled > needed ? doubled : needed;
        enum status status = grow(body, capacity < body->max ? capacity : body->max, err);
        if (status != OK) {
            return status;
        }
    }
    memcpy(body->data + body->len, data, len);
    body->len = needed;
    body->data[needed] = '\0';
    return OK;
}

void body_release(struct body *body)
{
    free(body->data);
    body->data = NULL;
    body->len = body->capacity = 0;
    give_back(body, BODY_POOLS, body->reserved);
    body->reserved = 0;
}
