/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor: tells the one who started the program how it is, as sd_notify(3) describes.
 *
 * One datagram a message to the socket that $NOTIFY_SOCKET names: a path, or "@name" in
 * the abstract space. Without one, nothing is sent and nothing fails. The words are
 * systemd's: READY=1, STOPPING=1, WATCHDOG=1, STATUS=text. */
#ifndef MUSTER_SERVER_SUPERVISOR_H
#define MUSTER_SERVER_SUPERVISOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct supervisor {
    int fd; /* -1: there is none */
    struct sockaddr_un address;
    socklen_t address_bytes;
    /* WATCHDOG=1 has to come this often; 0: nobody waits for it. */
    int64_t watchdog_ms;
};

#define SUPERVISOR_AUTO __attribute__((cleanup(supervisor_close))) struct supervisor

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID in the environment. ERR_CONFIG for a
 * name that is none, ERR_IO without a socket; then it tells nobody, and may be used. */
enum status supervisor_open(struct supervisor *supervisor, struct err *err) MUST_USE;
void supervisor_close(struct supervisor *supervisor);

/* Sends one message of NAME=value lines. Does not block; what cannot be sent is lost. */
void supervisor_tell(const struct supervisor *supervisor, const char *message);

#endif
