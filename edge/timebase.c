/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/timebase.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"

void timebase_init(struct timebase *ret_base)
{
    *ret_base = (struct timebase){0};
    BUF_AUTO text = BUF_INIT(256);
    if (file_read("/proc/sys/kernel/random/boot_id", &text, NULL) == OK &&
        text.len >= 36) {
        memcpy(ret_base->boot_id, text.data, 36);
    }
}

void timebase_learn(struct timebase *base, int64_t server_ms, int64_t asked_ms,
                    int64_t received_ms)
{
    base->anchor_ms = server_ms - (asked_ms + (received_ms - asked_ms) / 2);
    base->known = true;
}

int64_t timebase_anchor_ms(const struct timebase *base, const struct edge_env *env)
{
    return base->known ? base->anchor_ms : env_wall_ms(env) - env_mono_ms(env);
}

int64_t timebase_now_ms(const struct timebase *base, const struct edge_env *env)
{
    return env_mono_ms(env) + timebase_anchor_ms(base, env);
}

int64_t timebase_offset_ms(const struct timebase *base, const struct edge_env *env)
{
    return base->known ? timebase_now_ms(base, env) - env_wall_ms(env) : 0;
}
