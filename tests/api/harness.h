/* SPDX-License-Identifier: Apache-2.0 */
/* harness: starts a real program on port 0 in a temporary folder and speaks raw HTTP to
 * it.
 *
 * Used by every black-box test. All of it fails the running cmocka test on trouble, so
 * callers check nothing. Single-threaded. */
#ifndef MUSTER_TESTS_API_HARNESS_H
#define MUSTER_TESTS_API_HARNESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/types.h>

#include <cmocka.h>

#include "base/buf.h"

/* Sanitizers keep freed memory for a while: what tests of memory multiply their bound by.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZER_FACTOR = 32 };
#else
enum { SANITIZER_FACTOR = 1 };
#endif

/* Longer than anything takes here, under sanitizers on a busy machine. */
enum { HARNESS_WAIT_MS = 20000, REPLY_BYTES_MAX = 32 * 1024 * 1024 };

struct program {
    pid_t pid;
    uint16_t port;         /* of "listening on ADDRESS:PORT" */
    uint16_t metrics_port; /* of "metrics on ADDRESS:PORT", 0 if not printed before */
    int log_fd; /* what it wrote to stderr, in memory; -1 where it has a log file */
};

/* The path of a built program, such as "musterd", in the build's bin or tests folder. */
const char *program_path(const char *name);

/* Starts argv (argv[0] is a path; NULL ends) and waits for its "listening on" line. Its
 * stderr goes to `log_path`, or nowhere if NULL. */
void program_start(struct program *program, const char *const *argv,
                   const char *log_path);

/* Runs argv to its end; its stdout into `out`, its stderr into `problems` (both may be
 * NULL). Returns the exit status, 128 + signal if it was killed. */
int program_run(const char *const *argv, struct buf *out, struct buf *problems);

/* Sends SIGTERM, waits; returns the exit status as program_run. */
int program_stop(struct program *program);

/* Sends SIGKILL and waits. */
void program_kill(struct program *program);

bool program_is_alive(const struct program *program);

/* Open file descriptors, those of them that are sockets, and resident memory, of the
 * process. musterd opens files as it needs them: its connections are counted by sockets.
 */
size_t program_fd_count(const struct program *program);
size_t program_socket_count(const struct program *program);
size_t program_rss_bytes(const struct program *program);

/* A new folder below $TMPDIR or /tmp; removed with all below it by folder_remove. */
void folder_make(char *ret_path, size_t size);
void folder_remove(const char *path);

/* A connection to 127.0.0.1:port, from `source` ("127.0.0.7") unless NULL. */
int net_connect(uint16_t port, const char *source);

/* Sends all of it; false when the other side is gone. */
bool net_send(int fd, const char *data, size_t len);

/* Reads until the other side closes or `until_ms` passes without its doing so; true if it
 * closed (or reset). */
bool net_read(int fd, struct buf *data, int64_t wait_ms);

/* One answer taken from the beginning of what was read. */
struct answer {
    int status;
    const char *head; /* NUL-terminated, without the blank line */
    size_t head_len;
    const char *body;
    size_t body_len;
    size_t len; /* of all of it */
};

/* Takes the answer apart; false when there is none, whole, at `data`. `has_body` is false
 * for the answer to HEAD. */
bool answer_parse(const char *data, size_t len, bool has_body, struct answer *ret_answer);

/* Reads until a whole answer (not to HEAD) is at the beginning of `data`; false if the
 * other side closes or `wait_ms` passes before. */
bool net_read_answer(int fd, struct buf *data, int64_t wait_ms,
                     struct answer *ret_answer);

/* The value of a header, copied to `ret_value`; false if it has none. */
bool answer_header(const struct answer *answer, const char *name, char *ret_value,
                   size_t size);

/* A request as http_send wants it; members left out are NULL or 0. */
struct call {
    const char *method; /* "GET" if NULL */
    const char *target;
    const char *token;   /* sent as Bearer */
    const char *source;  /* the address that it comes from: "127.0.0.7" */
    const char *headers; /* whole lines: "A: b\r\n" */
    const char *body;    /* with its Content-Length; JSON unless headers say otherwise */
    size_t body_len;     /* strlen(body) if 0 */
};

/* What came back; `answer` points into `raw`. */
struct reply {
    struct buf raw;
    struct answer answer;
};

#define REPLY_AUTO __attribute__((cleanup(reply_release))) struct reply
void reply_release(struct reply *reply);

/* One request on a connection of its own. Returns the status. */
int http_send(uint16_t port, const struct call *call, struct reply *ret_reply);

/* GET, and POST of a JSON text, with a bearer token or NULL. Return the status. */
int http_get(uint16_t port, const char *target, const char *token,
             struct reply *ret_reply);
int http_post(uint16_t port, const char *target, const char *token, const char *body,
              struct reply *ret_reply);

#endif
