/* SPDX-License-Identifier: Apache-2.0 */
/* streams: answers that do not end: events for whoever reads (docs/PROTOCOL.md).
 *
 * Private to server/http. A stream has at most two texts: the one that is being sent and
 * the newest that waits, so that a slow reader costs a bounded amount and gets the newest
 * state. While there is nothing to send its connection is suspended and has no deadline;
 * sending a text has the deadline of an answer of that length.
 *
 *   event thread: opens it, reads from it, closes it (completion of the request)
 *   any thread:   streams_publish, streams_check, streams_end
 *
 * One lock guards all of them; it may be held while a connection is suspended or resumed,
 * which takes the library's own lock, never the other way round. */
#ifndef MUSTER_SERVER_HTTP_STREAMS_H
#define MUSTER_SERVER_HTTP_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Response;
struct exchange;
struct stream;
struct streams;

/* At most `most` at once. NULL without memory. */
struct streams *streams_new(unsigned most);

/* All must be closed. NULL is allowed. */
void streams_free(struct streams *streams);

/* A response whose first text is the exchange's body; NULL when there are as many as may
 * be, when streams were ended, or without memory. */
struct MHD_Response *stream_open(struct streams *streams, struct exchange *exchange);

/* The request is completed: the exchange goes. NULL is allowed. */
void stream_close(struct stream *stream);

/* The next text of every stream. Copied; one that has no memory for it ends. */
void streams_publish(struct streams *streams, const char *text, size_t len);

/* Ends the streams of principals that `is_good` does not find good. */
void streams_check(struct streams *streams,
                   bool (*is_good)(void *context, int64_t principal_id), void *context);

/* Ends all of them, and lets no new ones begin. */
void streams_end(struct streams *streams);

size_t streams_count(struct streams *streams);

#endif
