/* SPDX-License-Identifier: Apache-2.0 */
/* serve: the running server: store, services, workers and listeners, wired together.
 *
 * Opened lowest first and closed in the opposite order: listeners drain first, so that
 * every answer that is promised has gone out before the store closes. */
#ifndef MUSTER_SERVER_SERVE_H
#define MUSTER_SERVER_SERVE_H

#include "base/err.h"
#include "server/config.h"

/* Serves until SIGTERM or SIGINT, then drains and returns OK. Prints "listening on
 * ADDRESS" (and "metrics on ADDRESS" before it) on stdout. Errors of opening anything;
 * the data directory must be initialised. */
enum status serve(const struct config *config, struct err *err) MUST_USE;

#endif
