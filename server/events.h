/* SPDX-License-Identifier: Apache-2.0 */
/* events: what everybody who follows GET /v1/events is told.
 *
 * A thread that looks once a second while anybody follows: sends the fleet's state when
 * it changed, a comment when nothing did for long, and ends the streams of tokens that
 * are no longer good. */
#ifndef MUSTER_SERVER_EVENTS_H
#define MUSTER_SERVER_EVENTS_H

#include "base/err.h"

struct events;
struct http;
struct service;

/* Both must outlive it. */
enum status events_start(struct http *http, struct service *service,
                         struct events **ret_events, struct err *err) MUST_USE;

/* Ends the thread; streams stay open. NULL is allowed. */
void events_stop(struct events *events);

#endif
