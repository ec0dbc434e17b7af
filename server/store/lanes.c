/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/lanes.h"

void job_queue_push(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    if (queue->tail) {
        queue->tail->next = job;
    } else {
        queue->head = job;
    }
    queue->tail = job;
    queue->count++;
}

struct job *job_queue_pop(struct job_queue *queue)
{
    struct job *job = queue->head;
    if (job) {
        queue->head = job->next;
        queue->tail = job->next ? queue->tail : NULL;
        queue->count--;
        job->next = NULL;
    }
    return job;
}

void lanes_push(struct lanes *lanes, struct job *job)
{
    lanes->count++;
    if (job->savepoint) {
        job_queue_push(&lanes->first, job);
        return;
    }
    unsigned lane = (unsigned)(job->source * UINT64_C(0x9E3779B97F4A7C15) >> 58);
    job_queue_push(&lanes->lanes[lane], job);
    lanes->waiting |= UINT64_C(1) << lane;
}

/* The first lane with jobs from `next` on, in a circle. */
static unsigned lane_after(const struct lanes *lanes)
{
    uint64_t behind = lanes->waiting & ~UINT64_C(0) << lanes->next;
    return (unsigned)__builtin_ctzll(behind ? behind : lanes->waiting);
}

struct job *lanes_pop(struct lanes *lanes)
{
    struct job *job = job_queue_pop(&lanes->first);
    if (!job && lanes->waiting) {
        unsigned lane = lane_after(lanes);
        job = job_queue_pop(&lanes->lanes[lane]);
        if (lanes->lanes[lane].count == 0) {
            lanes->waiting &= ~(UINT64_C(1) << lane);
        }
        lanes->next = (lane + 1) % LANES;
    }
    lanes->count -= job ? 1 : 0;
    return job;
}
