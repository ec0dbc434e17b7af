/* SPDX-License-Identifier: Apache-2.0 */
/* retention: how long rows, samples and rollups are kept.
 *
 * It owns the policy and the figures of what it deleted; table retention keeps from when
 * on each kind is complete. It works as the store's chore: small steps on the writer
 * thread between groups, so that ingest and control changes overtake it. Age is the time
 * since receipt (rows, samples) or since the bucket began (minutes, rollups), by a clock
 * that runs with CLOCK_MONOTONIC and follows the wall clock slowly: a jump of the wall
 * clock deletes nothing. */
#ifndef MUSTER_SERVER_SERVICE_RETENTION_H
#define MUSTER_SERVER_SERVICE_RETENTION_H

#include <stdint.h>

#include "base/err.h"

struct retention;
struct store;

enum { RETENTION_COUNTERS = 4 };

/* Days; 0: for ever. */
struct retention_options {
    int64_t row_days;    /* predictions and reports: 30 */
    int64_t sample_days; /* table sample: 365 */
    int64_t minute_days; /* counts per minute: 14 */
    int64_t rollup_days; /* all other rollups: 0 */
    int64_t row_bytes; /* the oldest rows go while the database uses more; 0: no limit */
};

struct retention_counters {
    struct {
        const char *kind;         /* as in table retention */
        uint64_t deleted;         /* rows of tables since the start */
        int64_t complete_from_ms; /* 0: nothing was ever deleted */
    } kinds[RETENTION_COUNTERS];
    uint64_t steps, failures;
    uint64_t step_us_total;
    uint64_t step_us_max;
    uint64_t used_bytes; /* of the database, when last looked at */
};

struct retention_options retention_options_default(void);

/* Becomes the chore of `store`. Blocks. */
enum status retention_open(struct store *store, const struct retention_options *options,
                           struct retention **ret_retention, struct err *err) MUST_USE;

/* Frees it, after store_close. NULL is allowed. */
void retention_close(struct retention *retention);

/* From any thread. */
void retention_counters_read(const struct retention *retention,
                             struct retention_counters *ret_counters);

#endif
