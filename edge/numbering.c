/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/numbering.h"

#include "format/summary.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void number(const struct numbering *numbering, struct queue_head *head)
{
    const struct queue *queue = numbering->queue;
    if (queue->has_last && queue->last.stream > 0 && !numbering->new_stream) {
        head->stream = queue->last.stream;
        head->seq = queue->last.seq + 1;
        return;
    }
    int64_t seconds = timebase_now_ms(numbering->timebase, numbering->env) / 1000;
    uint64_t used = greater(head->stream, queue->has_last ? queue->last.stream : 0);
    head->stream = greater(used + 1, seconds > 0 ? (uint64_t)seconds : 1);
    head->seq = 1;
}

/* Monotonic times to the server's, by what is known of the boot that they are from. A
 * summary keeps the clock that cut its interval where that was the server's, so that it
 * stays in its minute. */
static int64_t correct_times(const struct numbering *numbering,
                             const struct queue_head *head, struct report *report,
                             struct summary *summary)
{
    struct boot_time time =
        timebase_boot(numbering->timebase, head->boot_id, head->anchor_ms);
    if (head->anchor_known && (report->summary || time.doubt_ms != 0)) {
        time = (struct boot_time){.anchor_ms = head->anchor_ms};
    }
    for (size_t i = 0; i < report->rows; i++) {
        report->at_ms[i] += time.anchor_ms;
    }
    if (report->summary) {
        *summary = *report->summary;
        summary->from_ms += time.anchor_ms;
        summary->to_ms += time.anchor_ms;
        report->summary = summary;
    }
    return time.doubt_ms;
}

/* The largest whole number that every JSON reader keeps. */
static const int64_t UNBOUNDED_MS = (INT64_C(1) << 53) - 1;

static void tell_health(const struct numbering *numbering, int64_t doubt_ms,
                        struct health *ret_health)
{
    bool doubtful = doubt_ms > NUMBERING_DOUBT_MS;
    *ret_health =
        numbering->health_due || doubtful ? *numbering->health : (struct health){0};
    if (doubtful) {
        ret_health->present |= HEALTH_CLOCK_DOUBT_MS;
        ret_health->clock_doubt_ms = doubt_ms < UNBOUNDED_MS ? doubt_ms : UNBOUNDED_MS;
    }
}

enum status numbering_finalise(const struct numbering *numbering,
                               const struct buf *payload, struct queue_head *head,
                               struct buf *ret_body, int64_t *ret_doubt_ms,
                               struct err *err)
{
    ARENA_AUTO arena = ARENA_INIT(2 * 1024 * 1024);
    struct report report;
    struct summary summary;
    int64_t doubt_ms = 0;
    struct err cause = {0};
    if (report_decode(payload->data ? payload->data : "", payload->len, &arena, &report,
                      &cause) != OK) {
        return err_set(err, ERR_INVALID_ARGUMENT, "a queued batch is no report: %s",
                       cause.detail);
    }
    struct queue_head final = *head;
    if (head->kind == QUEUE_RAW) {
        doubt_ms = correct_times(numbering, head, &report, &summary);
        report.dropped = (int64_t)queue_gap(numbering->queue, head);
    }
    number(numbering, &final);
    final.kind = QUEUE_FINAL;
    report.stream = (int64_t) final.stream;
    report.seq = (int64_t) final.seq;
    report.sent_ms = timebase_now_ms(numbering->timebase, numbering->env);
    tell_health(numbering, doubt_ms, &report.health);
    report_encode(&report, ret_body);
    enum status status = buf_status(ret_body, err);
    if (status == OK) {
        *head = final;
        *ret_doubt_ms = doubt_ms;
    }
    return status;
}
