/* SPDX-License-Identifier: Apache-2.0 */
/* numbering: makes a raw batch final: number, corrected times, the exact body. */
#ifndef MUSTER_EDGE_NUMBERING_H
#define MUSTER_EDGE_NUMBERING_H

#include <stdbool.h>

#include "edge/queue.h"
#include "edge/timebase.h"
#include "format/report.h"

/* Times that may be off by more than this are told: to people and, in health, to the
 * server. */
enum { NUMBERING_DOUBT_MS = 3600000 };

struct numbering {
    const struct queue *queue;
    const struct timebase *timebase;
    const struct edge_env *env;
    bool new_stream;             /* begin a stream above every one before */
    const struct health *health; /* of the node, now */
    bool health_due;             /* it goes along; so it does with times in doubt */
};

/* Reads `payload` with `head` (raw, or final that needs another number) and appends the
 * body that is to be sent; `head` becomes final. `ret_doubt_ms` says how far its times
 * may be off (edge/boots.h). A new stream is the greater of the last one plus 1 and the
 * time in seconds, so that a queue that was lost or restored from an old copy still
 * begins above what the server has seen. ERR_INVALID_ARGUMENT when the payload is no
 * report. */
enum status numbering_finalise(const struct numbering *numbering,
                               const struct buf *payload, struct queue_head *head,
                               struct buf *ret_body, int64_t *ret_doubt_ms,
                               struct err *err) MUST_USE;

#endif
