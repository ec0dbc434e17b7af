/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ERROR_BODY_BYTES = 16 * 1024,
    RECEIVE_BYTES = 16 * 1024, /* curl reads up to 100 of them at once: about 5 ms */
};

enum status http_url_parse(const char *url, char ret_url[static EDGE_PATH_BYTES],
                           struct err *err)
{
    if (!url ||
        (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a url must begin with http:// or https://, found '%.80s'",
                       url ? url : "");
    }
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    if (len >= EDGE_PATH_BYTES) {
        return err_set(err, ERR_INVALID_ARGUMENT, "a url is too long");
    }
    memcpy(ret_url, url, len);
    ret_url[len] = '\0';
    return OK;
}

enum status http_init(struct http *ret_http, const struct edge_env *env, const char *url,
                      struct err *err)
{
    char base_url[EDGE_PATH_BYTES];
    enum status status = http_url_parse(url, base_url, err);
    if (status != OK) {
        return status;
    }
    CURLM *multi =
        curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!multi) {
        return err_set(err, ERR_NO_MEMORY, "could not start libcurl");
    }
    *ret_http = (struct http){.env = env, .multi = multi};
    memcpy(ret_http->base_url, base_url, sizeof base_url);
    return OK;
}

void http_release(struct http *http)
{
    if (http->multi) {
        curl_multi_cleanup(http->multi);
        http->multi = NULL;
    }
}

static size_t collect(struct http_call *call, const char *data, size_t len)
{
    buf_add(&call->body, data, len);
    if (buf_status(&call->body, NULL) != OK) {
        err_set(&call->err, ERR_LIMIT, "the answer is larger than %zu bytes",
                call->body.max);
        return 0;
    }
    return len;
}

static bool is_success(const struct http_call *call)
{
    return call->status == 200 || (call->status == 206 && call->ranged);
}

/* To the sink, unless that wants it later: then curl keeps the bytes and comes again. */
static size_t deliver(struct http_call *call, const char *data, size_t len)
{
    const struct http_order *order = &call->order;
    if (order->hold && order->hold(order->sink_user)) {
        call->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    call->received += len;
    return order->sink(order->sink_user, data, len, &call->err) == OK ? len : 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    struct http_call *call = user;
    size_t len = size * count;
    if (!is_success(call)) {
        return collect(call, data, len);
    }
    if (call->order.sink) {
        return deliver(call, data, len);
    }
    call->received += len;
    if (call->received > call->order.max_bytes) {
        err_set(&call->err, ERR_LIMIT, "the answer is larger than %zu bytes",
                call->order.max_bytes);
        return 0;
    }
    return collect(call, data, len);
}

static const char *header(const struct http_call *call, const char *name)
{
    struct curl_header *found = NULL;
    return curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : "";
}

static void read_answer_head(struct http_call *call)
{
    long status = 0;
    curl_off_t retry_s = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->status = (int)status;
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_s);
    call->retry_after_ms =
        retry_s > 0 && retry_s < 86400 * 365 ? (int64_t)retry_s * 1000 : 0;
    const char *etag = header(call, "ETag");
    if (strlen(etag) < sizeof call->etag) {
        memcpy(call->etag, etag, strlen(etag) + 1);
    }
    content_range_parse(header(call, "Content-Range"), &call->range);
}

/* What came of the head is known before the body; the body of a success may be as large
 * as was ordered. */
static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    struct http_call *call = user;
    if (data[0] == '\r' || data[0] == '\n') {
        read_answer_head(call);
        call->body.max = is_success(call) ? call->order.max_bytes : ERROR_BODY_BYTES;
    }
    return size * count;
}

static bool add_header(struct http_call *call, const char *name, const char *value)
{
    char line[512];
    int len = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *list =
        len > 0 && len < (int)sizeof line ? curl_slist_append(call->headers, line) : NULL;
    if (list) {
        call->headers = list;
    }
    return list != NULL;
}

static bool set_headers(struct http_call *call, const struct http_order *order)
{
    bool ok = add_header(call, "Accept", "application/json, */*");
    if (order->token) {
        char bearer[sizeof call->token + 8];
        snprintf(call->token, sizeof call->token, "%s", order->token);
        snprintf(bearer, sizeof bearer, "Bearer %s", call->token);
        ok = ok && add_header(call, "Authorization", bearer);
    }
    if (order->if_none_match && order->if_none_match[0]) {
        ok = ok && add_header(call, "If-None-Match", order->if_none_match);
    }
    if (order->range) {
        ok = ok && add_header(call, "Range", order->range);
    }
    if (order->if_range) {
        ok = ok && add_header(call, "If-Range", order->if_range);
    }
    if (order->body) {
        ok = ok && add_header(call, "Content-Type", "application/json") &&
             add_header(call, "Expect", "");
    }
    if (order->body_zstd) {
        ok = ok && add_header(call, "Content-Encoding", "zstd");
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return ok;
}

static void set_body(struct http_call *call, const struct http_order *order)
{
    if (order->body) {
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->sent);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)order->body_len);
    }
}

/* A collected answer has a deadline for the whole; that of a sink, whoever takes it. */
static void set_times(struct http_call *call)
{
    const struct edge_env *env = call->http->env;
    int64_t total = env->connect_ms + env->stall_ms;
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)env->connect_ms);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, call->order.sink ? 0L : (long)total);
}

