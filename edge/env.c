/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/env.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "base/clock.h"

int64_t env_wall_ms(const struct edge_env *env)
{
    return env->clock.wall_ms ? env->clock.wall_ms(env->user) : clock_wall_ms();
}

int64_t env_mono_ms(const struct edge_env *env)
{
    return env->clock.mono_ms ? env->clock.mono_ms(env->user) : clock_boot_ms();
}

bool env_wall_synced(const struct edge_env *env)
{
    if (env->clock.wall_ms) {
        return env->clock.wall_synced;
    }
    struct timex now = {0};
    int state = adjtimex(&now); /* reads only; refused in some containers */
    return state >= 0 && state != TIME_ERROR && !(now.status & STA_UNSYNC);
}

void env_complain(struct edge_env *env, enum edge_channel channel, const struct err *err)
{
    char line[COMPLAINT_BYTES];
    snprintf(line, sizeof line, "%s: %s", status_name(err->status), err->detail);
    env->faults[channel] = err->status;
    if (strcmp(line, env->complaints[channel]) == 0) {
        return;
    }
    memcpy(env->complaints[channel], line, sizeof line);
    if (env->on_message) {
        env->on_message(env->user, status_name(err->status), err->detail);
    }
}

void env_well(struct edge_env *env, enum edge_channel channel, const char *text)
{
    if (env->faults[channel] == OK) {
        return;
    }
    env->faults[channel] = OK;
    env->complaints[channel][0] = '\0';
    if (env->on_message) {
        env->on_message(env->user, "ok", text);
    }
}

void env_note(struct edge_env *env, const struct err *why)
{
    char line[COMPLAINT_BYTES];
    snprintf(line, sizeof line, "%s: %s", status_name(why->status), why->detail);
    if (strcmp(line, env->noted) == 0) {
        return;
    }
    memcpy(env->noted, line, sizeof line);
    if (env->on_message) {
        env->on_message(env->user, status_name(why->status), why->detail);
    }
}

enum status env_join(const char *folder, const char *name,
                     char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    int len = snprintf(ret_path, EDGE_PATH_BYTES, "%s/%s", folder, name);
    if (len < 0 || len >= EDGE_PATH_BYTES) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", folder);
    }
    return OK;
}
