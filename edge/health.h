/* SPDX-License-Identifier: Apache-2.0 */
/* health: what the process says of itself in reports: CPU, memory, temperature, power. */
#ifndef MUSTER_EDGE_HEALTH_H
#define MUSTER_EDGE_HEALTH_H

#include <stdint.h>

#include "format/report.h"

/* The last measurement, for differences. Zero at first. */
struct health_meter {
    int64_t cpu_us, mono_ms;
};

/* Fills in cpu_pct (of one core, since the call before; not at the first) and rss_bytes,
 * and temp_c and power_mw unless they are NaN. */
void health_measure(struct health_meter *meter, int64_t now_mono_ms, double temp_c,
                    double power_mw, struct health *ret_health);

#endif
