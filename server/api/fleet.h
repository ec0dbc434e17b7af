/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: the text of GET /v1/fleet, which events carry too. */
#ifndef MUSTER_SERVER_API_FLEET_H
#define MUSTER_SERVER_API_FLEET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct service;

/* Appends the document, one line, with "server_ms" first. */
enum status fleet_text(const struct service *service, struct arena *arena,
                       struct buf *ret_json, struct err *err) MUST_USE;

/* Appends it as an event of GET /v1/events. */
enum status fleet_event(const struct service *service, struct arena *arena,
                        struct buf *ret_event, struct err *err) MUST_USE;

#endif