static void set_options(struct http_call *call, const char *url)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "muster-edge/" MUSTER_VERSION);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
}

static bool copy_body(struct http_call *call, const struct http_order *order)
{
    if (!order->body) {
        return true;
    }
    call->sent = malloc(order->body_len + 1);
    if (call->sent) {
        memcpy(call->sent, order->body, order->body_len);
    }
    return call->sent != NULL;
}

static const char *base_url(const struct http_call *call)
{
    return call->order.base_url ? call->order.base_url : call->http->base_url;
}

static enum status call_set_up(struct http_call *call, const struct http_order *order,
                               struct err *err)
{
    char url[EDGE_PATH_BYTES * 2];
    int len = snprintf(url, sizeof url, "%s%s", base_url(call), order->path);
    if (len < 0 || len >= (int)sizeof url) {
        return err_set(err, ERR_LIMIT, "url too long");
    }
    call->easy = curl_easy_init();
    if (!call->easy || !copy_body(call, order) || !set_headers(call, order)) {
        return err_set(err, ERR_NO_MEMORY, "could not prepare a request");
    }
    set_options(call, url);
    set_body(call, order);
    set_times(call);
    return OK;
}

enum status http_call_start(struct http *http, const struct http_order *order,
                            struct http_call **ret_call, struct err *err)
{
    struct http_call *call = calloc(1, sizeof *call);
    if (!call) {
        return err_set(err, ERR_NO_MEMORY, "could not prepare a request");
    }
    call->http = http;
    call->order = *order;
    call->ranged = order->range != NULL;
    call->body = BUF_INIT(ERROR_BODY_BYTES);
    call->asked_ms = env_mono_ms(http->env);
    enum status status = call_set_up(call, order, err);
    if (status == OK && curl_multi_add_handle(http->multi, call->easy) != CURLM_OK) {
        status = err_set(err, ERR_NO_MEMORY, "could not start a request");
    }
    if (status != OK) {
        http_call_free(call);
        return status;
    }
    *ret_call = call;
    return OK;
}

void http_call_free(struct http_call *call)
{
    if (!call) {
        return;
    }
    if (call->easy) {
        curl_multi_remove_handle(call->http->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    curl_slist_free_all(call->headers);
    buf_release(&call->body);
    free(call->sent);
    free(call);
}

static void call_finish(struct http_call *call, CURLcode code)
{
    call->done = true;
    call->received_ms = env_mono_ms(call->http->env);
    read_answer_head(call);
    if (code == CURLE_OK) {
        return;
    }
    if (call->status != 0 && !is_success(call) && call->err.status == ERR_LIMIT) {
        err_clear(&call->err); /* the status says enough; the long text is not needed */
        return;
    }
    err_set(&call->err, ERR_NET, "could not talk to %s: %s", base_url(call),
            call->reason[0] ? call->reason : curl_easy_strerror(code));
}

void http_call_resume(struct http_call *call)
{
    call->held = false;
    CURLcode code = curl_easy_pause(call->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK) { /* the kept bytes were refused */
        curl_multi_remove_handle(call->http->multi, call->easy);
        call_finish(call, code);
    }
}

void http_pump(struct http *http)
{
    int running = 0;
    curl_multi_perform(http->multi, &running);
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct http_call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (message->msg == CURLMSG_DONE && call) {
            call_finish(call, message->data.result);
        }
    }
}

int64_t http_wait_ms(struct http *http)
{
    long wait = -1;
    curl_multi_timeout(http->multi, &wait);
    return wait < 0 ? EDGE_NEVER_MS : wait;
}

void http_wait(struct http *http, int64_t max_ms)
{
    int64_t bounded = max_ms < 0 ? 0 : max_ms > EDGE_NEVER_MS ? EDGE_NEVER_MS : max_ms;
    int ready = 0;
    curl_multi_poll(http->multi, NULL, 0, (int)bounded, &ready);
}

void http_wake(struct http *http)
{
    curl_multi_wakeup(http->multi);
}

enum status http_call_result(const struct http_call *call, struct err *err)
{
    if (call->err.status != OK) {
        return err_set(err, call->err.status, "%s", call->err.detail);
    }
    return OK;
}

static void copy_text(const json_t *object, const char *name, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(ret_text, size, "%s", text ? text : "");
}

void http_problem_parse(const struct http_call *call, struct http_problem *ret_problem)
{
    *ret_problem = (struct http_problem){0};
    json_t *tree = call->body.len > 0 ? json_loadb(call->body.data, call->body.len,
                                                   JSON_REJECT_DUPLICATES, NULL)
                                      : NULL;
    if (json_is_object(tree)) {
        copy_text(tree, "code", ret_problem->code, sizeof ret_problem->code);
        copy_text(tree, "detail", ret_problem->detail, sizeof ret_problem->detail);
        ret_problem->server_ms = json_integer_value(json_object_get(tree, "server_ms"));
    }
    json_decref(tree);
}

enum status http_unexpected(const struct http_call *call, const char *what,
                            struct err *err)
{
    struct http_problem problem;
    http_problem_parse(call, &problem);
    return err_set(err, ERR_NET_STATUS, "%s was answered with %d %s %s", what,
                   call->status, problem.code, problem.detail);
}
