/* SPDX-License-Identifier: Apache-2.0 */
/* meter: how much downloads may take from the link, and when.
 *
 *   <state>/downloaded   {"day":20780,"bytes":1048576}
 *
 * Counted are the bytes of artifacts and transports as they come, from the server or from
 * a mirror; polls, reports and metadata are not. Day and hours are those of the time that
 * the node knows (the server's, as soon as it has told it) in the device's time zone.
 * What may be taken is written down before it is, in pieces of 256 KiB: a kill costs the
 * day's budget at most one of them and never adds to it. meter_allow may be called by any
 * thread, the rest by one. */
#ifndef MUSTER_EDGE_METER_H
#define MUSTER_EDGE_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "edge/timebase.h"

/* Zero means no limit. */
struct meter_limits {
    int64_t rate;         /* bytes a second */
    int64_t budget;       /* bytes a day */
    bool hours;           /* the next two count */
    int from_min, to_min; /* minutes of the day, up to but not including; may wrap */
};

struct meter {
    const struct edge_env *env;
    const struct timebase *timebase;
    struct meter_limits limits;
    char path[EDGE_PATH_BYTES];
    atomic_bool forbidden;
    int64_t day, taken; /* taken on that day */
    int64_t reserved;   /* written as taken on that day */
    int64_t tokens;     /* bytes that the rate allows now; below 0: owed */
    int64_t filled_ms;  /* monotonic: since when tokens are due */
};

/* Reads "HH:MM-HH:MM" into the hours of `limits`; false when it is something else. */
bool meter_hours_parse(const char *text, struct meter_limits *limits);

/* Reads what was taken before; env, timebase and limits are set. Blocks. */
enum status meter_open(struct meter *meter, const char *state_folder,
                       struct err *err) MUST_USE;

/* Forbids or allows every download. */
void meter_allow(struct meter *meter, bool allowed);

/* Whether a download that lacks `rest` bytes may go on now, rate aside; what forbids it
 * is ERR_DOWNLOAD_HELD, _WINDOW or _BUDGET. */
enum status meter_gate(struct meter *meter, int64_t rest, struct err *err) MUST_USE;

/* The most bytes that a request may ask for, of `rest`. */
int64_t meter_most(const struct meter *meter, int64_t rest);

/* Writes down the next piece where the last is used up. One fsync. */
enum status meter_reserve(struct meter *meter, struct err *err) MUST_USE;

/* In how many ms more may be taken, 0: now. Not while meter_reserve is due. */
int64_t meter_wait_ms(struct meter *meter);

/* Whether nothing more may be taken now: for the piece's end, or for the rate. */
bool meter_is_held(struct meter *meter);

/* Counts bytes that came. */
void meter_count(struct meter *meter, int64_t bytes);

/* Writes down what was taken, and no more, after a download. One fsync, or none. */
enum status meter_settle(struct meter *meter, struct err *err) MUST_USE;

#endif
