/* SPDX-License-Identifier: Apache-2.0 */
/* attempts: how often the download of one artifact failed, and from when on it may be
 * tried again.
 *
 * Between attempts lies the backoff of their rounds (edge/poll). After 8 in a row that
 * brought less than 64 KiB each, or where the server said Retry-After, this artifact
 * waits; polls go on meanwhile, and another artifact does not wait for it. */
#ifndef MUSTER_EDGE_ATTEMPTS_H
#define MUSTER_EDGE_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

enum { ATTEMPTS_MAX = 8, ATTEMPTS_PAUSE = 12 /* times the longest backoff */ };

struct attempts {
    uint8_t artifact[32];
    int failed; /* in a row, without progress */
    int64_t until_ms;
};

/* One that failed. */
struct attempt {
    int64_t brought; /* bytes */
    int64_t retry_after_ms;
    int64_t backoff_max_ms;
    int64_t now_ms; /* monotonic */
};

/* Counts a failure; true if it made progress. */
bool attempts_failed(struct attempts *attempts, const uint8_t artifact[static 32],
                     const struct attempt *attempt);

/* In how many ms this artifact may be tried, 0: now. */
int64_t attempts_wait_ms(const struct attempts *attempts,
                         const uint8_t artifact[static 32], int64_t now_ms);

#endif
