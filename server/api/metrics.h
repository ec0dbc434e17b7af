/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: GET /metrics in Prometheus' text form, on a listener of its own.
 *
 * The listener is a second `struct http` whose route table is metrics_routes and whose
 * context is a `struct metrics_sources`. */
#ifndef MUSTER_SERVER_API_METRICS_H
#define MUSTER_SERVER_API_METRICS_H

#include <stddef.h>

#include "server/http/http.h"
#include "server/http/route.h"

struct service;

/* Where the numbers come from; all of it outlives the listener. */
struct metrics_sources {
    const struct http *http;    /* the main listener */
    const struct route *routes; /* its table */
    size_t route_count;
    const struct service *service;
};

extern const struct route metrics_routes[];
extern const size_t metrics_routes_count;

#endif
