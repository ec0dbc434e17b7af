/* SPDX-License-Identifier: Apache-2.0 */
/* connection: what happens when libmicrohttpd accepts and closes a socket.
 *
 * An admitted connection gets a `struct connection` (peers count, deadline for its first
 * head). One beyond a limit gets a canned 503 and is shut down at once, never a hang. */
#ifndef MUSTER_SERVER_HTTP_CONNECTION_H
#define MUSTER_SERVER_HTTP_CONNECTION_H

#include <microhttpd.h>

#include "server/http/daemon.h"

/* The MHD_NotifyConnectionCallback; `context` is the `struct http`. */
void connection_notify(void *context, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);

/* Our record of a connection, NULL if it was refused. */
struct connection *connection_of(struct MHD_Connection *mhd);

#endif
