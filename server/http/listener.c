/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, HOST_BYTES = 256 };

static enum status split(const char *text, char ret_host[static HOST_BYTES],
                         const char **ret_port, struct err *err)
{
    const char *colon = strrchr(text, ':');
    bool is_bracketed = text[0] == '[';
    const char *end = is_bracketed ? strchr(text, ']') : colon;
    size_t skipped = is_bracketed ? 1 : 0;
    if (!colon || !end || (is_bracketed && end + 1 != colon) || colon[1] == '\0' ||
        (size_t)(end - text) - skipped >= HOST_BYTES) {
        return err_set(err, ERR_CONFIG, "not an address of the form HOST:PORT: '%.80s'",
                       text);
    }
    /* getaddrinfo takes 99999 for a port and cuts it to 16 bits. */
    if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5 ||
        strtol(colon + 1, NULL, 10) > UINT16_MAX) {
        return err_set(err, ERR_CONFIG, "not a port from 0 to %d: '%.80s'", UINT16_MAX,
                       text);
    }
    size_t len = (size_t)(end - text) - skipped;
    memcpy(ret_host, text + skipped, len);
    ret_host[len] = '\0';
    *ret_port = colon + 1;
    return OK;
}

static enum status bind_to(const struct addrinfo *info, const char *listen_text,
                           int *ret_fd, struct err *err)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set_errno(err, "cannot make a socket");
    }
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        enum status status = err_set_errno(err, "cannot listen on '%s'", listen_text);
        (void)close(fd);
        return status;
    }
    *ret_fd = fd;
    return OK;
}

static void format_bound(int fd, char *ret_address, size_t address_size)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    char host[64] = "?";
    char port[8] = "0";
    (void)getsockname(fd, (struct sockaddr *)&bound, &len);
    (void)getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port,
                      sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(ret_address, address_size,
                   bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* "fd:3": the socket that whoever started the program left open for it. */
static enum status take_inherited(const char *text, int *ret_fd, struct err *err)
{
    int fd = -1;
    int listens = 0;
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof listens, bound_len = sizeof bound;
    if (strspn(text + 3, "0123456789") == strlen(text + 3) && strlen(text + 3) < 5) {
        fd = (int)strtol(text + 3, NULL, 10);
    }
    if (fd < 3 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 ||
        !listens || getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0 ||
        (bound.ss_family != AF_INET && bound.ss_family != AF_INET6)) {
        return err_set(err, ERR_CONFIG, "not a listening TCP socket: '%.80s'", text);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        return err_set_errno(err, "cannot set up '%.80s'", text);
    }
    *ret_fd = fd;
    return OK;
}

static enum status bind_named(const char *listen, int *ret_fd, struct err *err)
{
    char host[HOST_BYTES];
    const char *port = NULL;
    enum status status = split(listen, host, &port, err);
    if (status != OK) {
        return status;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (failure != 0) {
        return err_set(err, ERR_CONFIG, "cannot listen on '%.80s': %s", listen,
                       gai_strerror(failure));
    }
    status = bind_to(found, listen, ret_fd, err);
    freeaddrinfo(found);
    return status;
}

enum status listener_open(const char *listen, int *ret_fd, char *ret_address,
                          size_t address_size, struct err *err)
{
    enum status status = strncmp(listen, "fd:", 3) == 0
                             ? take_inherited(listen, ret_fd, err)
                             : bind_named(listen, ret_fd, err);
    if (status == OK) {
        format_bound(*ret_fd, ret_address, address_size);
    }
    return status;
}
