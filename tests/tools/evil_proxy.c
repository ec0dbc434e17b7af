/* SPDX-License-Identifier: Apache-2.0 */
/* evil_proxy UPSTREAM_PORT RULE_FILE: stands between nodes and a server and lies as it is
 * told.
 *
 * Prints "listening on 127.0.0.1:PORT". Each connection carries one request, which is
 * passed on to 127.0.0.1:UPSTREAM_PORT with "Connection: close". RULE_FILE is read for
 * each request; its first line whose second word occurs in the request's path is applied
 * to the answer:
 *
 *   flip PATH OFFSET    one bit of the body's byte at OFFSET (modulo its length) is
 * turned file PATH FILE      the body is FILE's bytes (status 200) cut PATH LENGTH the
 * body ends after LENGTH bytes though more were promised endless PATH 0      a body
 * without end or length status PATH CODE    an empty answer with this status
 *
 * Without a rule file everything passes. For tests only: it trusts its command line. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

enum {
    HEAD_MAX = 16 * 1024,
    ANSWER_MAX = 64 * 1024 * 1024,
    ENDLESS_BYTES = 256 * 1024 * 1024
};

struct rule {
    char verb[16];
    char path[200];
    char argument[256];
};

static uint16_t upstream_port;
static const char *rule_file;

static void close_socket(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

#define SOCKET_AUTO __attribute__((cleanup(close_socket))) int

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

static bool receive_some(int fd, struct buf *into)
{
    char chunk[16 * 1024];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    if (got <= 0) {
        return false;
    }
    buf_add(into, chunk, (size_t)got);
    return !into->failed;
}

/* The end of the head (behind the empty line), or NULL. */
static const char *head_end(const struct buf *message)
{
    const char *end = message->data ? strstr(message->data, "\r\n\r\n") : NULL;
    return end ? end + 4 : NULL;
}

static size_t content_length(const struct buf *message)
{
    const char *field = strcasestr(message->data, "\r\ncontent-length:");
    return field && field < head_end(message) ? strtoull(field + 17, NULL, 10) : 0;
}

/* Reads a request: head, then as much body as Content-Length says. */
static bool receive_request(int fd, struct buf *request)
{
    while (!head_end(request)) {
        if (request->len > HEAD_MAX || !receive_some(fd, request)) {
            return false;
        }
    }
    size_t whole = (size_t)(head_end(request) - request->data) + content_length(request);
    while (request->len < whole) {
        if (!receive_some(fd, request)) {
            return false;
        }
    }
    return true;
}

/* Passes the request on, without keep-alive, and reads the whole answer. */
static bool ask_upstream(const struct buf *request, struct buf *answer)
{
    SOCKET_AUTO fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(upstream_port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        return false;
    }
    const char *line_end = strstr(request->data, "\r\n") + 2;
    size_t line = (size_t)(line_end - request->data);
    if (!send_all(fd, request->data, line) ||
        !send_all(fd, "Connection: close\r\n", 19) ||
        !send_all(fd, line_end, request->len - line)) {
        return false;
    }
    while (receive_some(fd, answer)) {
    }
    return head_end(answer) != NULL;
}

static bool find_rule(const char *path, struct rule *ret_rule)
{
    BUF_AUTO text = BUF_INIT(HEAD_MAX);
    if (file_read(rule_file, &text, NULL) != OK || text.len == 0) {
        return false;
    }
    char *rest = text.data;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (sscanf(line, "%15s %199s %255s", ret_rule->verb, ret_rule->path,
                   ret_rule->argument) == 3 &&
            strstr(path, ret_rule->path)) {
            return true;
        }
    }
    return false;
}

static void send_body(int fd, const char *body, size_t promised, size_t sent)
{
    BUF_AUTO head = BUF_INIT(HEAD_MAX);
    buf_addf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             promised);
    if (send_all(fd, head.data, head.len)) {
        (void)send_all(fd, body, sent);
    }
}

static void send_endless(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    char spaces[4096];
    memset(spaces, ' ', sizeof spaces);
    bool open = send_all(fd, head, sizeof head - 1);
    for (size_t sent = 0; open && sent < ENDLESS_BYTES; sent += sizeof spaces) {
        open = send_all(fd, spaces, sizeof spaces);
    }
}

static void send_file(int fd, const char *path)
{
    BUF_AUTO content = BUF_INIT(ANSWER_MAX);
    if (file_read(path, &content, NULL) == OK) {
        send_body(fd, content.data, content.len, content.len);
    }
}

static void apply_rule(int fd, const struct rule *rule, struct buf *answer)
{
    char *body = answer->data + (head_end(answer) - answer->data);
    size_t len = answer->len - (size_t)(body - answer->data);
    size_t number = strtoull(rule->argument, NULL, 10);
    if (strcmp(rule->verb, "flip") == 0 && len > 0) {
        body[number % len] = (char)(body[number % len] ^ 1);
        (void)send_all(fd, answer->data, answer->len);
    } else if (strcmp(rule->verb, "file") == 0) {
        send_file(fd, rule->argument);
    } else if (strcmp(rule->verb, "cut") == 0) {
        send_body(fd, body, len, number < len ? number : len);
    } else if (strcmp(rule->verb, "endless") == 0) {
        send_endless(fd);
    } else if (strcmp(rule->verb, "status") == 0) {
        BUF_AUTO head = BUF_INIT(HEAD_MAX);
        buf_addf(&head,
                 "HTTP/1.1 %zu Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                 number);
        (void)send_all(fd, head.data, head.len);
    }
}

static void serve(int fd)
{
    BUF_AUTO request = BUF_INIT(ANSWER_MAX);
    BUF_AUTO answer = BUF_INIT(ANSWER_MAX);
    char path[2048];
    struct rule rule = {0};
    if (!receive_request(fd, &request) || sscanf(request.data, "%*s %2047s", path) != 1 ||
        !ask_upstream(&request, &answer)) {
        return;
    }
    if (find_rule(path, &rule)) {
        apply_rule(fd, &rule, &answer);
    } else {
        (void)send_all(fd, answer.data, answer.len);
    }
}

static void *connection_main(void *argument)
{
    SOCKET_AUTO fd = (int)(intptr_t)argument;
    serve(fd);
    return NULL;
}

static int listen_on_any_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("evil_proxy");
        return -1;
    }
    printf("listening on 127.0.0.1:%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: evil_proxy UPSTREAM_PORT RULE_FILE\n");
        return 2;
    }
    upstream_port = (uint16_t)strtoul(argv[1], NULL, 10);
    rule_file = argv[2];
    (void)signal(SIGPIPE, SIG_IGN);
    SOCKET_AUTO listener = listen_on_any_port();
    while (listener >= 0) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (fd >= 0 &&
            pthread_create(&thread, NULL, connection_main, (void *)(intptr_t)fd) == 0) {
            (void)pthread_detach(thread);
        } else if (fd >= 0) {
            (void)close(fd);
        }
    }
    return 1;
}
