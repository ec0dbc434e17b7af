/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/meter.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

enum {
    PIECE_BYTES = 256 * 1024,
    LEAST_BYTES = 16 * 1024, /* less than that is not worth a request */
    REQUEST_S = 10,          /* a request asks for what the rate allows in that time */
    DAY_MIN = 24 * 60,
    FILE_BYTES = 256,
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool read_minute(const char *text, int *ret_minute)
{
    int hour, minute, end = 0;
    if (text[0] < '0' || text[0] > '2' ||
        sscanf(text, "%2d:%2d%n", &hour, &minute, &end) != 2 || end != 5 ||
        text[3] < '0' || text[3] > '5' || hour > 23) {
        return false;
    }
    *ret_minute = hour * 60 + minute;
    return true;
}

bool meter_hours_parse(const char *text, struct meter_limits *limits)
{
    int from, to;
    bool ok = strlen(text) == 11 && text[5] == '-' && read_minute(text, &from) &&
              read_minute(text + 6, &to) && from != to;
    if (ok) {
        limits->hours = true;
        limits->from_min = from;
        limits->to_min = to;
    }
    return ok;
}

static struct tm local_time(const struct meter *meter)
{
    struct tm local = {0};
    time_t now_s = (time_t)(timebase_now_ms(meter->timebase, meter->env) / 1000);
    localtime_r(&now_s, &local);
    return local;
}

static int64_t today(const struct meter *meter)
{
    struct tm local = local_time(meter);
    return timegm(&local) / (DAY_MIN * 60);
}

enum status meter_open(struct meter *meter, const char *state_folder, struct err *err)
{
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    enum status status = env_join(state_folder, "downloaded", meter->path, err);
    if (status != OK) {
        return status;
    }
    meter->filled_ms = env_mono_ms(meter->env);
    if (file_read(meter->path, &text, NULL) != OK || !text.data) {
        return OK;
    }
    json_t *tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    meter->day = json_integer_value(json_object_get(tree, "day"));
    meter->taken = larger(0, json_integer_value(json_object_get(tree, "bytes")));
    meter->reserved = meter->taken;
    json_decref(tree);
    return OK;
}

void meter_allow(struct meter *meter, bool allowed)
{
    atomic_store(&meter->forbidden, !allowed);
}

static bool in_hours(const struct meter *meter)
{
    const struct meter_limits *limits = &meter->limits;
    struct tm local = local_time(meter);
    int now = local.tm_hour * 60 + local.tm_min;
    int past = (now - limits->from_min + DAY_MIN) % DAY_MIN;
    int span = (limits->to_min - limits->from_min + DAY_MIN) % DAY_MIN;
    return !limits->hours || past < span;
}

/* Another day, earlier or later, has its own budget. */
static void turn_day(struct meter *meter)
{
    int64_t day = today(meter);
    if (day != meter->day) {
        meter->day = day;
        meter->taken = meter->reserved = 0;
    }
}

static int64_t left(const struct meter *meter)
{
    int64_t budget = meter->limits.budget;
    return budget > 0 ? larger(0, budget - meter->taken) : INT64_MAX;
}

enum status meter_gate(struct meter *meter, int64_t rest, struct err *err)
{
    const struct meter_limits *limits = &meter->limits;
    if (atomic_load(&meter->forbidden)) {
        return err_set(err, ERR_DOWNLOAD_HELD, "downloads are not allowed at present");
    }
    if (!in_hours(meter)) {
        return err_set(err, ERR_DOWNLOAD_WINDOW,
                       "the download waits for %02d:%02d, until %02d:%02d",
                       limits->from_min / 60, limits->from_min % 60, limits->to_min / 60,
                       limits->to_min % 60);
    }
    turn_day(meter);
    if (left(meter) < smaller(rest, smaller(LEAST_BYTES, larger(1, limits->budget)))) {
        return err_set(err, ERR_DOWNLOAD_BUDGET,
                       "the download waits for tomorrow: today's %" PRId64
                       " bytes are used up",
                       limits->budget);
    }
    return OK;
}

int64_t meter_most(const struct meter *meter, int64_t rest)
{
    int64_t rate = meter->limits.rate;
    int64_t most = smaller(rest, left(meter));
    return rate > 0 && rate < INT64_MAX / REQUEST_S
               ? smaller(most, larger(LEAST_BYTES, rate * REQUEST_S))
               : most;
}

static enum status write_down(struct meter *meter, int64_t bytes, struct err *err)
{
    char text[FILE_BYTES];
    int len = snprintf(text, sizeof text, "{\"day\":%" PRId64 ",\"bytes\":%" PRId64 "}\n",
                       meter->day, bytes);
    enum status status = file_write_atomic(meter->path, text, (size_t)len, 0600, err);
    if (status == OK) {
        meter->reserved = bytes;
    }
    return status;
}

enum status meter_reserve(struct meter *meter, struct err *err)
{
    if (meter->limits.budget == 0 || meter->taken < meter->reserved) {
        return OK;
    }
    return write_down(meter, meter->taken + smaller(PIECE_BYTES, left(meter)), err);
}

static void fill(struct meter *meter)
{
    int64_t rate = meter->limits.rate, now_ms = env_mono_ms(meter->env);
    int64_t past_ms = now_ms - meter->filled_ms;
    int64_t missing = larger(LEAST_BYTES, rate) - meter->tokens;
    if (past_ms > missing * 1000 / rate) {
        meter->tokens += missing;
        meter->filled_ms = now_ms;
        return;
    }
    int64_t due = past_ms * rate / 1000;
    meter->tokens += due;
    meter->filled_ms += due * 1000 / rate;
}

int64_t meter_wait_ms(struct meter *meter)
{
    int64_t rate = meter->limits.rate;
    if (rate == 0) {
        return 0;
    }
    fill(meter);
    return meter->tokens > 0 ? 0 : (1 - meter->tokens) * 1000 / rate + 1;
}

bool meter_is_held(struct meter *meter)
{
    bool used_up = meter->limits.budget > 0 && meter->taken >= meter->reserved;
    return used_up || meter_wait_ms(meter) > 0;
}

void meter_count(struct meter *meter, int64_t bytes)
{
    meter->taken += bytes;
    meter->tokens -= meter->limits.rate > 0 ? bytes : 0;
}

enum status meter_settle(struct meter *meter, struct err *err)
{
    return meter->limits.budget > 0 && meter->reserved > meter->taken
               ? write_down(meter, meter->taken, err)
               : OK;
}
