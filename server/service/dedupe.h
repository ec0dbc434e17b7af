/* SPDX-License-Identifier: Apache-2.0 */
/* dedupe: what makes each report count once (docs/PROTOCOL.md, "Exactly once").
 *
 * A node has at most its newest four streams; each knows its highest seq and the reports
 * of the last 16. Plain values without threads or I/O: ingest keeps one per node, works
 * on a copy while a transaction runs and puts it in place after COMMIT. */
#ifndef MUSTER_SERVER_SERVICE_DEDUPE_H
#define MUSTER_SERVER_SERVICE_DEDUPE_H

#include <stdbool.h>
#include <stdint.h>

enum { DEDUPE_STREAMS = 4, DEDUPE_RING = 16, DEDUPE_RING_BYTES = DEDUPE_RING * 16 };

struct dedupe_slot {
    int64_t first_id; /* 0: not seen */
    uint32_t rows;
    uint32_t hash; /* of the body */
};

struct dedupe_stream {
    int64_t stream;
    int64_t highest;
    struct dedupe_slot ring[DEDUPE_RING]; /* the report of seq at seq % 16 */
};

/* The streams of one node, lowest first. */
struct dedupe {
    int count;
    struct dedupe_stream streams[DEDUPE_STREAMS];
};

enum dedupe_verdict {
    DEDUPE_NEW,
    DEDUPE_DUPLICATE,  /* seen with this body */
    DEDUPE_CONFLICT,   /* seen with another body */
    DEDUPE_SEQ_OLD,    /* older than the ring */
    DEDUPE_STREAM_OLD, /* older than the newest four streams */
};

/* Judges a report without changing anything; *ret_seen is set for DEDUPE_DUPLICATE. */
enum dedupe_verdict dedupe_check(const struct dedupe *dedupe, int64_t stream, int64_t seq,
                                 uint32_t hash, struct dedupe_slot *ret_seen);

/* Notes a report that dedupe_check called new. Returns the stream that gave way to it, or
 * 0. */
int64_t dedupe_note(struct dedupe *dedupe, int64_t stream, int64_t seq,
                    struct dedupe_slot report);

/* The stream, or NULL. */
const struct dedupe_stream *dedupe_find(const struct dedupe *dedupe, int64_t stream);

/* Puts a stream that was stored back, as at start; false when there are four already. */
bool dedupe_restore(struct dedupe *dedupe, int64_t stream, int64_t highest,
                    const uint8_t ring[static DEDUPE_RING_BYTES]);

/* The ring as table `stream` holds it. */
void dedupe_pack(const struct dedupe_stream *stream,
                 uint8_t ret_ring[static DEDUPE_RING_BYTES]);

#endif
