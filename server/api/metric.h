/* SPDX-License-Identifier: Apache-2.0 */
/* metric: the lines of Prometheus' text form (exposition format 0.0.4).
 *
 * A metric is a head and then its samples, which belong together. Values are integers;
 * times are given in microseconds and written in seconds, the unit of Prometheus. */
#ifndef MUSTER_SERVER_API_METRIC_H
#define MUSTER_SERVER_API_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A metric of one sample without labels. */
struct metric {
    const char *name;
    const char *type; /* counter or gauge */
    const char *help;
    uint64_t value;
};

/* The lines HELP and TYPE. */
void metric_head(struct buf *out, const char *name, const char *type, const char *help);

/* Head and sample of each. */
void metric_add_all(struct buf *out, const struct metric *metrics, size_t count);

/* Head and sample of one that counts or measures time. */
void metric_add_seconds(struct buf *out, const char *name, const char *type,
                        const char *help, uint64_t value_us);

/* One sample with one label, whose value is escaped as Prometheus wants it. */
void metric_add_sample(struct buf *out, const char *name, const char *label,
                       const char *label_value, int64_t value);

/* A time as seconds, a line's end after it. */
void metric_end_seconds(struct buf *out, uint64_t value_us);

#endif
