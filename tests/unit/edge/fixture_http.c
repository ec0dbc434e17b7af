/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/fixture_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { BODY_MAX = 8 * 1024 * 1024, HEAD_MAX = 16 * 1024, STALL_WAITS = 30 };

static void copy_header(const char *head, const char *name, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    const char *line = strcasestr(head, name);
    if (!line) {
        return;
    }
    line += strlen(name);
    size_t len = strcspn(line, "\r\n");
    snprintf(ret_text, size, "%.*s", (int)len, line);
}

/* Reads until `needed` bytes are there; false when the peer hung up. */
static bool read_until(int fd, struct buf *data, size_t needed)
{
    char chunk[16384];
    while (data->len < needed) {
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0) {
            return false;
        }
        buf_add(data, chunk, (size_t)got);
    }
    return true;
}

static bool read_request(int fd, struct fixture_request *request)
{
    BUF_AUTO data = BUF_INIT(BODY_MAX);
    char *end = NULL;
    while (!end) {
        if (!read_until(fd, &data, data.len + 1) || data.len > HEAD_MAX + BODY_MAX) {
            return false;
        }
        end = strstr(data.data, "\r\n\r\n");
    }
    size_t head = (size_t)(end - data.data) + 4;
    char text[HEAD_MAX], length[32], encoding[32];
    snprintf(text, sizeof text, "%.*s", (int)head, data.data);
    if (sscanf(text, "%15s %511s", request->method, request->path) != 2) {
        return false;
    }
    copy_header(text, "\r\nContent-Length: ", length, sizeof length);
    copy_header(text, "\r\nContent-Encoding: ", encoding, sizeof encoding);
    copy_header(text, "\r\nAuthorization: Bearer ", request->token,
                sizeof request->token);
    copy_header(text, "\r\nRange: ", request->range, sizeof request->range);
    copy_header(text, "\r\nIf-Range: ", request->if_range, sizeof request->if_range);
    copy_header(text, "\r\nIf-None-Match: ", request->if_none_match,
                sizeof request->if_none_match);
    request->zstd = strcmp(encoding, "zstd") == 0;
    size_t body = (size_t)strtoul(length, NULL, 10);
    if (!read_until(fd, &data, head + body)) {
        return false;
    }
    request->body = BUF_INIT(BODY_MAX);
    buf_add(&request->body, data.data + head, body);
    return true;
}

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

/* Until the client hangs up, however long it is patient: each wait is cut off by the
 * socket's own limit. */
static void wait_for_the_end(int fd)
{
    char nothing;
    for (int i = 0; i < STALL_WAITS; i++) {
        ssize_t got = recv(fd, &nothing, 1, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
            return;
        }
    }
}

/* 50 bytes a second at most. */
static void trickle(int fd, const struct buf *body)
{
    struct pollfd client = {.fd = fd, .events = POLLIN};
    bool going = true;
    for (size_t i = 0; going && i + 1 < body->len; i++) {
        going = poll(&client, 1, 20) == 0 && send_all(fd, body->data + i, 1);
    }
    if (going) {
        wait_for_the_end(fd);
    }
}

static void send_answer(int fd, const struct fixture_answer *answer)
{
    char head[1024], length[64] = "";
    if (answer->manner == ANSWER_NONE) {
        return;
    }
    if (answer->manner != ANSWER_ENDLESS) {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", answer->body.len);
    }
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %d Fixture\r\n%s%sConnection: close\r\n\r\n",
                       answer->status, length, answer->headers);
    bool going = send_all(fd, head, (size_t)len);
    if (answer->manner == ANSWER_TRICKLE && going) {
        trickle(fd, &answer->body);
        return;
    }
    bool broken = answer->manner == ANSWER_CUT || answer->manner == ANSWER_STALL;
    size_t part =
        broken ? (answer->part ? answer->part : answer->body.len / 2) : answer->body.len;
    part = part < answer->body.len ? part : answer->body.len;
    do {
        going = going && send_all(fd, answer->body.data ? answer->body.data : "", part);
    } while (going && answer->manner == ANSWER_ENDLESS && part > 0);
    if (answer->manner == ANSWER_STALL) {
        wait_for_the_end(fd);
    }
}

struct connection {
    struct fixture_http *http;
    int fd;
};

static void *serve(void *user)
{
    struct connection *connection = user;
    struct fixture_http *http = connection->http;
    int fd = connection->fd;
    free(connection);
    struct fixture_request request = {0};
    struct fixture_answer answer = {.status = 200, .body = BUF_INIT(BODY_MAX)};
    if (read_request(fd, &request)) {
        http->handler(http->user, &request, &answer);
        send_answer(fd, &answer);
    }
    shutdown(fd, SHUT_WR);
    buf_release(&request.body);
    buf_release(&answer.body);
    close(fd);
    pthread_mutex_lock(&http->lock);
    http->connections--;
    pthread_cond_signal(&http->idle);
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

static void begin_serving(struct fixture_http *http, int fd)
{
    pthread_t thread;
    struct connection *connection = malloc(sizeof *connection);
    assert_non_null(connection);
    *connection = (struct connection){.http = http, .fd = fd};
    pthread_mutex_lock(&http->lock);
    http->connections++;
    pthread_mutex_unlock(&http->lock);
    assert_int_equal(pthread_create(&thread, NULL, serve, connection), 0);
    pthread_detach(thread);
}

static void *run(void *user)
{
    struct fixture_http *http = user;
    for (;;) {
        int fd = accept(http->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        struct timeval patience = {.tv_sec = 2};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        begin_serving(http, fd);
    }
}

void fixture_http_start(struct fixture_http *http, fixture_handler *handler, void *user)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *http = (struct fixture_http){.handler = handler, .user = user};
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->idle, NULL);
    http->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(http->listener >= 0);
    assert_int_equal(bind(http->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(http->listener, 64), 0);
    assert_int_equal(getsockname(http->listener, (struct sockaddr *)&address, &len), 0);
    http->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&http->thread, NULL, run, http), 0);
}

void fixture_http_stop(struct fixture_http *http)
{
    shutdown(http->listener, SHUT_RDWR);
    pthread_join(http->thread, NULL);
    close(http->listener);
    pthread_mutex_lock(&http->lock);
    while (http->connections > 0) {
        pthread_cond_wait(&http->idle, &http->lock);
    }
    pthread_mutex_unlock(&http->lock);
    pthread_cond_destroy(&http->idle);
    pthread_mutex_destroy(&http->lock);
}
