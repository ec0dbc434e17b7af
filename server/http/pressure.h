/* SPDX-License-Identifier: Apache-2.0 */
/* pressure: when clients that were refused because the server is behind shall come back.
 *
 * Each of them gets the next place in a queue that is only imagined, and which is served
 * as fast as the server worked lately. So the time grows with the number that were turned
 * away, and a fleet that returns at once after an outage comes back spread over as long
 * as the server needs for it. Costs nothing until something is refused. Thread-safe. */
#ifndef MUSTER_SERVER_HTTP_PRESSURE_H
#define MUSTER_SERVER_HTTP_PRESSURE_H

#include <pthread.h>
#include <stdint.h>

enum { PRESSURE_MAX_S = 120 };

/* Zero-initialise but for the lock. */
struct pressure {
    pthread_mutex_t lock;
    int64_t at_ms;        /* of the last refusal */
    double waiting;       /* places given away and not yet served */
    int64_t sampled_ms;   /* when the rate was measured */
    uint64_t sampled;     /* what was served until then */
    double served_per_ms; /* lately */
};

/* One more is refused at `now_ms` (monotonic); `served` counts the work done since the
 * start. Returns the whole seconds after which to come back, 1 … PRESSURE_MAX_S. */
unsigned pressure_refuse(struct pressure *pressure, int64_t now_ms, uint64_t served);

#endif
