/* SPDX-License-Identifier: Apache-2.0 */
/* answer: small helpers for what most handlers answer with. */
#ifndef MUSTER_SERVER_API_ANSWER_H
#define MUSTER_SERVER_API_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/service/service.h"

enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024, PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

/* The services of the program. */
static inline struct service *services(const struct request *request)
{
    return request->context;
}

/* Who acts, for the record: the name of the API token. */
static inline const char *actor(const struct request *request)
{
    return request->principal.name ? request->principal.name : "";
}

/* Appends `"name":` and the value; a comma goes before it unless it comes first. */
void answer_text(struct buf *json, const char *name, const char *text);
void answer_integer(struct buf *json, const char *name, int64_t value);
void answer_boolean(struct buf *json, const char *name, bool value);
void answer_raw(struct buf *json, const char *name, const char *raw);

/* Appends the text, or null for "". */
void answer_text_or_null(struct buf *json, const char *name, const char *text);

/* Appends the time, or null for 0. */
void answer_time(struct buf *json, const char *name, int64_t at_ms);

/* ?limit= of a list. */
enum status answer_limit(struct request *request, size_t *ret_limit) MUST_USE;

/* Ends a list that was begun with `{"items":[`; `next` is an id, 0 for the last page. */
void answer_list_end(struct buf *json, int64_t next);

/* Answers with the JSON. */
enum status answer_send(struct request *request, struct response *response, int status,
                        const struct buf *json) MUST_USE;

#endif
