/* SPDX-License-Identifier: Apache-2.0 */
/* property_fleet: a random fleet that reports in every way that the protocol allows and
 * forbids, and a naive judge of what the server must answer. The judge remembers every
 * report for ever and looks through all of them each time. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_FLEET_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_FLEET_H

#include "tests/unit/service/property_report.h"

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
