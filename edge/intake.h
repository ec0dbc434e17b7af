/* SPDX-License-Identifier: Apache-2.0 */
/* intake: predictions from the inferring thread, as batches for the queue.
 *
 * One open batch takes predictions until it is full, old enough (an interval: its window
 * is over), or something that a batch has one of changes: model, artifact, derived,
 * below_floor, detail. Then it waits, closed, for step to write it to disk. At most
 * INTAKE_CLOSED_MAX wait, so memory is bounded. Detail and clock are told by the stepping
 * thread. Calls with a lock in their comment may come from two threads; none of them
 * blocks for longer than the other's few additions. */
#ifndef MUSTER_EDGE_INTAKE_H
#define MUSTER_EDGE_INTAKE_H

#include <pthread.h>

#include "edge/batch.h"
#include "edge/draw.h"

enum {
    INTAKE_CLOSED_MAX = 8,
    INTAKE_LATE_MS = 1000, /* an interval waits so long for frames from before its end */
};

struct intake {
    pthread_mutex_t lock;
    size_t batch_rows;
    int64_t batch_age_ms;
    struct batch *open;                      /* owned, NULL when empty */
    struct batch *closed[INTAKE_CLOSED_MAX]; /* owned, oldest first */
    size_t closed_count;
    uint64_t recorded; /* predictions since open */
    uint64_t waiting;  /* predictions open or closed */
    bool flushed;      /* a flush was asked for since intake_was_flushed */

    char model[65]; /* what `detail` is for; of every other model all is sent */
    struct detail detail;
    int64_t anchor_ms; /* best known time less monotonic time */
    bool anchor_known; /* it is the server's */
    struct draw draw;
    bool has_last; /* the next is the newest prediction's */
    uint16_t last_class;
    uint8_t last_artifact[32];
    bool has_derived; /* the next is the newest prediction's */
    uint8_t derived[32];
};

void intake_init(struct intake *ret_intake, size_t batch_rows, int64_t batch_age_ms);
void intake_release(struct intake *intake);

/* Sets what is asked of a model's predictions; what is open closes if it is new. (locks)
 */
void intake_set_detail(struct intake *intake, const char *model,
                       const struct detail *detail);

/* Tells the best known time. An open interval closes when the server's time became known
 * or moved by more than a second. (locks) */
void intake_set_time(struct intake *intake, int64_t anchor_ms, bool known);

/* Adds a prediction. *ret_news: the stepping thread has something new to look at.
 * ERR_UNAVAILABLE when too many batches wait, ERR_NO_MEMORY; nothing was added then.
 * (locks) */
enum status intake_add(struct intake *intake, const struct intake_row *row,
                       bool *ret_news, struct err *err) MUST_USE;

/* Closes the open batch if it is old enough or has ended. It waits while too many do.
 * (locks) */
void intake_close(struct intake *intake, int64_t now_mono_ms);

/* What was built of the artifact that made its newest prediction; false: nothing, or
 * another artifact made that. (locks) */
bool intake_derived(struct intake *intake, const uint8_t artifact[static 32],
                    uint8_t ret_derived[static 32]);

/* Ends the open batch in any case, and asks for everything to be sent soon. (locks) */
void intake_flush(struct intake *intake);

/* Whether intake_flush was called since the last time. (locks) */
bool intake_was_flushed(struct intake *intake);

/* The oldest closed batch, now the caller's, or NULL. (locks) */
struct batch *intake_take(struct intake *intake);

/* When the open batch gets too old, in ms; 0 also when a closed one waits. (locks) */
int64_t intake_wait_ms(struct intake *intake, int64_t now_mono_ms);

#endif
