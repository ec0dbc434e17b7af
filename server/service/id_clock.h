/* SPDX-License-Identifier: Apache-2.0 */
/* id_clock: the time that goes into prediction ids.
 *
 * It starts at the wall clock, runs with CLOCK_MONOTONIC and follows the wall clock by at
 * most a tenth of the time that passes, so that a jump of the wall clock neither turns it
 * back nor throws it ahead. Writer thread only. */
#ifndef MUSTER_SERVER_SERVICE_ID_CLOCK_H
#define MUSTER_SERVER_SERVICE_ID_CLOCK_H

#include <stdint.h>

struct id_clock {
    int64_t shown_us; /* what it told last */
    int64_t mono_us;  /* when */
};

/* Sets it to the wall clock. */
void id_clock_init(struct id_clock *clock);

/* Milliseconds since 1970; never less than before. */
int64_t id_clock_now(struct id_clock *clock);

#endif
