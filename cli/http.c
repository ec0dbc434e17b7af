/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum {
    ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    URL_BYTES_MAX = 8192,
    TOKEN_FILE_BYTES_MAX = 4096,
    CONNECT_TIMEOUT_S = 10,
    STALL_TIMEOUT_S = 60,
    STATUS_FIRST_ERROR = 300,
};

/* One request: what goes out. */
struct http_request {
    const char *method;
    const char *path;
    const char *content_type; /* NULL: no body */
    const void *body;
    size_t body_len;
};

static void free_curl(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

static void free_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

void http_json_free(json_t **json)
{
    json_decref(*json);
}

void http_add_escaped(struct buf *path, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~";
    for (const char *p = text; *p; p++) {
        if (strchr(plain, *p)) {
            buf_addc(path, *p);
        } else {
            buf_addf(path, "%%%02X", (unsigned char)*p);
        }
    }
}

void http_add_query(struct buf *path, const char *name, const char *value)
{
    if (value) {
        buf_addc(path, path->data && strchr(path->data, '?') ? '&' : '?');
        buf_addstr(path, name);
        buf_addc(path, '=');
        http_add_escaped(path, value);
    }
}

static size_t take_bytes(char *data, size_t size, size_t count, void *to)
{
    struct buf *body = to;
    buf_add(body, data, size * count);
    return body->failed ? 0 : size * count;
}

/* The bearer token, appended to `ret_token`; nothing when none is given. */
static enum status add_token(const struct connection *connection, struct buf *ret_token,
                             struct err *err)
{
    const char *token = connection->token;
    if (!token && connection->token_file) {
        enum status status = file_read(connection->token_file, ret_token, err);
        if (status == OK && ret_token->len > 0) {
            ret_token->len = strcspn(ret_token->data, " \t\r\n");
            ret_token->data[ret_token->len] = '\0';
        }
        return status;
    }
    if (!token) {
        token = getenv("MUSTER_TOKEN");
    }
    buf_addstr(ret_token, token ? token : "");
    if (ret_token->len > 0 && strpbrk(ret_token->data, "\r\n")) {
        return err_set(err, ERR_USAGE, "the token has a line break");
    }
    return buf_status(ret_token, err);
}

static enum status make_headers(const struct connection *connection,
                                const char *content_type, struct curl_slist **ret_headers,
                                struct err *err)
{
    BUF_AUTO token = BUF_INIT(TOKEN_FILE_BYTES_MAX);
    enum status status = add_token(connection, &token, err);
    if (status != OK) {
        return status;
    }
    BUF_AUTO line = BUF_INIT(TOKEN_FILE_BYTES_MAX + 64);
    if (token.len > 0) {
        buf_addf(&line, "Authorization: Bearer %s", token.data);
        *ret_headers = curl_slist_append(*ret_headers, line.data);
    }
    if (content_type) {
        buf_reset(&line);
        buf_addf(&line, "Content-Type: %s", content_type);
        *ret_headers = curl_slist_append(*ret_headers, line.data);
    }
    /* A body over 1 MiB would wait a second for "100 Continue". */
    *ret_headers = curl_slist_append(*ret_headers, "Expect:");
    return *ret_headers ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a request");
}

static enum status make_url(const struct connection *connection, const char *path,
                            struct buf *ret_url, struct err *err)
{
    const char *server = connection->server;
    if (!server) {
        server = getenv("MUSTER_SERVER");
    }
    if (!server || *server == '\0') {
        return err_set(err, ERR_USAGE,
                       "no server: give --server URL or set MUSTER_SERVER");
    }
    size_t len = strlen(server);
    while (len > 0 && server[len - 1] == '/') {
        len--;
    }
    if (!strstr(server, "://")) {
        buf_addstr(ret_url, "http://");
    }
    buf_add(ret_url, server, len);
    buf_addstr(ret_url, path);
    return buf_status(ret_url, err);
}

static void set_options(CURL *curl, const struct http_request *request, const char *url,
                        const struct curl_slist *headers, struct buf *answer)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "muster/" MUSTER_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_TIMEOUT_S);
    if (request->content_type) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->body_len);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Turns an error answer into ERR_NET_STATUS with the problem's code and detail. */
