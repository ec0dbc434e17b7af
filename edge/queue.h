/* SPDX-License-Identifier: Apache-2.0 */
/* queue: batches on disk until the server has acknowledged them.
 *
 * One file a batch, named by a number that only grows; written beside, synced, renamed.
 *
 *   <state>/queue/00000000000000000041   waiting: columns with monotonic times
 *   <state>/queue/last                   the newest batch that left: stream, seq, rows
 *   <state>/rejected/…                   refused or damaged, the oldest removed when full
 *
 *     0   8  magic "MUSTERQ2"
 *     8  32  SHA-256 of everything behind it
 *    40  72  nine u64, little-endian: kind, rows, first prediction, stream, seq, anchor,
 *            anchor known, payload length, predictions
 *   112  40  boot id
 *   152      payload: a report as JSON
 *
 * "MUSTERQ1", from before there were summaries, has no predictions: they are its rows.
 *
 * A `raw` batch becomes `final` just before it is first sent: stream, seq and the exact
 * body are stored, so that after a crash the same bytes go out under the same number.
 * Only the oldest can be final, and it is never dropped. Leaving the queue renames it
 * over `last`, which thus always knows the newest number used. `first_prediction`
 * counts every prediction ever queued: a gap to the one before is what was dropped,
 * whatever crashed. When `last` itself was damaged, what was dropped
 * just before is not known and counts as nothing. Every change is one file operation; all
 * of them block. Not thread-safe. */
#ifndef MUSTER_EDGE_QUEUE_H
#define MUSTER_EDGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/env.h"
#include "edge/timebase.h"

enum queue_kind { QUEUE_RAW = 1, QUEUE_FINAL = 2 };

enum { QUEUE_HEADER_BYTES = 152, QUEUE_PAYLOAD_MAX = 1024 * 1024 };

/* The head of a batch file. */
struct queue_head {
    enum queue_kind kind;
    uint64_t rows;             /* as the server counts them when it answers */
    uint64_t predictions;      /* the same, or what its summary counts */
    uint64_t first_prediction; /* predictions queued before this batch, since ever */
    uint64_t stream, seq;      /* final only */
    int64_t anchor_ms;         /* raw: best known server time − monotonic time */
    bool anchor_known;         /* raw: learnt from the server, not from the wall clock */
    char boot_id[BOOT_ID_BYTES]; /* raw: whose monotonic time it is */
};

struct queue_entry {
    uint64_t number;
    uint64_t predictions;
    uint64_t bytes; /* on disk, whole blocks */
    bool final;
};

struct queue {
    char folder[EDGE_PATH_BYTES];
    char rejected[EDGE_PATH_BYTES];
    uint64_t max_bytes, max_rejected_bytes;
    struct queue_entry *entries; /* owned; the oldest at `first` */
    size_t first, count, capacity;
    uint64_t bytes, predictions; /* of all entries */
    uint64_t next_number, next_prediction;
    bool has_last;
    bool last_lost;         /* it was damaged: gaps count from what was waiting then */
    uint64_t first_waiting; /* with last_lost: its first_prediction */
    struct queue_head last;
    uint64_t dropped;   /* predictions dropped since open */
    uint64_t set_aside; /* damaged files since open */
};

/* Opens or creates the folders and takes stock. Damaged files are set aside. */
enum status queue_open(struct queue *queue, const char *state_folder, uint64_t max_bytes,
                       uint64_t max_rejected_bytes, struct err *err) MUST_USE;
void queue_release(struct queue *queue);

/* Adds a raw batch (`first_prediction` and `kind` are filled in), dropping the oldest raw
 * ones where it would not fit. ERR_QUEUE_FULL when it is larger than the whole queue. On
 * failure the caller keeps the batch or counts it with queue_lose. */
enum status queue_append(struct queue *queue, const struct queue_head *head,
                         const struct buf *payload, struct err *err) MUST_USE;

/* Counts predictions that could not be queued as dropped. */
void queue_lose(struct queue *queue, uint64_t predictions);

/* The oldest batch, or NULL. */
const struct queue_entry *queue_oldest(const struct queue *queue);

/* Reads the oldest. A damaged one is set aside and ERR_QUEUE_CORRUPT returned: the next
 * one is the oldest then. */
enum status queue_read(struct queue *queue, struct queue_head *ret_head,
                       struct buf *ret_payload, struct err *err) MUST_USE;

/* What was dropped between the batch that left last and this one. */
uint64_t queue_gap(const struct queue *queue, const struct queue_head *head);

/* Replaces the oldest by its final form. */
enum status queue_finalise(struct queue *queue, const struct queue_head *head,
                           const struct buf *body, struct err *err) MUST_USE;

/* The oldest leaves, acknowledged. */
enum status queue_leave(struct queue *queue, const struct queue_head *head,
                        struct err *err) MUST_USE;

/* The oldest leaves for rejected/. */
enum status queue_reject(struct queue *queue, const struct queue_head *head,
                         const struct buf *body, struct err *err) MUST_USE;

#endif
