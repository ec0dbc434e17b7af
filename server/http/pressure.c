/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/pressure.h"

enum { SAMPLE_MS = 200, STALE_MS = 2000 };

static const double SLOWEST_PER_MS = 0.1; /* when nothing moves */
static const double USUAL_PER_MS = 1.0;   /* while nothing is known */

/* A span that began long ago tells of quiet times, not of what the server can do. */
static void measure(struct pressure *pressure, int64_t now_ms, uint64_t served)
{
    int64_t span_ms = now_ms - pressure->sampled_ms;
    if (pressure->served_per_ms <= 0) {
        pressure->served_per_ms = USUAL_PER_MS;
    } else if (span_ms < SAMPLE_MS) {
        return;
    } else if (span_ms <= STALE_MS) {
        double rate = (double)(served - pressure->sampled) / (double)span_ms;
        pressure->served_per_ms = rate > SLOWEST_PER_MS ? rate : SLOWEST_PER_MS;
    }
    pressure->sampled = served;
    pressure->sampled_ms = now_ms;
}

unsigned pressure_refuse(struct pressure *pressure, int64_t now_ms, uint64_t served)
{
    (void)pthread_mutex_lock(&pressure->lock);
    measure(pressure, now_ms, served);
    pressure->waiting -= pressure->served_per_ms * (double)(now_ms - pressure->at_ms);
    pressure->waiting = pressure->waiting > 0 ? pressure->waiting + 1 : 1;
    pressure->at_ms = now_ms;
    double seconds = 1 + pressure->waiting / pressure->served_per_ms / 1000;
    (void)pthread_mutex_unlock(&pressure->lock);
    return seconds < PRESSURE_MAX_S ? (unsigned)seconds : PRESSURE_MAX_S;
}
