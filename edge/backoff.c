/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/backoff.h"

#include <sodium.h>

enum { FIRST_MS = 1000, DAY_MS = 86400000 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void backoff_fail(struct backoff *backoff, int64_t now_ms, int64_t max_ms,
                  int64_t at_least_ms)
{
    int64_t max = smaller(max_ms, DAY_MS);
    int64_t ceiling = backoff->ceiling_ms > 0 ? backoff->ceiling_ms : FIRST_MS;
    ceiling = smaller(ceiling, max);
    int64_t wait = randombytes_uniform((uint32_t)ceiling + 1);
    int64_t least = smaller(at_least_ms, DAY_MS);
    backoff->until_ms = now_ms + (wait > least ? wait : least);
    backoff->ceiling_ms = smaller(ceiling * 2, max);
}

void backoff_reset(struct backoff *backoff)
{
    *backoff = (struct backoff){0};
}

int64_t backoff_wait_ms(const struct backoff *backoff, int64_t now_ms)
{
    return backoff->until_ms > now_ms ? backoff->until_ms - now_ms : 0;
}
