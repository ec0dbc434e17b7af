/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/health.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

static int64_t cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int64_t rss_bytes(void)
{
    long long pages = 0;
    BUF_AUTO text = BUF_INIT(256);
    if (file_read("/proc/self/statm", &text, NULL) != OK || !text.data ||
        sscanf(text.data, "%*s %lld", &pages) != 1) {
        return 0;
    }
    return pages * sysconf(_SC_PAGESIZE);
}

void health_measure(struct health_meter *meter, int64_t now_mono_ms, double temp_c,
                    double power_mw, struct health *ret_health)
{
    int64_t cpu = cpu_us();
    if (meter->mono_ms > 0 && now_mono_ms > meter->mono_ms) {
        int64_t tenths = (cpu - meter->cpu_us) / (now_mono_ms - meter->mono_ms);
        ret_health->cpu_pct = (double)tenths / 10;
        ret_health->present |= HEALTH_CPU_PCT;
    }
    *meter = (struct health_meter){.cpu_us = cpu, .mono_ms = now_mono_ms};
    ret_health->rss_bytes = rss_bytes();
    ret_health->present |= ret_health->rss_bytes > 0 ? (unsigned)HEALTH_RSS_BYTES : 0;
    if (!isnan(temp_c)) {
        ret_health->temp_c = temp_c;
        ret_health->present |= HEALTH_TEMP_C;
    }
    if (!isnan(power_mw)) {
        ret_health->power_mw = power_mw;
        ret_health->present |= HEALTH_POWER_MW;
    }
}