static enum status set_refusal(long http_status, const struct buf *answer,
                               struct err *err)
{
    HTTP_JSON_AUTO *problem =
        answer->data ? json_loadb(answer->data, answer->len, 0, NULL) : NULL;
    const char *code = json_string_value(json_object_get(problem, "code"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (!detail) {
        detail = json_string_value(json_object_get(problem, "title"));
    }
    const json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
    const char *pointer = json_string_value(json_object_get(first, "pointer"));
    enum status status =
        err_set(err, ERR_NET_STATUS, "the server answered %ld %s%s%s%s%s%s", http_status,
                code ? code : "", detail ? ": " : "", detail ? detail : "",
                pointer ? " at " : "", pointer ? pointer : "",
                http_status == 401 ? "; give --token-file or set MUSTER_TOKEN" : "");
    err_set_pointer(err, "%s", pointer ? pointer : "");
    return status;
}

static enum status perform(CURL *curl, const struct buf *answer, const char *url,
                           struct err *err)
{
    CURLcode code = curl_easy_perform(curl);
    if (answer->failed) {
        return err_set(err, ERR_LIMIT, "the answer is larger than %d bytes",
                       ANSWER_BYTES_MAX);
    }
    if (code != CURLE_OK) {
        return err_set(
            err, ERR_NET, "could not reach '%s': %s%s", url, curl_easy_strerror(code),
            code == CURLE_COULDNT_CONNECT ? "; is musterd running there?" : "");
    }
    long http_status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    return http_status < STATUS_FIRST_ERROR ? OK : set_refusal(http_status, answer, err);
}

/* Sends the request and appends a 2xx answer's body. */
static enum status http_send(const struct connection *connection,
                             const struct http_request *request, struct buf *ret_answer,
                             struct err *err)
{
    BUF_AUTO url = BUF_INIT(URL_BYTES_MAX);
    enum status status = make_url(connection, request->path, &url, err);
    if (status != OK) {
        return status;
    }
    __attribute__((cleanup(free_headers))) struct curl_slist *headers = NULL;
    status = make_headers(connection, request->content_type, &headers, err);
    if (status != OK) {
        return status;
    }
    __attribute__((cleanup(free_curl))) CURL *curl = curl_easy_init();
    if (!curl) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a request");
    }
    set_options(curl, request, url.data, headers, ret_answer);
    return perform(curl, ret_answer, url.data, err);
}

enum status http_json(const struct connection *connection, const char *method,
                      const char *path, const json_t *body, json_t **ret_answer,
                      struct err *err)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct http_request request = {
        .method = method,
        .path = path,
        .content_type = text ? "application/json" : NULL,
        .body = text,
        .body_len = text ? strlen(text) : 0,
    };
    BUF_AUTO answer = BUF_INIT(ANSWER_BYTES_MAX);
    enum status status = http_send(connection, &request, &answer, err);
    free(text);
    if (status != OK) {
        return status;
    }
    json_t *json = NULL;
    if (answer.len > 0) {
        json_error_t where;
        json = json_loadb(answer.data, answer.len, JSON_REJECT_DUPLICATES, &where);
        if (!json) {
            return err_set(err, ERR_NET, "the answer to %s %s is no JSON: %s", method,
                           path, where.text);
        }
    }
    *ret_answer = json;
    return OK;
}

enum status http_list(const struct connection *connection, const char *path,
                      json_t **ret_items, struct err *err)
{
    HTTP_JSON_AUTO *items = json_array();
    BUF_AUTO cursor = BUF_INIT(URL_BYTES_MAX);
    bool more = true;
    while (more) {
        BUF_AUTO page_path = BUF_INIT(URL_BYTES_MAX);
        buf_addstr(&page_path, path);
        http_add_query(&page_path, "limit", "1000");
        http_add_query(&page_path, "cursor", cursor.len > 0 ? cursor.data : NULL);
        HTTP_JSON_AUTO *page = NULL;
        enum status status =
            http_json(connection, "GET", page_path.data, NULL, &page, err);
        if (status != OK) {
            return status;
        }
        const char *next = json_string_value(json_object_get(page, "next"));
        if (json_array_extend(items, json_object_get(page, "items")) != 0) {
            return err_set(err, ERR_NET, "the answer to GET %s is no list", path);
        }
        buf_reset(&cursor);
        buf_addstr(&cursor, next ? next : "");
        more = next != NULL;
    }
    *ret_items = json_incref(items);
    return OK;
}

enum status http_upload(const struct connection *connection, const char *path,
                        const void *data, size_t len, struct err *err)
{
    struct http_request request = {
        .method = "PUT",
        .path = path,
        .content_type = "application/octet-stream",
        .body = data,
        .body_len = len,
    };
    BUF_AUTO answer = BUF_INIT(ANSWER_BYTES_MAX);
    return http_send(connection, &request, &answer, err);
}
