/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/attempts.h"

#include <string.h>

enum { PROGRESS_BYTES = 64 * 1024, RETRY_AFTER_MAX_MS = 3600000 };

static bool is_of(const struct attempts *attempts, const uint8_t artifact[static 32])
{
    return memcmp(attempts->artifact, artifact, sizeof attempts->artifact) == 0;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool attempts_failed(struct attempts *attempts, const uint8_t artifact[static 32],
                     const struct attempt *attempt)
{
    if (!is_of(attempts, artifact)) {
        *attempts = (struct attempts){0};
        memcpy(attempts->artifact, artifact, sizeof attempts->artifact);
    }
    bool progress = attempt->brought >= PROGRESS_BYTES;
    int64_t pause_ms = attempt->retry_after_ms < RETRY_AFTER_MAX_MS
                           ? attempt->retry_after_ms
                           : RETRY_AFTER_MAX_MS;
    attempts->failed = progress ? 0 : attempts->failed + 1;
    if (attempts->failed == ATTEMPTS_MAX) {
        attempts->failed = 0;
        pause_ms = larger(pause_ms, ATTEMPTS_PAUSE * attempt->backoff_max_ms);
    }
    attempts->until_ms = attempt->now_ms + pause_ms;
    return progress;
}

int64_t attempts_wait_ms(const struct attempts *attempts,
                         const uint8_t artifact[static 32], int64_t now_ms)
{
    return is_of(attempts, artifact) && attempts->until_ms > now_ms
               ? attempts->until_ms - now_ms
               : 0;
}
