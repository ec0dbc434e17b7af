/* SPDX-License-Identifier: Apache-2.0 */
/* property_fleet: a random fleet that reports in every way that the protocol allows and
 * forbids, and a naive judge of what the server must answer. The judge remembers every
 * report for ever and looks through all of them each time. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_FLEET_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_FLEET_H

#include "base/clock.h"
#include "server/service/dedupe.h"
#include "tests/unit/service/ingest_fixture.h"

enum { FLEET_NODES = 7, FLEET_REPORTS_MAX = 1500, FLEET_ROWS_MAX = 40 };

struct sent {
    int64_t node_id;
    struct report report; /* columns on the heap */
    bool accepted;
    int64_t first_id;
    bool owner; /* of the columns: a report that is sent again shares them */
};

struct fleet {
    struct ingest_fixture *fixture;
    uint64_t random;
    struct sent sent[FLEET_REPORTS_MAX];
    int count;
    int duplicates, refused;
};

/* xorshift64*: 0 … bound - 1. */
static inline int64_t fleet_random(struct fleet *fleet, int64_t bound)
{
    fleet->random ^= fleet->random >> 12;
    fleet->random ^= fleet->random << 25;
    fleet->random ^= fleet->random >> 27;
    return (int64_t)((fleet->random * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % bound;
}

/* Mostly the last hours; sometimes late, early, at the edges of plausible or absurd. */
static inline int64_t fleet_time(struct fleet *fleet)
{
    int64_t now_ms = clock_wall_ms();
    switch (fleet_random(fleet, 20)) {
    case 0:
        return now_ms - fleet_random(fleet, INT64_C(400) * 86400000);
    case 1:
        return now_ms + 595000 + fleet_random(fleet, 10000);
    case 2:
        return fleet_random(fleet, 2) ? fleet_random(fleet, 1000) : -now_ms;
    default:
        return now_ms - fleet_random(fleet, 3 * 3600000);
    }
}

static inline struct report fleet_body(struct fleet *fleet, int64_t stream, int64_t seq)
{
    size_t rows = (size_t)fleet_random(fleet, FLEET_ROWS_MAX + 1);
    static const uint8_t artifacts[] = {1, 1, 2, 9};
    struct report report = {
        .stream = stream,
        .seq = seq,
        .dropped = fleet_random(fleet, 10) ? 0 : fleet_random(fleet, 100),
        .model = "fashion",
        .artifact = {artifacts[fleet_random(fleet, 4)]},
        .below_floor = fleet_random(fleet, 9) == 0,
        .rows = rows,
        .at_ms = calloc(rows + 1, sizeof *report.at_ms),
        .class_index = calloc(rows + 1, sizeof *report.class_index),
        .confidence = calloc(rows + 1, sizeof *report.confidence),
        .latency_us = calloc(rows + 1, sizeof *report.latency_us),
        .value = calloc(rows + 1, sizeof *report.value),
        .sample = calloc(rows + 1, sizeof *report.sample),
        .has_sample = calloc(rows + 1, sizeof *report.has_sample),
        .body_hash = (uint32_t)fleet_random(fleet, UINT32_MAX),
    };
    int64_t classes = report.artifact[0] == 2 ? 3 : 10;
    for (size_t i = 0; i < rows; i++) {
        report.at_ms[i] = fleet_time(fleet);
        report.class_index[i] = (uint16_t)fleet_random(fleet, classes);
        report.confidence[i] =
            (uint16_t)(fleet_random(fleet, 3) ? fleet_random(fleet, CONFIDENCE_ONE + 1)
                                              : fleet_random(fleet, 21) * 500);
        report.latency_us[i] = (uint32_t)(fleet_random(fleet, INT64_C(1) << 31) * 2 >>
                                          fleet_random(fleet, 32));
        report.value[i] = fleet_random(fleet, 2) ? (double)NAN : (double)i / 2;
        report.sample[i] = fleet_random(fleet, 1000);
        report.has_sample[i] = fleet_random(fleet, 8) == 0;
    }
    if (rows > 0 && fleet_random(fleet, 30) == 0) {
        report.class_index[rows / 2] = (uint16_t)(classes + fleet_random(fleet, 3));
    }
    if (fleet_random(fleet, 3) == 0) {
        report.health.present = HEALTH_TEMP_C | HEALTH_QUEUED;
        report.health.temp_c = (double)fleet_random(fleet, 100);
        report.health.queued = fleet_random(fleet, 50);
    }
    return report;
}

/* The highest seq that was accepted of a stream; `stream` 0: the highest stream. */
static inline int64_t fleet_highest(const struct fleet *fleet, int64_t node_id,
                                    int64_t stream)
{
    int64_t highest = 0;
    for (int i = 0; i < fleet->count; i++) {
        const struct sent *sent = &fleet->sent[i];
        int64_t value = stream ? sent->report.seq : sent->report.stream;
        bool counts = sent->accepted && sent->node_id == node_id &&
                      (!stream || sent->report.stream == stream);
        highest = counts && value > highest ? value : highest;
    }
    return highest;
}

/* How many streams above this one have a report that was accepted. */
static inline int fleet_streams_above(const struct fleet *fleet, int64_t node_id,
                                      int64_t stream)
{
    int64_t seen[FLEET_REPORTS_MAX];
    int count = 0;
    for (int i = 0; i < fleet->count; i++) {
        const struct sent *sent = &fleet->sent[i];
        bool is_new =
            sent->accepted && sent->node_id == node_id && sent->report.stream > stream;
        for (int j = 0; is_new && j < count; j++) {
            is_new = seen[j] != sent->report.stream;
        }
        if (is_new) {
            seen[count++] = sent->report.stream;
        }
    }
    return count;
}

/* What the protocol wants; *ret_first is the sent report that a duplicate repeats. */
static inline enum dedupe_verdict fleet_judge(const struct fleet *fleet,
                                              const struct sent *asked, int *ret_first)
{
    const struct report *report = &asked->report;
    if (fleet_streams_above(fleet, asked->node_id, report->stream) >= DEDUPE_STREAMS) {
        return DEDUPE_STREAM_OLD;
    }
    if (report->seq <=
        fleet_highest(fleet, asked->node_id, report->stream) - DEDUPE_RING) {
        return DEDUPE_SEQ_OLD;
    }
    for (int i = 0; i < fleet->count; i++) {
        const struct sent *sent = &fleet->sent[i];
        if (sent->accepted && sent->node_id == asked->node_id &&
            sent->report.stream == report->stream && sent->report.seq == report->seq) {
            *ret_first = i;
            return sent->report.body_hash == report->body_hash ? DEDUPE_DUPLICATE
                                                               : DEDUPE_CONFLICT;
        }
    }
    return DEDUPE_NEW;
}

/* Another report: the next, one further on, an old one again, one between, of a new or an
 * old stream. */
static inline struct sent fleet_next(struct fleet *fleet)
{
    struct sent sent = {.node_id = 1 + fleet_random(fleet, FLEET_NODES)};
    int64_t newest = fleet_highest(fleet, sent.node_id, 0);
    int64_t stream = newest ? newest : 1 + fleet_random(fleet, 5);
    int64_t seq = fleet_highest(fleet, sent.node_id, stream) + 1;
    int64_t choice = fleet_random(fleet, 100);
    if (choice < 12 && fleet->count > 0) {
        const struct sent *again = &fleet->sent[fleet_random(fleet, fleet->count)];
        sent.node_id = again->node_id;
        sent.report = again->report;
        return sent;
    }
    if (choice < 22) {
        seq += fleet_random(fleet, 20);
    } else if (choice < 34) {
        seq -= fleet_random(fleet, 20);
    } else if (choice < 38) {
        stream += 1 + fleet_random(fleet, 2);
        seq = 1 + fleet_random(fleet, 5);
    } else if (choice < 43) {
        stream -= 1 + fleet_random(fleet, 4);
        seq = 1 + fleet_random(fleet, 40);
    }
    sent.report = fleet_body(fleet, stream > 0 ? stream : 1, seq > 0 ? seq : 1);
    sent.owner = true;
    return sent;
}

#endif
