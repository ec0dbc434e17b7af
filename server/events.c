/* SPDX-License-Identifier: Apache-2.0 */
#include "server/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/api/fleet.h"
#include "server/http/http.h"
#include "server/service/service.h"
#include "server/service/ticker.h"
#include "server/service/tokens.h"

enum {
    LOOK_MS = 1000,
    SILENCE_MS = 14000,
    EVENT_BYTES_MAX = 1024 * 1024,
    ARENA_BYTES_MAX = 8 * 1024 * 1024,
};

struct events {
    struct http *http;
    struct service *service;
    struct ticker *ticker;
    struct buf told; /* the event that was sent last; empty: none yet */
    int64_t sent_ms; /* monotonic: when anything was */
};

static bool is_good(void *context, int64_t token_id)
{
    const struct service *service = context;
    return tokens_good(service->tokens, token_id, clock_wall_ms());
}

/* What follows the time, which always differs. */
static const char *state_of(const struct buf *event)
{
    const char *comma = event->len > 0 ? strchr(event->data, ',') : NULL;
    return comma ? comma : "";
}

static void send_text(struct events *events, const char *text, size_t len)
{
    http_publish(events->http, text, len);
    events->sent_ms = clock_mono_ms();
}

static void tell(struct events *events)
{
    struct err err = {0};
    ARENA_AUTO arena = {.max = ARENA_BYTES_MAX};
    BUF_AUTO event = BUF_INIT(EVENT_BYTES_MAX);
    if (fleet_event(events->service, &arena, &event, &err) != OK) {
        log_event(LOG_LEVEL_WARNING, "event_not_made", log_text("detail", err.detail));
        return;
    }
    if (strcmp(state_of(&event), state_of(&events->told)) != 0) {
        send_text(events, event.data, event.len);
        buf_reset(&events->told);
        buf_add(&events->told, event.data, event.len);
    } else if (clock_mono_ms() - events->sent_ms >= SILENCE_MS) {
        send_text(events, ":\n\n", 3);
    }
}

static void look(void *context)
{
    struct events *events = context;
    if (http_streams(events->http) == 0) {
        buf_reset(&events->told);
        return;
    }
    http_streams_check(events->http, is_good, events->service);
    tell(events);
}

enum status events_start(struct http *http, struct service *service,
                         struct events **ret_events, struct err *err)
{
    struct events *events = calloc(1, sizeof *events);
    if (!events) {
        return err_set(err, ERR_NO_MEMORY, "no memory for events");
    }
    *events = (struct events){
        .http = http, .service = service, .told = BUF_INIT(EVENT_BYTES_MAX)};
    enum status status = ticker_start(LOOK_MS, look, events, &events->ticker, err);
    if (status != OK) {
        events_stop(events);
        return status;
    }
    *ret_events = events;
    return OK;
}

void events_stop(struct events *events)
{
    if (events) {
        ticker_stop(events->ticker);
        buf_release(&events->told);
        free(events);
    }
}
