/* SPDX-License-Identifier: Apache-2.0 */
/* facts: what a node says of itself, in enrolments and sessions. Members that are not
 * known here are dropped, so that what is stored of a node stays small. */
#ifndef MUSTER_SERVER_API_FACTS_H
#define MUSTER_SERVER_API_FACTS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct request;

/* Appends the object "facts" of a body as JSON, "{}" when there is none. ERR_JSON_TYPE,
 * _LENGTH, _RANGE with the pointer of the member. */
enum status facts_read(struct request *request, const json_t *body,
                       struct buf *ret_json) MUST_USE;

#endif
