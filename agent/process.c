/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { WORDS_MAX = 64, SLICE_BYTES = 64 * 1024, UNSENT_BYTES = 256 * 1024 * 1024 };

extern char **environ;

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void release(struct process *process)
{
    if (process->lines.max == 0) { /* never started */
        return;
    }
    close_end(&process->in);
    close_end(&process->out);
    buf_release(&process->unsent);
    buf_release(&process->lines);
    *process = (struct process){.in = -1, .out = -1};
}

/* Words of `text`, which is cut up, and then `extra`. */
static enum status split(char *text, const char *const *extra,
                         char *ret_words[static WORDS_MAX + 1], struct err *err)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        if (count == WORDS_MAX) {
            return err_set(err, ERR_RUNNER_START, "a command has at most %d words",
                           WORDS_MAX);
        }
        ret_words[count++] = word;
    }
    if (count == 0) {
        return err_set(err, ERR_RUNNER_START, "an empty command cannot be started");
    }
    for (; extra && *extra && count < WORDS_MAX; extra++) {
        ret_words[count++] = (char *)(uintptr_t)*extra;
    }
    ret_words[count] = NULL;
    return OK;
}

/* Its stdin is `in`, its stdout `out`, its stderr ours; nothing else is open. */
static int spawn(char **words, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, mask;
    (void)sigemptyset(&mask);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    int failed = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, out, 1);
    failed = failed ? failed : posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    failed = failed ? failed
                    : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                                                POSIX_SPAWN_SETSIGDEF |
                                                                POSIX_SPAWN_SETSIGMASK);
    failed = failed ? failed : posix_spawnattr_setpgroup(&attributes, 0);
    failed = failed ? failed : posix_spawnattr_setsigdefault(&attributes, &defaults);
    failed = failed ? failed : posix_spawnattr_setsigmask(&attributes, &mask);
    if (!failed) {
        failed = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static enum status open_pipes(int ret_in[2], int ret_out[2], struct err *err)
{
    if (pipe2(ret_in, O_CLOEXEC) != 0) {
        return err_set_errno(err, "could not make a pipe");
    }
    if (pipe2(ret_out, O_CLOEXEC) != 0) {
        (void)err_set_errno(err, "could not make a pipe");
        close_end(&ret_in[0]);
        close_end(&ret_in[1]);
        return ERR_IO;
    }
    return OK;
}

enum status process_start(struct process *process, const char *command,
                          const char *const *extra, size_t line_bytes, struct err *err)
{
    int in[2], out[2];
    char *words[WORDS_MAX + 1];
    char *text = strdup(command);
    *process = (struct process){.in = -1, .out = -1};
    if (!text) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a command");
    }
    enum status status = split(text, extra, words, err);
    if (status == OK) {
        status = open_pipes(in, out, err);
    }
    if (status != OK) {
        free(text);
        return status;
    }
    int failed = spawn(words, in[0], out[1], &process->pid);
    close_end(&in[0]);
    close_end(&out[1]);
    process->in = in[1];
    process->out = out[0];
    process->unsent = BUF_INIT(UNSENT_BYTES);
    process->lines = BUF_INIT(line_bytes);
    if (failed || fcntl(process->in, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(process->out, F_SETFL, O_NONBLOCK) != 0) {
        errno = failed ? failed : errno;
        (void)err_set_errno(err, "could not start '%.80s'", words[0]);
        process_kill(process);
        status = ERR_RUNNER_START;
    }
    free(text);
    return status;
}

static enum status flush(struct process *process, struct err *err)
{
    while (process->sent < process->unsent.len) {
        ssize_t done = write(process->in, process->unsent.data + process->sent,
                             process->unsent.len - process->sent);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && errno == EAGAIN) {
            return OK;
        }
        if (done < 0) {
            return err_set(err, ERR_RUNNER_FAILED, "it does not read any more");
        }
        process->sent += (size_t)done;
    }
    buf_reset(&process->unsent);
    process->sent = 0;
    return OK;
}

enum status process_send(struct process *process, struct buf *bytes, struct err *err)
{
    enum status status = buf_status(bytes, err);
    if (status == OK) {
        buf_add(&process->unsent, bytes->data, bytes->len);
        buf_reset(bytes);
        status = buf_status(&process->unsent, err);
    }
    return status == OK ? flush(process, err) : status;
}

