/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests to the one server, through curl_multi, never blocking.
 *
 * Only http and https, no redirects, no content decoding; what arrives is bounded while
 * it arrives; a transfer that stalls ends. A call is started, pumped until `done`, read
 * and freed. Not thread-safe but for http_wake. */
#ifndef MUSTER_EDGE_HTTP_H
#define MUSTER_EDGE_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/content_range.h"
#include "edge/env.h"

struct http {
    const struct edge_env *env;
    CURLM *multi; /* owned */
    char base_url[EDGE_PATH_BYTES];
};

/* Takes the next bytes of a 200 or 206 answer and bounds them; an error ends the transfer
 * with that error. */
typedef enum status http_sink(void *user, const void *data, size_t len, struct err *err);

/* Whether the next bytes shall wait until http_call_resume; asked before each of them. */
typedef bool http_hold(void *user);

/* What to ask. Everything but `path` may be zero; `body` is copied. */
struct http_order {
    const char *base_url;      /* outlives the call; NULL: the server */
    const char *path;          /* "/v1/reports" */
    const char *token;         /* Bearer */
    const char *if_none_match; /* an ETag */
    const char *range;         /* "bytes=100-199" */
    const char *if_range;      /* an ETag, with range */
    const void *body;          /* not NULL: POST of JSON */
    size_t body_len;
    bool body_zstd;   /* the body is zstd-compressed */
    size_t max_bytes; /* of a 200 answer without a sink */
    http_sink *sink;  /* else the answer is collected in `body` of the call. With a sink
                         there is no deadline for the whole: its user watches it */
    http_hold *hold;  /* with a sink; NULL: never */
    void *sink_user;  /* of both; outlives the call */
};

struct http_call {
    struct http *http;
    CURL *easy;                 /* owned */
    struct curl_slist *headers; /* owned */
    struct http_order order;    /* without what is only borrowed for the start */
    char token[256];            /* that it carries; "" without one */
    char *sent;                 /* owned copy of the body */
    bool done;
    bool ranged;                   /* a range was asked for */
    bool held;                     /* until http_call_resume */
    int status;                    /* HTTP status once its head came, 0: none came */
    struct content_range range;    /* of a 206 answer */
    struct err err;                /* why it failed, when http_call_result is not OK */
    struct buf body;               /* of the answer, without a sink */
    uint64_t received;             /* bytes of a 200 or 206 answer */
    int64_t retry_after_ms;        /* 0: not said */
    int64_t asked_ms, received_ms; /* monotonic */
    char etag[160];                /* "" without */
    char reason[CURL_ERROR_SIZE];
};

/* Checks that `url` is http:// or https:// and copies it without a slash at its end.
 * ERR_INVALID_ARGUMENT. */
enum status http_url_parse(const char *url, char ret_url[static EDGE_PATH_BYTES],
                           struct err *err) MUST_USE;

/* `url` must be http:// or https://; ERR_INVALID_ARGUMENT otherwise. */
enum status http_init(struct http *ret_http, const struct edge_env *env, const char *url,
                      struct err *err) MUST_USE;

/* Frees it; every call must be freed before. */
void http_release(struct http *http);

/* Starts a request; http_call_free ends it at any time. ERR_NO_MEMORY. */
enum status http_call_start(struct http *http, const struct http_order *order,
                            struct http_call **ret_call, struct err *err) MUST_USE;

/* Frees it, ending the transfer if need be. NULL allowed. */
void http_call_free(struct http_call *call);

/* Lets a held transfer go on. */
void http_call_resume(struct http_call *call);

/* Moves every transfer as far as it goes without waiting. */
void http_pump(struct http *http);

/* When curl wants to be pumped again at the latest, in ms. */
int64_t http_wait_ms(struct http *http);

/* Waits for the network or `max_ms` or http_wake. */
void http_wait(struct http *http, int64_t max_ms);
void http_wake(struct http *http);

/* Of a call that is done: OK when a whole answer of any status came; ERR_NET when none
 * did or it broke off; ERR_LIMIT when it was too large; what the sink said. */
enum status http_call_result(const struct http_call *call, struct err *err) MUST_USE;

/* A problem answer (RFC 9457): its `code` ("" without one) and detail, and `server_ms` (0
 * without). */
struct http_problem {
    char code[48];
    char detail[160];
    int64_t server_ms;
};
void http_problem_parse(const struct http_call *call, struct http_problem *ret_problem);

/* ERR_NET_STATUS naming what was asked for and what was answered. */
enum status http_unexpected(const struct http_call *call, const char *what,
                            struct err *err) MUST_USE;

#endif
