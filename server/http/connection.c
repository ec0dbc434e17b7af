/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { BUSY_RETRY_S = 5 };

static const char busy_body[] =
    "{\"type\":\"urn:muster:error:http.too_many_connections\","
    "\"title\":\"the connection limit is reached\",\"status\":503,"
    "\"code\":\"http.too_many_connections\",\"detail\":\"try again later\"}\n";

static int socket_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Retry-After between 1x and 2x of BUSY_RETRY_S, in turn. */
static void refuse(struct http *http, int fd)
{
    char text[512];
    uint64_t refused = atomic_fetch_add(&http->refused_connections, 1);
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 503 Service Unavailable\r\n"
                 "Content-Type: application/problem+json\r\n"
                 "Content-Length: %zu\r\nRetry-After: %u\r\n"
                 "Connection: close\r\n\r\n%s",
                 sizeof busy_body - 1,
                 BUSY_RETRY_S + (unsigned)(refused % (BUSY_RETRY_S + 1)), busy_body);
    (void)send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_RDWR);
}

static struct connection *admit(struct http *http, const struct sockaddr *address, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        return NULL;
    }
    connection->peer = peers_enter(http->peers, address);
    connection->deadline = connection->peer ? deadlines_add(http->deadlines, fd) : NULL;
    if (!connection->deadline) {
        peers_leave(http->peers, connection->peer);
        free(connection);
        return NULL;
    }
    peer_format(address, connection->client);
    return connection;
}

static void start(struct http *http, struct MHD_Connection *mhd, void **socket_context)
{
    int fd = socket_of(mhd);
    const struct sockaddr *address =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    struct connection *connection =
        atomic_load(&http->draining) ? NULL : admit(http, address, fd);
    *socket_context = connection;
    if (!connection) {
        refuse(http, fd);
        return;
    }
    deadline_set(connection->deadline, DEADLINE_HEAD,
                 clock_mono_ms() + http->options.limits.head_timeout_ms);
}

void connection_notify(void *context, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        start(http, mhd, socket_context);
        return;
    }
    struct connection *connection = *socket_context;
    *socket_context = NULL;
    if (connection) {
        deadlines_remove(http->deadlines, connection->deadline);
        peers_leave(http->peers, connection->peer);
        free(connection);
    }
}

struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}