/* A whole line of those that came. */
static bool take_line(struct process *process, const char **ret_line, size_t *ret_len)
{
    struct buf *lines = &process->lines;
    char *at = lines->data ? lines->data + process->taken : NULL;
    char *end = at ? memchr(at, '\n', lines->len - process->taken) : NULL;
    if (!end) {
        return false;
    }
    *ret_line = at;
    *ret_len = (size_t)(end - at);
    process->taken += *ret_len + 1;
    return true;
}

static void drop_taken(struct process *process)
{
    struct buf *lines = &process->lines;
    if (process->taken > 0) {
        memmove(lines->data, lines->data + process->taken, lines->len - process->taken);
        lines->len -= process->taken;
        process->taken = 0;
    }
}

static enum status say_end(struct process *process, struct err *err)
{
    int how = 0;
    if (!process_ended(process, &how)) {
        return err_set(err, ERR_RUNNER_FAILED, "it closed its output");
    }
    return WIFSIGNALED(how) ? err_set(err, ERR_RUNNER_FAILED, "it was ended by signal %d",
                                      WTERMSIG(how))
                            : err_set(err, ERR_RUNNER_FAILED, "it ended with status %d",
                                      WEXITSTATUS(how));
}

/* Only a line that has no end yet is kept, so a full buffer is one that is too long. */
static enum status read_more(struct process *process, struct err *err)
{
    char slice[SLICE_BYTES];
    struct buf *lines = &process->lines;
    size_t room = lines->max - lines->len;
    if (room == 0) {
        return err_set(err, ERR_RUNNER_PROTOCOL, "a line of over %zu bytes", lines->max);
    }
    ssize_t got = read(process->out, slice, room < sizeof slice ? room : sizeof slice);
    if (got > 0) {
        buf_add(lines, slice, (size_t)got);
        return buf_status(lines, err);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ERR_UNAVAILABLE;
    }
    return say_end(process, err);
}

enum status process_receive(struct process *process, int64_t wait_ms,
                            const char **ret_line, size_t *ret_len, struct err *err)
{
    drop_taken(process);
    enum status status = flush(process, NULL); /* how it ended is found by reading */
    bool waiting = status == OK && process->sent < process->unsent.len;
    struct pollfd ends[] = {{.fd = process->out, .events = POLLIN},
                            {.fd = waiting ? process->in : -1, .events = POLLOUT}};
    if (take_line(process, ret_line, ret_len)) {
        return OK;
    }
    (void)poll(ends, 2, (int)wait_ms);
    status = read_more(process, err);
    if (status != OK) {
        return status;
    }
    return take_line(process, ret_line, ret_len) ? OK : ERR_UNAVAILABLE;
}

bool process_ended(struct process *process, int *ret_status)
{
    int how = 0;
    if (process->pid <= 0 || waitpid(process->pid, &how, WNOHANG) != process->pid) {
        return false;
    }
    (void)kill(-process->pid, SIGKILL); /* what it started itself */
    process->pid = 0;
    *ret_status = how;
    return true;
}

void process_leave(struct process *process, struct leavers *leavers)
{
    if (process->pid > 0 && leavers->count < PROCESS_LEAVERS_MAX) {
        (void)kill(-process->pid, SIGTERM);
        leavers->items[leavers->count].pid = process->pid;
        leavers->items[leavers->count++].kill_ms = clock_mono_ms() + PROCESS_LEAVE_MS;
        process->pid = 0;
    }
    process_kill(process);
}

static void kill_and_reap(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void process_kill(struct process *process)
{
    if (process->pid > 0) {
        kill_and_reap(process->pid);
    }
    release(process);
}

void leavers_step(struct leavers *leavers)
{
    for (size_t i = leavers->count; i-- > 0;) {
        pid_t pid = leavers->items[i].pid;
        bool late = clock_mono_ms() >= leavers->items[i].kill_ms;
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            (void)kill(-pid, SIGKILL);
        } else if (late) {
            kill_and_reap(pid);
        } else {
            continue;
        }
        leavers->items[i] = leavers->items[--leavers->count];
    }
}

void leavers_kill(struct leavers *leavers)
{
    while (leavers->count > 0) {
        kill_and_reap(leavers->items[--leavers->count].pid);
    }
}
