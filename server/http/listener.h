/* SPDX-License-Identifier: Apache-2.0 */
/* listener: the listening socket. */
#ifndef MUSTER_SERVER_HTTP_LISTENER_H
#define MUSTER_SERVER_HTTP_LISTENER_H

#include <stddef.h>

#include "base/err.h"

/* Binds "ADDRESS:PORT" ("127.0.0.1:0", "[::1]:8080", ":8080" for all addresses) and
 * listens, not blocking; or takes over the listening TCP socket N that the program was
 * started with, for "fd:N". Writes the bound address as ADDRESS:PORT. ERR_CONFIG for a
 * malformed or unknown address, ERR_IO when it cannot be bound. The caller closes it. */
enum status listener_open(const char *listen, int *ret_fd, char *ret_address,
                          size_t address_size, struct err *err) MUST_USE;

#endif
