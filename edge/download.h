/* SPDX-License-Identifier: Apache-2.0 */
/* download: one target from the network into its partial file, going on where an earlier
 * attempt, of this process or one before, broke off.
 *
 * What is on disk is hashed again; then the rest is asked for with Range and, since a
 * target's strong ETag is its digest, If-Range. 200 and 416 mean: from the beginning; a
 * 206 of any other range than the one asked for is refused. Never more than the signed
 * length is taken, and only bytes with the signed digest are ever `done`. Bytes that a
 * digest refuses are fetched anew once when some of them were from an earlier attempt,
 * which a power cut may have damaged. An attempt that brings too little in a minute is
 * broken off. Where there is a mirror, it is asked first, and the server goes on where it
 * failed. The meter says when and how much; while it is closed nothing runs. A failure
 * keeps the partial file, unless its bytes are wrong. */
#ifndef MUSTER_EDGE_DOWNLOAD_H
#define MUSTER_EDGE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/meter.h"
#include "edge/mirror.h"
#include "edge/partial.h"
#include "tuf/target.h"

enum download_phase {
    DOWNLOAD_IDLE,
    DOWNLOAD_REHASH,
    DOWNLOAD_ASK,  /* as soon as the meter allows */
    DOWNLOAD_LINK, /* a signed link for the mirror is being asked for */
    DOWNLOAD_RUN,
};

/* What to fetch. All of it is borrowed until download_stop. */
struct download_order {
    const struct tuf_target *file;
    bool consistent_snapshot;
    const char *folder; /* of the partial file */
    const char *token;
};

struct download {
    struct edge_env *env;
    struct http *http;
    int64_t min_rate; /* bytes a second, below which an attempt is broken off */
    struct meter meter;
    struct mirror mirror;

    enum download_phase phase;
    struct download_order order;
    struct partial partial;
    struct http_call *call;
    int64_t asked_from, asked_bytes; /* the range of the running request */
    bool waits;                      /* the meter is closed */
    bool from_mirror;                /* the mirror is asked */
    bool mirrored;                   /* some bytes are from it */
    bool begun;                      /* its first bytes came */
    bool resumed;                    /* some bytes are not of this attempt */
    int64_t brought;                 /* bytes received since download_begin */
    int64_t watch_ms;                /* monotonic: since when the rate is watched */
    int64_t watch_brought;           /* `brought` at that time */
    int64_t retry_after_ms;          /* of the last answer */
    bool try_later;                  /* it did not say that there is no such file */
    bool refused;                    /* it wanted another token */
};

/* Begins; env, http, min_rate, meter and mirror are set, nothing runs. */
enum status download_begin(struct download *download, const struct download_order *order,
                           struct err *err) MUST_USE;

/* Moves it on. *ret_done when the whole target lies in `partial.path` and has its signed
 * digest; download_stop ends it then. ERR_NET, ERR_NET_STATUS, ERR_TUF_LENGTH,
 * ERR_TUF_HASH, ERR_DISK_FULL, ERR_IO; after an error only download_stop. */
enum status download_step(struct download *download, bool *ret_done,
                          struct err *err) MUST_USE;

/* When it wants to be stepped again, in ms. */
int64_t download_wait_ms(struct download *download);

/* Ends it; the partial file stays. */
void download_stop(struct download *download);

/* Ends it and removes the partial file. */
void download_forget(struct download *download);

#endif
