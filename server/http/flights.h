/* SPDX-License-Identifier: Apache-2.0 */
/* flights: how many requests of one sender are being handled, bounded per sender.
 *
 * What one sender can take of what all share (bodies in memory, the writer's queue) is
 * its requests in flight times the size of one, however many connections it opens.
 * Thread-safe. */
#ifndef MUSTER_SERVER_HTTP_FLIGHTS_H
#define MUSTER_SERVER_HTTP_FLIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct flights;

/* At most `most` requests of a key at once; 0: there is no limit. ERR_NO_MEMORY. */
enum status flights_new(unsigned most, struct flights **ret_flights,
                        struct err *err) MUST_USE;

/* All must have left. NULL is allowed. */
void flights_free(struct flights *flights);

/* Counts a request in; false, and not counted, when the key has its most or memory ran
 * out. */
bool flights_enter(struct flights *flights, int64_t key);

/* Counts out a request that was counted in. */
void flights_leave(struct flights *flights, int64_t key);

#endif
