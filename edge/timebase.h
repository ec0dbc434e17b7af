/* SPDX-License-Identifier: Apache-2.0 */
/* timebase: the server's time, kept by the monotonic clock.
 *
 * anchor = server time − monotonic time, learnt from every `server_ms`. So a device whose
 * wall clock is wrong, or is stepped while predictions wait in the queue, still reports
 * true times: a frame's time is kept as monotonic time with the boot id, and the anchor
 * turns it into server time when the report is made. What is known of earlier boots is in
 * `boots`. */
#ifndef MUSTER_EDGE_TIMEBASE_H
#define MUSTER_EDGE_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/boots.h"
#include "edge/env.h"

struct timebase {
    bool known;
    int64_t anchor_ms;           /* server time − monotonic time */
    int64_t doubt_ms;            /* how far off it may have been when it was learnt, */
    int64_t learnt_ms;           /* at this monotonic time */
    char boot_id[BOOT_ID_BYTES]; /* of this boot; "" when the system does not say */
    struct boots boots;
};

/* Takes the boot id and reads what is known of boots; a time learnt earlier in this boot
 * is known again. Blocks. */
enum status timebase_open(struct timebase *ret_base, const struct edge_env *env,
                          const char *state_folder, struct err *err) MUST_USE;

/* Learns from an answer that was asked for and received at these monotonic times; a
 * server_ms that is no time is ignored. The anchor lies between server_ms − received_ms
 * and server_ms − asked_ms (Cristian's bound): an answer that is no more in doubt than
 * what is known gives the middle; a slower one, as when the device slept meanwhile, only
 * moves the anchor as far as it must. */
void timebase_learn(struct timebase *base, int64_t server_ms, int64_t asked_ms,
                    int64_t received_ms);

/* Best known time now: the server's; while that is unknown the device's wall time, but
 * not before the end of the boot before this one. */
int64_t timebase_now_ms(const struct timebase *base, const struct edge_env *env);

/* The same as a difference to monotonic time. */
int64_t timebase_anchor_ms(const struct timebase *base, const struct edge_env *env);

/* The same for what was stored in any boot, when the anchor was thought to be
 * `stored_ms`. */
struct boot_time timebase_boot(const struct timebase *base, const char *boot_id,
                               int64_t stored_ms);

/* Tells `boots` what is known now. */
void timebase_note(struct timebase *base, const struct edge_env *env);

/* Server's time minus device wall time, 0 while unknown. */
int64_t timebase_offset_ms(const struct timebase *base, const struct edge_env *env);

#endif
