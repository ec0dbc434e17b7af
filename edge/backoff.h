/* SPDX-License-Identifier: Apache-2.0 */
/* backoff: when to try again: 1 s doubling to a maximum, with full jitter.
 *
 * After a failure the wait is drawn evenly from 0 to the present ceiling, so that a fleet
 * that lost its server does not come back in step. Times are monotonic ms. */
#ifndef MUSTER_EDGE_BACKOFF_H
#define MUSTER_EDGE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t ceiling_ms; /* of the next wait; 0: no failure yet */
    int64_t until_ms;   /* do nothing before */
};

/* Notes a failure at `now_ms`; waits at least `at_least_ms` (Retry-After; at most a day).
 */
void backoff_fail(struct backoff *backoff, int64_t now_ms, int64_t max_ms,
                  int64_t at_least_ms);

/* Notes a success. */
void backoff_reset(struct backoff *backoff);

/* How long still to wait; 0: try now. */
int64_t backoff_wait_ms(const struct backoff *backoff, int64_t now_ms);

#endif
