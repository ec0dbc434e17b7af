/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/streams.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/http/exchange.h"

enum { BLOCK_BYTES = 4096 };

/* A published text; shared by the streams that have not sent it all. */
struct text {
    size_t users;
    size_t len;
    char data[];
};

struct stream {
    struct streams *streams;
    struct exchange *exchange;    /* NULL once its request is completed */
    struct stream *before, *next; /* in the list while it has an exchange */
    struct text *sending, *waiting_text;
    size_t sent;    /* bytes of `sending` */
    bool suspended; /* there is nothing to send */
    bool ended;
};

struct streams {
    pthread_mutex_t lock; /* guards all below and every stream */
    struct stream *first;
    size_t count, most;
    bool ended;
};

static void drop(struct text **text)
{
    if (*text && --(*text)->users == 0) {
        free(*text);
    }
    *text = NULL;
}

static struct text *text_new(const char *data, size_t len)
{
    struct text *text = malloc(sizeof *text + len);
    if (text) {
        text->users = 1;
        text->len = len;
        memcpy(text->data, data, len);
    }
    return text;
}

/* ---- with the lock ------------------------------------------------------------------
 */

static void wake(struct stream *stream)
{
    if (stream->suspended) {
        stream->suspended = false;
        MHD_resume_connection(stream->exchange->mhd);
    }
}

static void end(struct stream *stream)
{
    stream->ended = true;
    wake(stream);
}

static void take_out(struct stream *stream)
{
    struct streams *streams = stream->streams;
    if (!stream->exchange) {
        return;
    }
    *(stream->before ? &stream->before->next : &streams->first) = stream->next;
    if (stream->next) {
        stream->next->before = stream->before;
    }
    streams->count--;
    stream->exchange->stream = NULL;
    stream->exchange = NULL;
}

static void start_deadline(const struct stream *stream)
{
    const struct exchange *x = stream->exchange;
    const struct http_limits *limits = &x->http->options.limits;
    int64_t extra_ms = (int64_t)(stream->sending->len * 1000 / limits->min_bytes_per_s);
    deadline_set(x->connection->deadline, DEADLINE_SEND,
                 clock_mono_ms() + limits->send_timeout_ms + extra_ms);
}

/* Nothing to send: the connection sleeps until there is. */
static ssize_t sleep_on(struct stream *stream)
{
    struct exchange *x = stream->exchange;
    stream->suspended = true;
    x->suspended = true;
    (void)atomic_fetch_add(&x->http->suspended, 1);
    deadline_set(x->connection->deadline, DEADLINE_NONE, INT64_MAX);
    MHD_suspend_connection(x->mhd);
    return 0;
}

static ssize_t read_on(struct stream *stream, char *data, size_t max)
{
    exchange_note_resumed(stream->exchange);
    if (stream->ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (!stream->sending && stream->waiting_text) {
        stream->sending = stream->waiting_text;
        stream->waiting_text = NULL;
        stream->sent = 0;
    }
    if (!stream->sending) {
        return sleep_on(stream);
    }
    if (stream->sent == 0) {
        start_deadline(stream);
    }
    size_t rest = stream->sending->len - stream->sent;
    size_t part = rest < max ? rest : max;
    memcpy(data, stream->sending->data + stream->sent, part);
    stream->sent += part;
    stream->exchange->sent_bytes += part;
    if (part == rest) {
        drop(&stream->sending);
    }
    return (ssize_t)part;
}

/* ---- libmicrohttpd's callbacks ------------------------------------------------------
 */

static ssize_t read_stream(void *context, uint64_t position, char *data, size_t max)
{
    struct stream *stream = context;
    (void)position;
    (void)pthread_mutex_lock(&stream->streams->lock);
    ssize_t got = read_on(stream, data, max);
    (void)pthread_mutex_unlock(&stream->streams->lock);
    return got;
}

static void free_stream(void *context)
{
    struct stream *stream = context;
    struct streams *streams = stream->streams;
    (void)pthread_mutex_lock(&streams->lock);
    take_out(stream);
    drop(&stream->sending);
    drop(&stream->waiting_text);
    (void)pthread_mutex_unlock(&streams->lock);
    free(stream);
}

/* ---- for the folder -----------------------------------------------------------------
 */

struct streams *streams_new(unsigned most)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (streams) {
        streams->most = most;
        (void)pthread_mutex_init(&streams->lock, NULL);
    }
    return streams;
}

void streams_free(struct streams *streams)
{
    if (streams) {
        (void)pthread_mutex_destroy(&streams->lock);
        free(streams);
    }
}

static bool put_in(struct streams *streams, struct stream *stream, struct exchange *x)
{
    (void)pthread_mutex_lock(&streams->lock);
    bool fits = !streams->ended && streams->count < streams->most;
    if (fits) {
        stream->exchange = x;
        stream->next = streams->first;
        if (streams->first) {
            streams->first->before = stream;
        }
        streams->first = stream;
        streams->count++;
        x->stream = stream;
    }
    (void)pthread_mutex_unlock(&streams->lock);
    return fits;
}

struct MHD_Response *stream_open(struct streams *streams, struct exchange *exchange)
{
    struct stream *stream = calloc(1, sizeof *stream);
    struct text *text = text_new(exchange->response.body, exchange->response.body_len);
    if (!stream || !text) {
        free(stream);
        free(text);
        return NULL;
    }
    stream->streams = streams;
    stream->sending = text;
    if (!put_in(streams, stream, exchange)) {
        free(stream);
        free(text);
        return NULL;
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream, free_stream);
    if (!response) {
        free_stream(stream);
    }
    return response;
}

void stream_close(struct stream *stream)
{
    if (stream) {
        struct streams *streams = stream->streams;
        (void)pthread_mutex_lock(&streams->lock);
        take_out(stream);
        (void)pthread_mutex_unlock(&streams->lock);
    }
}

void streams_publish(struct streams *streams, const char *text, size_t len)
{
    struct text *shared = text_new(text, len);
    (void)pthread_mutex_lock(&streams->lock);
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        drop(&stream->waiting_text);
        if (!shared) {
            end(stream);
            continue;
        }
        shared->users++;
        stream->waiting_text = shared;
        wake(stream);
    }
    drop(&shared);
    (void)pthread_mutex_unlock(&streams->lock);
}

void streams_check(struct streams *streams,
                   bool (*is_good)(void *context, int64_t principal_id), void *context)
{
    (void)pthread_mutex_lock(&streams->lock);
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        if (!is_good(context, stream->exchange->request.principal.id)) {
            end(stream);
        }
    }
    (void)pthread_mutex_unlock(&streams->lock);
}

void streams_end(struct streams *streams)
{
    (void)pthread_mutex_lock(&streams->lock);
    streams->ended = true;
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        end(stream);
    }
    (void)pthread_mutex_unlock(&streams->lock);
}

size_t streams_count(struct streams *streams)
{
    (void)pthread_mutex_lock(&streams->lock);
    size_t count = streams->count;
    (void)pthread_mutex_unlock(&streams->lock);
    return count;
}
