/* SPDX-License-Identifier: Apache-2.0 */
/* env: what every module of the client shares: clocks, message callback and times.
 *
 * Clocks can be replaced by tests. Monotonic time drives every timer; wall time is only
 * shown to others. All of it is set once by client.c. */
#ifndef MUSTER_EDGE_ENV_H
#define MUSTER_EDGE_ENV_H

#include <stdint.h>

#include <muster/edge.h>

#include "base/err.h"

enum {
    EDGE_PATH_BYTES = 1024, /* longest path below the state folder, with NUL */
    EDGE_NEVER_MS = 60000, /* "nothing to do": the longest a step asks to be left alone */
};

/* Who complains: each has a line of its own. */
enum edge_channel {
    CHANNEL_SESSION,
    CHANNEL_REPORT,
    CHANNEL_MODEL,  /* what is assigned cannot be had */
    CHANNEL_ACTIVE, /* what runs is not what is assigned, or is not listed any more */
};

enum { CHANNEL_COUNT = 4, COMPLAINT_BYTES = 320 };

struct edge_env {
    struct muster_client_clock clock;
    void *user;
    void (*on_message)(void *user, const char *code, const char *text);
    int64_t backoff_max_ms;
    int64_t connect_ms; /* to connect */
    int64_t stall_ms;   /* without progress, and for a whole small answer */
    char complaints[CHANNEL_COUNT][COMPLAINT_BYTES]; /* "code: sentence", "" when well */
    enum status faults[CHANNEL_COUNT];               /* their codes, OK when well */
    char noted[COMPLAINT_BYTES];                     /* the last note */
};

/* Device wall time and monotonic time in ms. */
int64_t env_wall_ms(const struct edge_env *env);
int64_t env_mono_ms(const struct edge_env *env);

/* Whether the system's wall clock is kept by NTP (STA_UNSYNC is off), so that it can be
 * believed without a server. */
bool env_wall_synced(const struct edge_env *env);

/* Tells people why something was refused or failed, once: the same line again is not
 * repeated until env_well or another line of the channel came between. */
void env_complain(struct edge_env *env, enum edge_channel channel, const struct err *err);

/* Says that the channel is well again; silent when nothing was wrong. */
void env_well(struct edge_env *env, enum edge_channel channel, const char *text);

/* Tells people of something that went wrong and was got round; the same line only once in
 * a row. */
void env_note(struct edge_env *env, const struct err *why);

/* Writes `folder`/`name` into ret_path (EDGE_PATH_BYTES). ERR_LIMIT when too long. */
enum status env_join(const char *folder, const char *name,
                     char ret_path[static EDGE_PATH_BYTES], struct err *err) MUST_USE;

#endif
