/* SPDX-License-Identifier: Apache-2.0 */
/* intake: predictions from the inferring thread, as batches for the queue.
 *
 * One open batch takes rows until it is full, old enough, or the model changes; then it
 * waits, closed, for step to write it to disk. At most INTAKE_CLOSED_MAX wait. Times are
 * kept as monotonic ms. Calls with a lock in their comment may come from two threads. */
#ifndef MUSTER_EDGE_INTAKE_H
#define MUSTER_EDGE_INTAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/edge.h>

#include "base/buf.h"
#include "format/report.h"

enum { INTAKE_CLOSED_MAX = 8 };

/* Columns of one batch. */
struct batch {
    size_t rows, capacity;
    int64_t opened_ms; /* monotonic */
    char model[65];
    uint8_t artifact[32];
    bool below_floor;
    bool has_value, has_sample_column;
    int64_t *at_ms; /* monotonic */
    uint16_t *class_index, *confidence;
    uint32_t *latency_us;
    double *value; /* NaN: none */
    int64_t *sample;
    bool *has_sample;
};

struct intake {
    pthread_mutex_t lock;
    size_t batch_rows;
    int64_t batch_age_ms;
    struct batch *open;                      /* owned, NULL when empty */
    struct batch *closed[INTAKE_CLOSED_MAX]; /* owned, oldest first */
    size_t closed_count;
    uint64_t recorded; /* rows since open */
    uint64_t waiting;  /* rows open or closed */
};

/* What a row is made from. */
struct intake_row {
    const struct muster_prediction *prediction;
    const char *model;
    const uint8_t *artifact;
    bool below_floor;
    int64_t at_mono_ms;
    int64_t now_mono_ms;
};

void intake_init(struct intake *ret_intake, size_t batch_rows, int64_t batch_age_ms);
void intake_release(struct intake *intake);

/* Adds a row. *ret_news: the stepping thread has something new to look at.
 * ERR_UNAVAILABLE when too many batches wait, ERR_NO_MEMORY; nothing was added then.
 * (locks) */
enum status intake_add(struct intake *intake, const struct intake_row *row,
                       bool *ret_news, struct err *err) MUST_USE;

/* Closes the open batch if it is old enough, or in any case with `force`. Stays open
 * when too many wait. (locks) */
void intake_close(struct intake *intake, int64_t now_mono_ms, bool force);

/* The oldest closed batch, now the caller's, or NULL. (locks) */
struct batch *intake_take(struct intake *intake);

/* When the open batch gets too old, in ms; 0 also when a closed one waits. (locks) */
int64_t intake_wait_ms(struct intake *intake, int64_t now_mono_ms);

/* Appends a taken batch as a report with stream and seq 1 and monotonic times. */
void batch_encode(const struct batch *batch, struct buf *ret_body);
void batch_free(struct batch *batch);

#endif
