/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/sim_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    HEAD_MAX = 8192,
    FILE_MAX = 16 * 1024 * 1024,
    BLANKS = 16384,
    TRICKLE_US = 20000,
    PATIENCE_S = 5,
};

static const char PREFIX[] = SIM_PREFIX "/";

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Reads a request's head; its path. */
static bool read_path(int fd, char ret_path[static HEAD_MAX])
{
    char head[HEAD_MAX];
    size_t len = 0;
    do {
        ssize_t got = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        head[len] = '\0';
    } while (!strstr(head, "\r\n\r\n") && len < sizeof head - 1);
    char *end = strchr(head, '\r');
    if (strncmp(head, "GET ", 4) != 0 || !end) {
        return false;
    }
    *end = '\0';
    char *blank = strrchr(head, ' ');
    (void)snprintf(ret_path, HEAD_MAX, "%.*s", (int)(blank - head - 4), head + 4);
    return true;
}

static struct sim_file *find(struct sim_server *server, const char *path)
{
    for (int i = 0; i < SIM_FILES && server->files[i].path[0]; i++) {
        if (strcmp(server->files[i].path, path) == 0) {
            return &server->files[i];
        }
    }
    return NULL;
}

/* What a request gets, copied under the lock. */
struct answer {
    int status;
    enum sim_manner manner;
    struct buf body;
};

static void look_up(struct sim_server *server, const char *path, struct answer *answer)
{
    size_t prefix = sizeof PREFIX - 1;
    pthread_mutex_lock(&server->lock);
    server->requests++;
    if (strncmp(path, PREFIX, prefix) != 0) {
        server->outside++;
        pthread_mutex_unlock(&server->lock);
        return;
    }
    const char *name = path + prefix;
    size_t used = strlen(server->log);
    (void)snprintf(server->log + used, sizeof server->log - used, "%s ", name);
    const struct sim_file *file = find(server, name);
    if (file) {
        answer->status = 200;
        buf_add(&answer->body, file->data.data, file->data.len);
    }
    for (int i = 0; i < SIM_FAULTS; i++) {
        const struct sim_fault *fault = &server->faults[i];
        if (fault->path[0] && strcmp(fault->path, name) == 0) {
            answer->manner = fault->manner;
            answer->status = fault->status ? fault->status : answer->status;
        }
    }
    pthread_mutex_unlock(&server->lock);
}

static void send_head(int fd, const struct answer *answer, const char *fields)
{
    char head[HEAD_MAX];
    const char *version = answer->manner == SIM_CHUNKED ? "1.1" : "1.0";
    int len =
        snprintf(head, sizeof head, "HTTP/%s %d Told\r\nServer: SimpleHTTP/0.6\r\n%s\r\n",
                 version, answer->status, fields);
    (void)send_all(fd, head, (size_t)len);
}

static void send_blanks(int fd, bool chunked)
{
    static const char chunk[] = "1000\r\n";
    char blanks[BLANKS];
    memset(blanks, ' ', sizeof blanks);
    bool open = true;
    while (open) {
        open = chunked ? send_all(fd, chunk, sizeof chunk - 1) &&
                             send_all(fd, blanks, 0x1000) && send_all(fd, "\r\n", 2)
                       : send_all(fd, blanks, sizeof blanks);
    }
}

static void trickle(int fd, const struct buf *body)
{
    for (size_t i = 0; i < body->len && send_all(fd, body->data + i, 1); i++) {
        usleep(TRICKLE_US);
    }
}

