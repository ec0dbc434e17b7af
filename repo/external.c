/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/external.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hex.h"

enum { WORDS_MAX = 64, COMMAND_BYTES = 4096, READ_END = 0, WRITE_END = 1 };

/* Twice the signature: hex digits, and a line's end. */
enum { ANSWER_MAX = 2 * EXTERNAL_SIGNATURE_MAX + 2 };

extern char **environ;

static void close_pipe(int pipe[2])
{
    for (int i = 0; i < 2; i++) {
        if (pipe[i] >= 0) {
            (void)close(pipe[i]);
            pipe[i] = -1;
        }
    }
}

static void close_end(int *fd)
{
    (void)close(*fd);
    *fd = -1;
}

static enum status split(char *command, char *words[WORDS_MAX + 1], struct err *err)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(command, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        if (count == WORDS_MAX) {
            return err_set(err, ERR_USAGE, "a command of at most %d words expected",
                           WORDS_MAX);
        }
        words[count++] = word;
    }
    words[count] = NULL;
    return count > 0 ? OK : err_set(err, ERR_USAGE, "a command expected, none found");
}

static enum status start(char **words, const int in[2], const int out[2], pid_t *ret_pid,
                         struct err *err)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return err_set(err, ERR_NO_MEMORY, "no memory to run '%.100s'", words[0]);
    }
    int failed =
        posix_spawn_file_actions_adddup2(&actions, in[READ_END], STDIN_FILENO) ||
        posix_spawn_file_actions_adddup2(&actions, out[WRITE_END], STDOUT_FILENO);
    errno =
        failed ? ENOMEM : posix_spawnp(ret_pid, words[0], &actions, NULL, words, environ);
    bool started = errno == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return started ? OK : err_set_errno(err, "could not run '%.100s'", words[0]);
}

/* One write; the program may also stop reading before the end. */
static bool feed(int fd, const struct buf *message, size_t *sent)
{
    ssize_t wrote = write(fd, message->data + *sent, message->len - *sent);
    if (wrote < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    *sent += (size_t)wrote;
    return *sent < message->len;
}

/* Writes the message and reads the answer at once, so that neither side waits for ever.
 */
static enum status converse(int *to, int from, const struct buf *message,
                            struct buf *answer, struct err *err)
{
    size_t sent = 0;
    for (;;) {
        struct pollfd fds[2] = {{.fd = from, .events = POLLIN},
                                {.fd = *to, .events = POLLOUT}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return err_set_errno(err, "could not wait for the program");
        }
        if (*to >= 0 && fds[1].revents && !feed(*to, message, &sent)) {
            close_end(to);
        }
        if (!fds[0].revents) {
            continue;
        }
        char piece[512];
        ssize_t got = read(from, piece, sizeof piece);
        if (got < 0 && errno != EINTR) {
            return err_set_errno(err, "could not read what the program answers");
        }
        if (got == 0) {
            return buf_status(answer, err);
        }
        buf_add(answer, piece, got > 0 ? (size_t)got : 0);
    }
}

static enum status reap(pid_t pid, const char *program, struct err *err)
{
    int state = 0;
    while (waitpid(pid, &state, 0) < 0) {
        if (errno != EINTR) {
            return err_set_errno(err, "could not wait for '%.100s'", program);
        }
    }
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0) {
        return OK;
    }
    return err_set(err, ERR_IO, "'%.100s' failed with %s %d and signed nothing", program,
                   WIFEXITED(state) ? "status" : "signal",
                   WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
}

static bool is_hex(const char *text, size_t len)
{
    return len > 0 && len % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") >= len;
}

static enum status read_answer(const struct buf *answer, char *ret_signature,
                               struct err *err)
{
    size_t len = answer->len;
    while (len > 0 && isspace((unsigned char)answer->data[len - 1])) {
        len--;
    }
    if (len > 0 && is_hex(answer->data, len)) {
        memcpy(ret_signature, answer->data, len);
        ret_signature[len] = '\0';
        return OK;
    }
    if (answer->len == 0 || answer->len > EXTERNAL_SIGNATURE_MAX) {
        return err_set(
            err, ERR_IO,
            "a signature of 1 to %d bytes, raw or in hex, expected on standard "
            "output, %zu bytes found",
            EXTERNAL_SIGNATURE_MAX, answer->len);
    }
    hex_encode((const uint8_t *)answer->data, answer->len, ret_signature);
    return OK;
}

/* A program that does not read to the end must not end this one. */
static enum status run(char **words, const struct buf *message, struct buf *answer,
                       struct err *err)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    pid_t pid = 0;
    enum status status = OK;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        status = err_set_errno(err, "could not make a pipe");
    }
    if (status == OK) {
        status = start(words, in, out, &pid, err);
    }
    if (status == OK) {
        close_end(&in[READ_END]);
        close_end(&out[WRITE_END]);
        (void)fcntl(in[WRITE_END], F_SETFL, O_NONBLOCK);
        status = converse(&in[WRITE_END], out[READ_END], message, answer, err);
        close_pipe(in);
        close_pipe(out);
        enum status ended = reap(pid, words[0], err);
        status = status == OK ? ended : status;
    }
    close_pipe(in);
    close_pipe(out);
    return status;
}

enum status external_sign(const char *command, const struct buf *message,
                          char ret_signature[static 2 * EXTERNAL_SIGNATURE_MAX + 1],
                          struct err *err)
{
    char text[COMMAND_BYTES];
    char *words[WORDS_MAX + 1];
    BUF_AUTO answer = BUF_INIT(ANSWER_MAX);
    size_t len = strlen(command);
    if (len >= sizeof text) {
        return err_set(err, ERR_USAGE, "a command of at most %d bytes expected",
                       COMMAND_BYTES - 1);
    }
    memcpy(text, command, len + 1);
    enum status status = split(text, words, err);
    if (status != OK) {
        return status;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    (void)sigaction(SIGPIPE, &ignore, &before);
    status = run(words, message, &answer, err);
    (void)sigaction(SIGPIPE, &before, NULL);
    return status == OK ? read_answer(&answer, ret_signature, err) : status;
}
