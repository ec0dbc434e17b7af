/* SPDX-License-Identifier: Apache-2.0 */
/* property_send: sends what the random fleet makes up, holds each answer against the
 * naive judge, and each stored row against what was sent. */
#ifndef MUSTER_TESTS_UNIT_SERVICE_PROPERTY_SEND_H
#define MUSTER_TESTS_UNIT_SERVICE_PROPERTY_SEND_H

#include "tests/unit/service/property_world.h"

enum { GROUP_MAX = 12 };

static const char *const answer_of[] = {
    [DEDUPE_NEW] = "stored",
    [DEDUPE_DUPLICATE] = "duplicate",
    [DEDUPE_CONFLICT] = "report.stream_conflict",
    [DEDUPE_SEQ_OLD] = "report.seq_old",
    [DEDUPE_STREAM_OLD] = "report.stream_old",
};

static inline bool has_bad_class(const struct report *report)
{
    int classes = report->artifact[0] == 1 ? 10 : report->artifact[0] == 2 ? 3 : 65536;
    const struct told *told = told_of(report);
    for (int i = 0; told && i < told->count; i++) {
        if (told->hidden[i].class_index >= classes) {
            return true;
        }
    }
    for (size_t i = 0; i < report->rows; i++) {
        if (report->class_index[i] >= classes) {
            return true;
        }
    }
    return false;
}

/* Sends a group of reports at once; every answer must be the naive judge's. */
static inline void send_group(struct fleet *fleet)
{
    struct report_job jobs[GROUP_MAX];
    const char *wanted[GROUP_MAX];
    int originals[GROUP_MAX];
    int first = fleet->count;
    int size = 1 + (int)fleet_random(fleet, GROUP_MAX);
    for (int i = 0; i < size; i++) {
        struct sent *sent = &fleet->sent[fleet->count];
        *sent = fleet_next(fleet);
        enum dedupe_verdict verdict = fleet_judge(fleet, sent, &originals[i]);
        bool refused = verdict == DEDUPE_NEW && has_bad_class(&sent->report);
        sent->accepted = verdict == DEDUPE_NEW && !refused;
        wanted[i] = refused ? "report.class" : answer_of[verdict];
        jobs[i] = report_job(fleet->fixture, sent->node_id, &sent->report);
        fleet->count++;
    }
    report_jobs_run(fleet->fixture, jobs, size);
    for (int i = 0; i < size; i++) {
        const char *answer = jobs[i].status != OK    ? status_name(jobs[i].status)
                             : jobs[i].ack.duplicate ? "duplicate"
                                                     : "stored";
        assert_string_equal(answer, wanted[i]);
        fleet->sent[first + i].first_id = jobs[i].ack.first_id;
        fleet->refused += jobs[i].status != OK;
    }
    for (int i = 0; i < size; i++) {
        if (jobs[i].status == OK && jobs[i].ack.duplicate) {
            assert_int_equal(jobs[i].ack.first_id, fleet->sent[originals[i]].first_id);
            assert_int_equal(jobs[i].ack.rows, fleet->sent[originals[i]].report.rows);
            fleet->duplicates++;
        }
    }
}

static inline void restart(struct fleet *fleet, int64_t *shifted_ms)
{
    int64_t shift_ms = fleet_random(fleet, 7200000) - 3600000 - *shifted_ms;
    fixture_stop(fleet->fixture);
    clock_shift_wall(shift_ms);
    *shifted_ms += shift_ms;
    fixture_start(fleet->fixture);
}

static inline const struct raw *find_raw(const struct world *world, int64_t id)
{
    int low = 0;
    int high = world->raw_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (world->raw[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < world->raw_count && world->raw[low].id == id ? &world->raw[low] : NULL;
}

/* The raw rows are exactly those of the accepted reports. */
static inline void check_raw(const struct world *world)
{
    int64_t rows = 0;
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        const struct report *report = &sent->report;
        for (size_t row = 0; sent->accepted && row < report->rows; row++) {
            const struct raw *raw = find_raw(world, sent->first_id + (int64_t)row);
            assert_non_null(raw);
            assert_int_equal(raw->node_id, sent->node_id);
            assert_int_equal(raw->artifact, report->artifact[0]);
            assert_int_equal(raw->class_index, report->class_index[row]);
            assert_int_equal(raw->confidence, report->confidence[row]);
            assert_int_equal(raw->latency_us, report->latency_us[row]);
            assert_int_equal(raw->received_ms - raw->lag_ms, report->at_ms[row]);
            bool has_value = report->value && !isnan(report->value[row]);
            assert_int_equal(raw->has_value, has_value);
            assert_int_equal(raw->has_sample, report_has_sample(report, row));
            assert_true(!raw->has_sample || raw->sample == report->sample[row]);
            assert_true(!raw->has_value || raw->value == report->value[row]);
            rows++;
        }
    }
    assert_int_equal(rows, world->raw_count);
}

/* Frees the columns of a report. */
static inline void fleet_free(struct sent *sent)
{
    struct report *report = &sent->report;
    if (sent->owner) {
        free(report->at_ms);
        free(report->class_index);
        free(report->confidence);
        free(report->latency_us);
        free(report->value);
        free(report->sample);
        free(report->has_sample);
        free((void *)(uintptr_t)told_of(report));
    }
}

#endif
