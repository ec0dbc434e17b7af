/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/timebase.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

enum { UUID_CHARS = 36, DRIFT_PART = 10000 }; /* a crystal: 100 ppm */

/* Of an anchor that an earlier process of this boot learnt. */
static const int64_t UNKNOWN_DOUBT_MS = 60000;
static const int64_t SERVER_TIME_MAX_MS = INT64_C(1) << 53;

static void take_boot_id(struct timebase *base, const struct edge_env *env)
{
    BUF_AUTO text = BUF_INIT(256);
    if (env->clock.boot_id) {
        snprintf(base->boot_id, sizeof base->boot_id, "%s", env->clock.boot_id);
    } else if (file_read("/proc/sys/kernel/random/boot_id", &text, NULL) == OK &&
               text.len >= UUID_CHARS) {
        memcpy(base->boot_id, text.data, UUID_CHARS);
    }
}

enum status timebase_open(struct timebase *ret_base, const struct edge_env *env,
                          const char *state_folder, struct err *err)
{
    *ret_base = (struct timebase){0};
    take_boot_id(ret_base, env);
    enum status status =
        boots_open(&ret_base->boots, state_folder, ret_base->boot_id, err);
    if (status == OK) {
        const struct boot *boot = &ret_base->boots.items[ret_base->boots.count - 1];
        ret_base->known = boot->known;
        ret_base->anchor_ms = boot->known ? boot->anchor_ms : 0;
        ret_base->doubt_ms = UNKNOWN_DOUBT_MS;
        timebase_note(ret_base, env);
    }
    return status;
}

/* What is believed lies within the doubt of its day, grown by what a clock drifts. */
static int64_t doubt_ms(const struct timebase *base, int64_t now_ms)
{
    int64_t age_ms = now_ms > base->learnt_ms ? now_ms - base->learnt_ms : 0;
    return base->doubt_ms + age_ms / DRIFT_PART;
}

void timebase_learn(struct timebase *base, int64_t server_ms, int64_t asked_ms,
                    int64_t received_ms)
{
    if (server_ms <= 0 || server_ms > SERVER_TIME_MAX_MS || received_ms < asked_ms) {
        return;
    }
    int64_t low = server_ms - received_ms, high = server_ms - asked_ms;
    int64_t half = (received_ms - asked_ms) / 2;
    bool certain = base->known && half > doubt_ms(base, received_ms);
    if (certain && base->anchor_ms >= low && base->anchor_ms <= high) {
        return;
    }
    if (certain) {
        base->anchor_ms = base->anchor_ms < low ? low : high;
    } else {
        base->anchor_ms = server_ms - (asked_ms + half);
    }
    base->doubt_ms = half;
    base->learnt_ms = received_ms;
    base->known = true;
}

int64_t timebase_anchor_ms(const struct timebase *base, const struct edge_env *env)
{
    if (base->known) {
        return base->anchor_ms;
    }
    int64_t wall = env_wall_ms(env) - env_mono_ms(env), low = boots_low_ms(&base->boots);
    return wall > low ? wall : low;
}

int64_t timebase_now_ms(const struct timebase *base, const struct edge_env *env)
{
    return env_mono_ms(env) + timebase_anchor_ms(base, env);
}

struct boot_time timebase_boot(const struct timebase *base, const char *boot_id,
                               int64_t stored_ms)
{
    struct boot_time time = {.anchor_ms = stored_ms, .doubt_ms = INT64_MAX};
    (void)boots_find(&base->boots, boot_id, &time);
    return time;
}

void timebase_note(struct timebase *base, const struct edge_env *env)
{
    int64_t now_ms = env_mono_ms(env);
    int64_t wall = env_wall_ms(env) - now_ms;
    bool known = base->known || env_wall_synced(env);
    boots_note(&base->boots, known, base->known ? base->anchor_ms : wall, now_ms);
}

int64_t timebase_offset_ms(const struct timebase *base, const struct edge_env *env)
{
    return base->known ? timebase_now_ms(base, env) - env_wall_ms(env) : 0;
}