static void send_answer(int fd, const struct answer *answer)
{
    char sized[200];
    const struct buf *body = &answer->body;
    (void)snprintf(sized, sizeof sized,
                   "Content-type: application/json\r\nContent-Length: %zu\r\n",
                   body->len);
    switch (answer->manner) {
    case SIM_HANG_UP:
        return;
    case SIM_WHOLE:
    case SIM_STATUS:
        send_head(fd, answer, sized);
        (void)send_all(fd, body->data ? body->data : "", body->len);
        return;
    case SIM_CUT:
        send_head(fd, answer, sized);
        (void)send_all(fd, body->data ? body->data : "", body->len / 2);
        return;
    case SIM_UNSIZED:
        send_head(fd, answer, "");
        (void)send_all(fd, body->data ? body->data : "", body->len);
        return;
    case SIM_ENDLESS:
        send_head(fd, answer, "");
        (void)send_all(fd, body->data ? body->data : "", body->len);
        send_blanks(fd, false);
        return;
    case SIM_CHUNKED:
        send_head(fd, answer, "Transfer-Encoding: chunked\r\n");
        send_blanks(fd, true);
        return;
    case SIM_HUGE:
        send_head(fd, answer, "Content-Length: 4611686018427387904\r\n");
        send_blanks(fd, false);
        return;
    case SIM_TRICKLE:
        send_head(fd, answer, sized);
        trickle(fd, body);
        return;
    case SIM_REDIRECT:
        send_head(fd, answer, "Location: moved\r\nContent-Length: 0\r\n");
        return;
    case SIM_GZIP:
        (void)snprintf(sized, sizeof sized,
                       "Content-Encoding: gzip\r\nContent-Length: %zu\r\n", body->len);
        send_head(fd, answer, sized);
        (void)send_all(fd, body->data ? body->data : "", body->len);
        return;
    }
}

static void serve(struct sim_server *server, int fd)
{
    char path[HEAD_MAX];
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct answer answer = {.status = 404, .body = BUF_INIT(FILE_MAX)};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (read_path(fd, path)) {
        look_up(server, path, &answer);
        send_answer(fd, &answer);
        (void)shutdown(fd, SHUT_WR);
    }
    buf_release(&answer.body);
    (void)close(fd);
}

static void *run(void *user)
{
    struct sim_server *server = user;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        serve(server, fd);
    }
}

void sim_server_start(struct sim_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *server = (struct sim_server){.files = calloc(SIM_FILES, sizeof *server->files)};
    assert_non_null(server->files);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

void sim_server_stop(struct sim_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    (void)close(server->listener);
    for (int i = 0; i < SIM_FILES; i++) {
        buf_release(&server->files[i].data);
    }
    free(server->files);
    pthread_mutex_destroy(&server->lock);
}

void sim_server_put(struct sim_server *server, const char *path, const void *data,
                    size_t len)
{
    pthread_mutex_lock(&server->lock);
    int i = 0;
    while (i < SIM_FILES && server->files[i].path[0] &&
           strcmp(server->files[i].path, path) != 0) {
        i++;
    }
    assert_true(i < SIM_FILES);
    struct sim_file *file = &server->files[i];
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    buf_release(&file->data);
    file->data = BUF_INIT(FILE_MAX);
    buf_add(&file->data, data, len);
    pthread_mutex_unlock(&server->lock);
}

void sim_server_remove(struct sim_server *server, const char *path)
{
    pthread_mutex_lock(&server->lock);
    struct sim_file *file = find(server, path);
    assert_non_null(file);
    (void)snprintf(file->path, sizeof file->path, "removed");
    pthread_mutex_unlock(&server->lock);
}

const struct buf *sim_server_get(struct sim_server *server, const char *path)
{
    pthread_mutex_lock(&server->lock);
    const struct sim_file *file = find(server, path);
    pthread_mutex_unlock(&server->lock);
    return file ? &file->data : NULL;
}

void sim_server_fault(struct sim_server *server, const char *path, enum sim_manner manner,
                      int status)
{
    pthread_mutex_lock(&server->lock);
    int i = 0;
    while (i < SIM_FAULTS - 1 && server->faults[i].path[0]) {
        i++;
    }
    server->faults[i].manner = manner;
    server->faults[i].status = status;
    (void)snprintf(server->faults[i].path, SIM_NAME_BYTES, "%s", path);
    pthread_mutex_unlock(&server->lock);
}

void sim_server_heal(struct sim_server *server)
{
    pthread_mutex_lock(&server->lock);
    memset(server->faults, 0, sizeof server->faults);
    pthread_mutex_unlock(&server->lock);
}

void sim_server_take_log(struct sim_server *server, char ret_log[static SIM_LOG_BYTES])
{
    pthread_mutex_lock(&server->lock);
    (void)snprintf(ret_log, SIM_LOG_BYTES, "%s", server->log);
    server->log[0] = '\0';
    pthread_mutex_unlock(&server->lock);
}
