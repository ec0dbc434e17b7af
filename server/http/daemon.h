/* SPDX-License-Identifier: Apache-2.0 */
/* daemon: what the files of this folder share about one running listener.
 *
 * Private to server/http. `struct http` is made by http.c; connection.c fills the
 * deadline and address tables, exchange.c uses the rest. Counters are atomics; everything
 * else is constant once the daemon runs. */
#ifndef MUSTER_SERVER_HTTP_DAEMON_H
#define MUSTER_SERVER_HTTP_DAEMON_H

#include <stdatomic.h>

#include "server/http/body.h"
#include "server/http/buckets.h"
#include "server/http/deadlines.h"
#include "server/http/flights.h"
#include "server/http/http.h"
#include "server/http/peers.h"
#include "server/http/pressure.h"
#include "server/http/router.h"
#include "server/http/streams.h"

struct MHD_Daemon;

struct exchange;

enum { HTTP_ADDRESS_BYTES = 80, HTTP_SPARES = 16 };

struct route_stats {
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t total_us;
};

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct deadlines *deadlines;
    struct peers *peers;
    struct buckets *address_buckets, *node_buckets;
    struct flights *node_flights;
    struct pressure pressure;
    struct streams *streams;
    struct route_stats *routes; /* one a row of the route table */
    struct router router;
    _Atomic(struct exchange *) spares[HTTP_SPARES]; /* of event threads; exchange.c */
    char address[HTTP_ADDRESS_BYTES];
    uint64_t id_seed; /* of request ids */
    atomic_uint_fast64_t id_next;
    atomic_bool draining; /* answers close their connections, new ones are refused */
    atomic_bool closed;   /* no request is suspended any more */
    atomic_uint_fast64_t suspended; /* and the library has not gone on with them */
    atomic_uint_fast64_t in_flight; /* requests between head and completion */
    atomic_uint_fast64_t jobs;      /* handed over and not done with */
    atomic_uint_fast64_t jobs_done; /* that went well */
    struct body_pool bodies;        /* of all requests */
    struct body_pool public_bodies; /* of those without credentials */
    atomic_uint_fast64_t by_class[6];
    atomic_uint_fast64_t refused_connections;
    atomic_uint_fast64_t framing_refused;
    atomic_uint_fast64_t limited_by_address, limited_by_node, overloaded;
};

/* One accepted connection; libmicrohttpd's socket context. */
struct connection {
    struct peer *peer;
    struct deadline *deadline;
    char client[PEER_TEXT_BYTES];
};

#endif
