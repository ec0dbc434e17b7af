/* SPDX-License-Identifier: Apache-2.0 */
/* analytics: what the endpoints over the rollups share. */
#ifndef MUSTER_SERVER_API_ANALYTICS_H
#define MUSTER_SERVER_API_ANALYTICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/http/request.h"
#include "server/service/analytics.h"

/* Reads from, to, step, model, version, artifact, label.KEY and group of the query. 422
 * with a pointer. */
enum status analytics_query_read(struct request *request, int64_t default_step_s,
                                 struct analytics_query *ret_query) MUST_USE;

/* Appends `"name":[…]`, with a comma before it where one is missing. */
void analytics_add_counts(struct buf *json, const char *name, const int64_t *n,
                          size_t count);

#endif
