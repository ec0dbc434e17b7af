/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines: absolute times at which sockets are shut down.
 *
 * libmicrohttpd only knows a timeout between two bytes, so a client that sends one byte
 * every few seconds holds a connection for ever. Here each connection has an entry with
 * its socket and the time when what it is doing must be over; a thread looks ten times a
 * second and shuts down what is late. An entry is removed under the lock before its
 * socket is closed, so a number that the system hands out again is never hit. A slow
 * reader is reset (SO_LINGER 0): after a mere shutdown the kernel would go on sending. */
#ifndef MUSTER_SERVER_HTTP_DEADLINES_H
#define MUSTER_SERVER_HTTP_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum deadline_phase {
    DEADLINE_NONE, /* the server works: no limit for the client */
    DEADLINE_HEAD,
    DEADLINE_BODY,
    DEADLINE_IDLE,
    DEADLINE_SEND, /* passing it resets the connection */
};

struct deadline; /* one connection's entry */
struct deadlines;

/* Room for `capacity` connections; starts the thread. ERR_NO_MEMORY, ERR_UNAVAILABLE. */
enum status deadlines_new(size_t capacity, struct deadlines **ret_deadlines,
                          struct err *err) MUST_USE;

/* Stops the thread. All entries must be removed. NULL is allowed. */
void deadlines_free(struct deadlines *deadlines);

/* An entry without a deadline for a socket, or NULL when the table is full. */
struct deadline *deadlines_add(struct deadlines *deadlines, int fd);

/* Forgets the entry; call it before the socket is closed. NULL is allowed. */
void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline);

/* Sets what the connection does and until when (monotonic ms). Any thread; no lock. */
void deadline_set(struct deadline *deadline, enum deadline_phase phase, int64_t at_ms);

enum deadline_phase deadline_phase(const struct deadline *deadline);

/* How many sockets were shut down for being late. */
uint64_t deadlines_expired(const struct deadlines *deadlines);

/* Shuts down every socket that is not in DEADLINE_NONE, for the end of a drain. */
void deadlines_expire_all(struct deadlines *deadlines);

#endif
