/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/dedupe.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { SLOT_BYTES = DEDUPE_RING_BYTES / DEDUPE_RING };

const struct dedupe_stream *dedupe_find(const struct dedupe *dedupe, int64_t stream)
{
    for (int i = 0; i < dedupe->count; i++) {
        if (dedupe->streams[i].stream == stream) {
            return &dedupe->streams[i];
        }
    }
    return NULL;
}

enum dedupe_verdict dedupe_check(const struct dedupe *dedupe, int64_t stream, int64_t seq,
                                 uint32_t hash, struct dedupe_slot *ret_seen)
{
    const struct dedupe_stream *known = dedupe_find(dedupe, stream);
    if (!known) {
        bool old = dedupe->count == DEDUPE_STREAMS && stream < dedupe->streams[0].stream;
        return old ? DEDUPE_STREAM_OLD : DEDUPE_NEW;
    }
    if (seq > known->highest) {
        return DEDUPE_NEW;
    }
    if (seq <= known->highest - DEDUPE_RING) {
        return DEDUPE_SEQ_OLD;
    }
    const struct dedupe_slot *slot = &known->ring[seq % DEDUPE_RING];
    if (slot->first_id == 0) {
        return DEDUPE_NEW;
    }
    if (slot->hash != hash) {
        return DEDUPE_CONFLICT;
    }
    *ret_seen = *slot;
    return DEDUPE_DUPLICATE;
}

/* Makes room for a stream at its place in the order. */
static struct dedupe_stream *insert(struct dedupe *dedupe, int64_t stream,
                                    int64_t *ret_gone)
{
    *ret_gone = 0;
    if (dedupe->count == DEDUPE_STREAMS) {
        *ret_gone = dedupe->streams[0].stream;
        dedupe->count--;
        memmove(&dedupe->streams[0], &dedupe->streams[1],
                sizeof dedupe->streams[0] * (DEDUPE_STREAMS - 1));
    }
    int at = dedupe->count;
    while (at > 0 && dedupe->streams[at - 1].stream > stream) {
        dedupe->streams[at] = dedupe->streams[at - 1];
        at--;
    }
    dedupe->count++;
    dedupe->streams[at] = (struct dedupe_stream){.stream = stream};
    return &dedupe->streams[at];
}

static void advance(struct dedupe_stream *stream, int64_t seq)
{
    if (seq - stream->highest >= DEDUPE_RING) {
        memset(stream->ring, 0, sizeof stream->ring);
    } else {
        for (int64_t skipped = stream->highest + 1; skipped < seq; skipped++) {
            stream->ring[skipped % DEDUPE_RING] = (struct dedupe_slot){0};
        }
    }
    stream->highest = seq;
}

int64_t dedupe_note(struct dedupe *dedupe, int64_t stream, int64_t seq,
                    struct dedupe_slot report)
{
    assert(report.first_id > 0);
    int64_t gone = 0;
    struct dedupe_stream *known = NULL;
    for (int i = 0; i < dedupe->count && !known; i++) {
        known = dedupe->streams[i].stream == stream ? &dedupe->streams[i] : NULL;
    }
    if (!known) {
        known = insert(dedupe, stream, &gone);
    }
    if (seq > known->highest) {
        advance(known, seq);
    }
    known->ring[seq % DEDUPE_RING] = report;
    return gone;
}

static void put_le(uint8_t *ret_bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        ret_bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get_le(const uint8_t *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

bool dedupe_restore(struct dedupe *dedupe, int64_t stream, int64_t highest,
                    const uint8_t ring[static DEDUPE_RING_BYTES])
{
    if (dedupe->count == DEDUPE_STREAMS) {
        return false;
    }
    int64_t gone = 0;
    struct dedupe_stream *restored = insert(dedupe, stream, &gone);
    restored->highest = highest;
    for (int i = 0; i < DEDUPE_RING; i++) {
        const uint8_t *bytes = ring + (ptrdiff_t)i * SLOT_BYTES;
        restored->ring[i].first_id = (int64_t)get_le(bytes, 8);
        restored->ring[i].rows = (uint32_t)get_le(bytes + 8, 4);
        restored->ring[i].hash = (uint32_t)get_le(bytes + 12, 4);
    }
    return true;
}

void dedupe_pack(const struct dedupe_stream *stream,
                 uint8_t ret_ring[static DEDUPE_RING_BYTES])
{
    for (int i = 0; i < DEDUPE_RING; i++) {
        uint8_t *bytes = ret_ring + (ptrdiff_t)i * SLOT_BYTES;
        put_le(bytes, (uint64_t)stream->ring[i].first_id, 8);
        put_le(bytes + 8, stream->ring[i].rows, 4);
        put_le(bytes + 12, stream->ring[i].hash, 4);
    }
}
