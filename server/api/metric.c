/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/metric.h"

#include <inttypes.h>

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_add_all(struct buf *out, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        metric_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
        buf_addf(out, "%s %" PRIu64 "\n", metrics[i].name, metrics[i].value);
    }
}

void metric_end_seconds(struct buf *out, uint64_t value_us)
{
    buf_addf(out, " %" PRIu64 ".%06" PRIu64 "\n", value_us / 1000000, value_us % 1000000);
}

void metric_add_seconds(struct buf *out, const char *name, const char *type,
                        const char *help, uint64_t value_us)
{
    metric_head(out, name, type, help);
    buf_addstr(out, name);
    metric_end_seconds(out, value_us);
}

void metric_add_sample(struct buf *out, const char *name, const char *label,
                       const char *label_value, int64_t value)
{
    buf_addf(out, "%s{%s=", name, label);
    buf_add_json(out, label_value); /* the same escapes; other ones cannot be in names */
    buf_addf(out, "} %" PRId64 "\n", value);
}
