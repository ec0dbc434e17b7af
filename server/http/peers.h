/* SPDX-License-Identifier: Apache-2.0 */
/* peers: how many connections are open, in all and per client address.
 *
 * libmicrohttpd stops accepting at its own limit, which looks like a dead server; so ours
 * lies below it and what is beyond gets a canned 503. An IPv6 client counts by its /64.
 * An address also has a share of the memory for bodies without credentials.
 * Thread-safe. */
#ifndef MUSTER_SERVER_HTTP_PEERS_H
#define MUSTER_SERVER_HTTP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct peer; /* one address with its count */
struct body_pool;
struct peers;

/* ERR_NO_MEMORY. */
enum status peers_new(unsigned max_connections, unsigned max_per_address,
                      uint64_t max_body_bytes, struct peers **ret_peers,
                      struct err *err) MUST_USE;

/* All connections must have left. NULL is allowed. */
void peers_free(struct peers *peers);

/* Counts a connection in. NULL when either limit is reached or memory ran out. */
struct peer *peers_enter(struct peers *peers, const struct sockaddr *address);

/* Counts it out. NULL is allowed. */
void peers_leave(struct peers *peers, struct peer *peer);

/* The address as a number: equal for equal addresses, and for practical purposes only. */
uint64_t peer_key(const struct peer *peer);

/* What bodies without credentials of this address may take together. */
struct body_pool *peer_bodies(struct peer *peer);

/* Connections that are counted in now. */
uint64_t peers_count(struct peers *peers);

enum { PEER_TEXT_BYTES = 46 };

/* The numeric address as text ("127.0.0.1", "::1"), "unknown" for other families. */
void peer_format(const struct sockaddr *address, char ret_text[static PEER_TEXT_BYTES]);

#endif
