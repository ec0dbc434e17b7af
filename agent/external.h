/* SPDX-License-Identifier: Apache-2.0 */
/* external: one runner process with one model, as docs/RUNNERS.md says: started, ready,
 * asked one frame at a time. It never waits longer than it is told to; deadlines are
 * noticed when it is asked. */
#ifndef MUSTER_AGENT_EXTERNAL_H
#define MUSTER_AGENT_EXTERNAL_H

#include <muster/edge.h>

#include "agent/engine.h"
#include "agent/process.h"
#include "format/runner_line.h"

enum external_state { EXTERNAL_NONE, EXTERNAL_STARTING, EXTERNAL_READY, EXTERNAL_BUSY };

struct external_rules {
    const char *command;
    int64_t start_ms;           /* to be ready */
    int64_t frame_ms;           /* to answer */
    struct engine_rules engine; /* what is built for it */
};

/* Zero-initialise. */
struct external {
    struct process process;
    enum external_state state;
    uint8_t artifact[32]; /* of its model */
    struct engine engine;
    int64_t class_count; /* 0: not told */
    int64_t frame;       /* number of the last one */
    int64_t deadline_ms; /* of what is waited for, monotonic */
    int64_t asked_us;
    struct runner_answer answer; /* the last one */
};

/* Starts a process for a model and, unless its path is empty, an engine of it.
 * ERR_RUNNER_START. */
enum status external_start(struct external *external, const struct external_rules *rules,
                           const struct muster_client_model *model,
                           const struct engine *engine, struct err *err) MUST_USE;

/* Whether it is ready: ERR_UNAVAILABLE: not yet; ERR_RUNNER_REFUSED; ERR_RUNNER_START;
 * ERR_ENGINE_STALE: it wants another engine. */
enum status external_ready(struct external *external, struct err *err) MUST_USE;

/* Asks a ready one; takes its answer, waiting at most `wait_ms`: external->answer is a
 * prediction (with a latency) or a frame's error. ERR_UNAVAILABLE: not yet.
 * ERR_RUNNER_FAILED, ERR_RUNNER_PROTOCOL: the process is of no use any more. */
enum status external_ask(struct external *external, const struct external_rules *rules,
                         const struct runner_frame *frame, struct err *err) MUST_USE;
enum status external_take(struct external *external, int64_t wait_ms,
                          struct err *err) MUST_USE;

/* Ends it gently; at once. */
void external_leave(struct external *external, struct leavers *leavers);
void external_kill(struct external *external);

#endif
