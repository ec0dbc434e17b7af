/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { OUTPUT_BYTES_MAX = 1024 * 1024, PATH_BYTES = 512 };

/* ---- programs ------------------------------------------------------------------------
 */

const char *program_path(const char *name)
{
    static char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, BUILD_DIR "/bin/%s", name);
    if (access(path, X_OK) != 0) {
        (void)snprintf(path, sizeof path, BUILD_DIR "/tests/%s", name);
    }
    return path;
}

static void child_exec(const char *const *argv, int out_fd, int problems_fd)
{
    union {
        const char *const *constant;
        char *const *plain;
    } arguments = {.constant = argv};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
    (void)dup2(out_fd, STDOUT_FILENO);
    (void)dup2(problems_fd, STDERR_FILENO);
    (void)execv(argv[0], arguments.plain);
    _exit(127);
}

static pid_t spawn(const char *const *argv, int out_fd, int problems_fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child_exec(argv, out_fd, problems_fd);
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static uint16_t port_of_line(const char *text, const char *prefix)
{
    const char *line = strstr(text, prefix);
    const char *end = line ? strchr(line, '\n') : NULL;
    const char *colon = end ? memrchr(line, ':', (size_t)(end - line)) : NULL;
    return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

/* One more read of the pipe; false at its end or when the time is up. */
static bool read_some(int fd, struct buf *data, int64_t until_ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int64_t left_ms = until_ms - clock_mono_ms();
    if (left_ms <= 0 || poll(&wanted, 1, (int)left_ms) <= 0) {
        return false;
    }
    char piece[16384];
    ssize_t got = read(fd, piece, sizeof piece);
    if (got <= 0) {
        return false;
    }
    buf_add(data, piece, (size_t)got);
    return true;
}

void program_start(struct program *program, const char *const *argv, const char *log_path)
{
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    int log_fd = log_path
                     ? open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                     : memfd_create("stderr", MFD_CLOEXEC);
    assert_true(log_fd >= 0);
    *program = (struct program){.pid = spawn(argv, out[1], log_fd),
                                .log_fd = log_path ? -1 : log_fd};
    (void)close(out[1]);
    if (log_path) {
        (void)close(log_fd);
    }
    BUF_AUTO text = BUF_INIT(OUTPUT_BYTES_MAX);
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    while (program->port == 0 && read_some(out[0], &text, until_ms)) {
        program->port = port_of_line(text.data, "listening on ");
        program->metrics_port = port_of_line(text.data, "metrics on ");
    }
    (void)close(out[0]);
    if (program->port == 0) {
        program_kill(program);
        fail_msg("'%s' did not say where it listens", argv[0]);
    }
}

int program_run(const char *const *argv, struct buf *out, struct buf *problems)
{
    int out_pipe[2];
    int problem_pipe[2];
    assert_int_equal(pipe2(out_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(problem_pipe, O_CLOEXEC), 0);
    pid_t pid = spawn(argv, out_pipe[1], problem_pipe[1]);
    (void)close(out_pipe[1]);
    (void)close(problem_pipe[1]);
    BUF_AUTO ignored = BUF_INIT(OUTPUT_BYTES_MAX);
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    while (read_some(out_pipe[0], out ? out : &ignored, until_ms)) {
    }
    while (read_some(problem_pipe[0], problems ? problems : &ignored, until_ms)) {
    }
    (void)close(out_pipe[0]);
    (void)close(problem_pipe[0]);
    return wait_for(pid);
}

/* Frees what a program wrote to stderr; shows its end if the program ended badly. */
static void close_log(struct program *program, bool show)
{
    char tail[8192];
    if (program->log_fd < 0) {
        return;
    }
    off_t size = lseek(program->log_fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0;
    ssize_t got = show ? pread(program->log_fd, tail, sizeof tail, from) : 0;
    if (got > 0) {
        fprintf(stderr, "the program's last words:\n%.*s\n", (int)got, tail);
    }
    (void)close(program->log_fd);
    program->log_fd = -1;
}

int program_stop(struct program *program)
{
    if (program->pid <= 0) {
        return -1; /* it never started: kill would hit the group of the test */
    }
    (void)kill(program->pid, SIGTERM);
    int status = wait_for(program->pid);
    program->pid = 0;
    close_log(program, status != 0);
    return status;
}

void program_kill(struct program *program)
{
    if (program->pid <= 0) {
        return;
    }
    (void)kill(program->pid, SIGKILL);
    (void)wait_for(program->pid);
    program->pid = 0;
    close_log(program, false);
}

bool program_is_alive(const struct program *program)
{
    return waitpid(program->pid, NULL, WNOHANG) == 0;
}

/* The open descriptors whose link begins with `kind`. */
static size_t count_fds(const struct program *program, const char *kind)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)program->pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    size_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        char link[64] = "";
        bool is_one = entry->d_name[0] != '.' && readlinkat(dirfd(folder), entry->d_name,
                                                            link, sizeof link - 1) >= 0;
        count += is_one && strncmp(link, kind, strlen(kind)) == 0;
    }
    (void)closedir(folder);
    return count;
}

size_t program_fd_count(const struct program *program)
{
    return count_fds(program, "");
}

size_t program_socket_count(const struct program *program)
{
    return count_fds(program, "socket:");
}

size_t program_rss_bytes(const struct program *program)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)program->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned long total = 0;
    unsigned long resident = 0;
    assert_int_equal(fscanf(file, "%lu %lu", &total, &resident), 2);
    (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- folders -------------------------------------------------------------------------
 */

void folder_make(char *ret_path, size_t size)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(ret_path, size, "%s/muster.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(ret_path));
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void folder_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- sockets -------------------------------------------------------------------------
 */

int net_connect(uint16_t port, const char *source)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (source) {
        assert_int_equal(inet_pton(AF_INET, source, &address.sin_addr), 1);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool net_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool net_read(int fd, struct buf *data, int64_t wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    while (read_some(fd, data, until_ms)) {
    }
    return clock_mono_ms() < until_ms;
}

/* ---- answers -------------------------------------------------------------------------
 */

bool answer_header(const struct answer *answer, const char *name, char *ret_value,
                   size_t size)
{
    size_t name_len = strlen(name);
    const char *end = answer->head + answer->head_len;
    const char *line = memchr(answer->head, '\n', answer->head_len);
    while (line && ++line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((next ? next : end) - line);
        if (len > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1;
            value += strspn(value, " ");
            (void)snprintf(ret_value, size, "%.*s", (int)strcspn(value, "\r\n"), value);
            return true;
        }
        line = next;
    }
    return false;
}

bool answer_parse(const char *data, size_t len, bool has_body, struct answer *ret_answer)
{
    const char *blank = len > 0 ? memmem(data, len, "\r\n\r\n", 4) : NULL;
    if (!blank || len < 12 || strncmp(data, "HTTP/1.", 7) != 0) {
        return false;
    }
    struct answer answer = {
        .status = (int)strtol(data + 9, NULL, 10),
        .head = data,
        .head_len = (size_t)(blank + 2 - data),
        .body = blank + 4,
    };
    char length[32] = "0";
    bool is_empty = !has_body || answer.status == 304 || answer.status / 100 == 1;
    if (!is_empty) {
        (void)answer_header(&answer, "Content-Length", length, sizeof length);
    }
    answer.body_len = strtoul(length, NULL, 10);
    answer.len = (size_t)(answer.body - data) + answer.body_len;
    if (answer.len > len) {
        return false;
    }
    *ret_answer = answer;
    return true;
}

bool net_read_answer(int fd, struct buf *data, int64_t wait_ms, struct answer *ret_answer)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    while (!answer_parse(data->data, data->len, true, ret_answer)) {
        if (!read_some(fd, data, until_ms)) {
            return false;
        }
    }
    return true;
}

void reply_release(struct reply *reply)
{
    buf_release(&reply->raw);
}

static void write_call(const struct call *call, size_t body_len, struct buf *out)
{
    bool has_type = call->headers && strcasestr(call->headers, "content-type:");
    buf_addf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
             call->method ? call->method : "GET", call->target);
    if (call->token) {
        buf_addf(out, "Authorization: Bearer %s\r\n", call->token);
    }
    if (call->body) {
        buf_addf(out, "Content-Length: %zu\r\n%s", body_len,
                 has_type ? "" : "Content-Type: application/json\r\n");
    }
    buf_addf(out, "%s\r\n", call->headers ? call->headers : "");
    if (call->body) {
        buf_add(out, call->body, body_len);
    }
}

int http_send(uint16_t port, const struct call *call, struct reply *ret_reply)
{
    buf_release(&ret_reply->raw);
    ret_reply->raw = BUF_INIT(REPLY_BYTES_MAX);
    BUF_AUTO out = BUF_INIT(REPLY_BYTES_MAX);
    size_t body_len = !call->body          ? 0
                      : call->body_len > 0 ? call->body_len
                                           : strlen(call->body);
    write_call(call, body_len, &out);
    assert_false(out.failed);
    int fd = net_connect(port, call->source);
    (void)net_send(fd, out.data, out.len); /* an early answer may close before the end */
    bool has_closed = net_read(fd, &ret_reply->raw, HARNESS_WAIT_MS);
    (void)close(fd);
    bool has_body = !call->method || strcmp(call->method, "HEAD") != 0;
    if (!answer_parse(ret_reply->raw.data, ret_reply->raw.len, has_body,
                      &ret_reply->answer)) {
        fail_msg("%s %s: no whole answer in %zu bytes (closed: %d)",
                 call->method ? call->method : "GET", call->target, ret_reply->raw.len,
                 has_closed);
    }
    return ret_reply->answer.status;
}

int http_get(uint16_t port, const char *target, const char *token,
             struct reply *ret_reply)
{
    struct call call = {.target = target, .token = token};
    return http_send(port, &call, ret_reply);
}

int http_post(uint16_t port, const char *target, const char *token, const char *body,
              struct reply *ret_reply)
{
    struct call call = {.method = "POST", .target = target, .token = token, .body = body};
    return http_send(port, &call, ret_reply);
}
