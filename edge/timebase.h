/* SPDX-License-Identifier: Apache-2.0 */
/* timebase: the server's time, kept by the monotonic clock.
 *
 * anchor = server time − monotonic time, learnt from every `server_ms`. So a device whose
 * wall clock is wrong, or is stepped while predictions wait in the queue, still reports
 * true times: a frame's time is kept as monotonic time with the boot id, and the anchor
 * turns it into server time when the report is made. */
#ifndef MUSTER_EDGE_TIMEBASE_H
#define MUSTER_EDGE_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/env.h"

enum { BOOT_ID_BYTES = 40 }; /* 36 characters and NULs */

struct timebase {
    bool known;
    int64_t anchor_ms;           /* server time − monotonic time */
    char boot_id[BOOT_ID_BYTES]; /* of this boot; "" when the system does not say */
};

/* Reads the boot id. */
void timebase_init(struct timebase *ret_base);

/* Learns from an answer that was asked for and received at these monotonic times. */
void timebase_learn(struct timebase *base, int64_t server_ms, int64_t asked_ms,
                    int64_t received_ms);

/* Best known time now: the server's, or the device's wall time while that is unknown. */
int64_t timebase_now_ms(const struct timebase *base, const struct edge_env *env);

/* Best known difference to monotonic time: the anchor, or the wall clock's. */
int64_t timebase_anchor_ms(const struct timebase *base, const struct edge_env *env);

/* Server's time minus device wall time, 0 while unknown. */
int64_t timebase_offset_ms(const struct timebase *base, const struct edge_env *env);

#endif
