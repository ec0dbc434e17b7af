/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests of the command line to a muster server, with libcurl.
 *
 * Every call blocks, follows no redirect and takes at most 60 s without progress. A
 * server that answers with an error gives ERR_NET_STATUS (exit code 3) with its code and
 * detail in `err`; no answer at all is ERR_NET. */
#ifndef MUSTER_CLI_HTTP_H
#define MUSTER_CLI_HTTP_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"

/* Where the server is and who asks; zero-initialise, fill by CONNECTION_OPTIONS. What is
 * not given comes from MUSTER_SERVER and MUSTER_TOKEN. */
struct connection {
    const char *server;     /* such as http://127.0.0.1:8080 */
    const char *token;      /* "mat_…" */
    const char *token_file; /* its first line is the token */
};

/* Rows for a subcommand's option table. */
#define CONNECTION_OPTIONS(connection)                                                   \
    {"server",    's',                                                                   \
     OPTION_TEXT, &(connection).server,                                                  \
     "URL",       "the server (or MUSTER_SERVER)"},                                      \
        {"token",                                                                        \
         0,                                                                              \
         OPTION_TEXT,                                                                    \
         &(connection).token,                                                            \
         "TOKEN",                                                                        \
         "API token (or MUSTER_TOKEN); others can see it in the process list"},          \
    {                                                                                    \
        "token-file", 0, OPTION_TEXT, &(connection).token_file, "FILE",                  \
            "file whose first line is the API token"                                     \
    }

/* Sends `body` (borrowed; NULL: none) as JSON. On 2xx *ret_answer is the answer, to be
 * freed with json_decref, or NULL when it has no body. */
enum status http_json(const struct connection *connection, const char *method,
                      const char *path, const json_t *body, json_t **ret_answer,
                      struct err *err) MUST_USE;

/* GETs a list page after page; *ret_items is the whole array. `path` may have a query. */
enum status http_list(const struct connection *connection, const char *path,
                      json_t **ret_items, struct err *err) MUST_USE;

/* PUTs `len` bytes as application/octet-stream. */
enum status http_upload(const struct connection *connection, const char *path,
                        const void *data, size_t len, struct err *err) MUST_USE;

/* Appends `text` percent-encoded as one path segment or query value. */
void http_add_escaped(struct buf *path, const char *text);

/* Appends "?name=value" or "&name=value", unless `value` is NULL. */
void http_add_query(struct buf *path, const char *name, const char *value);

/* For `__attribute__((cleanup))`: frees a json_t. */
void http_json_free(json_t **json);
#define HTTP_JSON_AUTO __attribute__((cleanup(http_json_free))) json_t

#endif
