/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t LAST_MS = INT64_C(253402300799000); /* 9999-12-31T23:59:59Z */

static _Atomic int64_t wall_shift_ms;

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + atomic_load(&wall_shift_ms);
}

int64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000;
}

void clock_shift_wall(int64_t delta_ms)
{
    (void)atomic_fetch_add(&wall_shift_ms, delta_ms);
}

void clock_format_utc(int64_t at_ms, char ret_text[static RFC3339_BYTES])
{
    int64_t clamped = at_ms < 0 ? 0 : at_ms > LAST_MS ? LAST_MS : at_ms;
    time_t seconds = (time_t)(clamped / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(ret_text, RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

enum status clock_parse_utc(const char *text, int64_t *ret_at_ms, struct err *err)
{
    struct tm parts = {0};
    const char *end = strlen(text) == RFC3339_BYTES - 1
                          ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts)
                          : NULL;
    if (!end || *end != '\0') {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "not a time YYYY-MM-DDTHH:MM:SSZ: '%.32s'", text);
    }
    int64_t at_ms = (int64_t)timegm(&parts) * 1000;
    char again[RFC3339_BYTES];
    clock_format_utc(at_ms, again);
    if (strcmp(again, text) != 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "no such time: '%s'", text);
    }
    *ret_at_ms = at_ms;
    return OK;
}
