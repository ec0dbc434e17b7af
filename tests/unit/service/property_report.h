/* SPDX-License-Identifier: Apache-2.0 */
/* property_report: the random reports of property_fleet: times that are late, early, at
 * the edge or absurd, classes on both sides of what the server counts in arrays, columns
 * left out, a class too high now and then. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_REPORT_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_REPORT_H

#include "base/clock.h"
#include "server/service/dedupe.h"
#include "tests/unit/service/ingest_fixture.h"
#include "tests/unit/service/property_told.h"

enum {
    FLEET_NODES = 7,
    FLEET_REPORTS_MAX = 1500,
    FLEET_ROWS_MAX = 40,
    FLEET_CLASSES = 260
};

struct sent {
    int64_t node_id;
    struct report report; /* columns on the heap */
    bool accepted;
    int64_t first_id;
    bool owner; /* of the columns and the summary: a report that is sent again shares them
                 */
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

/* Classes on both sides of 255, which the server counts in two ways. */
static inline void fleet_spread_classes(struct fleet *fleet, struct report *report)
{
    for (size_t i = 0; i < report->rows; i++) {
        report->class_index[i] =
            (uint16_t)(FLEET_CLASSES - 1 - fleet_random(fleet, FLEET_CLASSES) % 8);
    }
}

/* Leaves out what is optional. */
static inline void fleet_drop_columns(struct report *report)
{
    free(report->value);
    free(report->sample);
    free(report->has_sample);
    report->value = NULL;
    report->sample = NULL;
    report->has_sample = NULL;
}

/* A summary of any mode, sometimes with a class that the model lacks; where any class is
 * fine, of classes on both sides of 255. */
static inline void fleet_tell(struct fleet *fleet, int64_t classes, struct report *report)
{
    struct told *told = calloc(1, sizeof *told);
    int64_t from_ms = fleet_time(fleet);
    bool bad = fleet_random(fleet, 30) == 0 && report->artifact[0] != 9;
    int64_t lowest = report->artifact[0] == 9 ? FLEET_CLASSES - classes : 0;
    maker_init(&told->maker, from_ms, from_ms + 1 + fleet_random(fleet, 3600000));
    for (int64_t left = 1 + fleet_random(fleet, TOLD_MAX); left > 0; left--) {
        bool tells = fleet_random(fleet, 3) > 0;
        struct hidden hidden = {
            .class_index = (uint16_t)(lowest + fleet_random(fleet, classes + bad)),
            .confidence = (uint16_t)(fleet_random(fleet, 3)
                                         ? fleet_random(fleet, CONFIDENCE_ONE + 1)
                                         : fleet_random(fleet, 21) * 500),
            .latency_us = (uint32_t)(fleet_random(fleet, INT64_C(1) << 31) * 2 >>
                                     fleet_random(fleet, 32)),
            .entropy_bin = tells ? (int)fleet_random(fleet, 20) : -1,
            .margin_bin = tells ? (int)fleet_random(fleet, 20) : -1,
        };
        told_add(told, &hidden);
    }
    told_finish(told, (enum detail_mode)(1 + fleet_random(fleet, 3)),
                (uint32_t)(1 + fleet_random(fleet, 50)), report);
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
    if (report.artifact[0] == 9) {
        fleet_spread_classes(fleet, &report);
    }
    if (fleet_random(fleet, 3) == 0) {
        fleet_drop_columns(&report);
    }
    if (rows > 0 && fleet_random(fleet, 30) == 0) {
        report.class_index[rows / 2] = (uint16_t)(classes + fleet_random(fleet, 3));
    }
    if (fleet_random(fleet, 3) == 0) {
        fleet_tell(fleet, classes, &report);
    }
    if (fleet_random(fleet, 3) == 0) {
        report.health.present = HEALTH_TEMP_C | HEALTH_QUEUED;
        report.health.temp_c = (double)fleet_random(fleet, 100);
        report.health.queued = fleet_random(fleet, 50);
    }
    return report;
}

#endif
