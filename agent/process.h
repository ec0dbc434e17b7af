/* SPDX-License-Identifier: Apache-2.0 */
/* process: a program that was started with pipes at stdin and stdout, and speaks in
 * lines.
 *
 * Its command is split at spaces; there is no shell. It leads a process group of its own,
 * which is what gets signals. Nothing here waits for it longer than it is told to. */
#ifndef MUSTER_AGENT_PROCESS_H
#define MUSTER_AGENT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { PROCESS_LEAVERS_MAX = 4, PROCESS_LEAVE_MS = 2000 };

/* Zero-initialise; pid 0: none. */
struct process {
    pid_t pid;
    int in, out;       /* pipes, non-blocking */
    struct buf unsent; /* from `sent` on */
    size_t sent;
    struct buf lines; /* what came and was not taken, from `taken` on */
    size_t taken;
};

/* Those that were told to end and have not yet. */
struct leavers {
    struct {
        pid_t pid;
        int64_t kill_ms; /* monotonic */
    } items[PROCESS_LEAVERS_MAX];
    size_t count;
};

/* Starts `command` and, after its words, `extra` (NULL-terminated, may be NULL) as they
 * are; a line of its output has at most `line_bytes`. ERR_RUNNER_START. */
enum status process_start(struct process *process, const char *command,
                          const char *const *extra, size_t line_bytes,
                          struct err *err) MUST_USE;

/* Sends bytes as far as the pipe takes them; process_receive sends the rest. `bytes` is
 * emptied. ERR_RUNNER_FAILED when the other end is closed. */
enum status process_send(struct process *process, struct buf *bytes,
                         struct err *err) MUST_USE;

/* The next line without its end, good until the next call; waits at most `wait_ms`.
 * ERR_UNAVAILABLE: not yet. ERR_RUNNER_FAILED: it ended (how, is said).
 * ERR_RUNNER_PROTOCOL: a line that is too long. */
enum status process_receive(struct process *process, int64_t wait_ms,
                            const char **ret_line, size_t *ret_len,
                            struct err *err) MUST_USE;

/* Whether it ended, and then with which status of wait(2); it is gone then. */
bool process_ended(struct process *process, int *ret_status);

/* Tells it to end: its stdin ends and it gets SIGTERM; leavers_step kills it later. */
void process_leave(struct process *process, struct leavers *leavers);

/* Kills the whole group at once. NULL-safe on what was never started. */
void process_kill(struct process *process);

/* Reaps those that ended, kills those that take too long. */
void leavers_step(struct leavers *leavers);

/* Kills all that are left. */
void leavers_kill(struct leavers *leavers);

#endif
