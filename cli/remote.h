/* SPDX-License-Identifier: Apache-2.0 */
/* remote: what the subcommands that talk to a server share. */
#ifndef MUSTER_CLI_REMOTE_H
#define MUSTER_CLI_REMOTE_H

#include "cli/http.h"
#include "cli/output.h"

/* Zero-initialise, fill by REMOTE_OPTIONS. */
struct remote {
    struct connection connection;
    struct output output;
};

#define REMOTE_OPTIONS(remote)                                                           \
    CONNECTION_OPTIONS((remote).connection), OUTPUT_OPTIONS((remote).output)

/* Sets `about`'s rows from an array. */
#define USAGE_ROWS(rows)                                                                 \
    .options = (rows), .option_count = sizeof(rows) / sizeof((rows)[0])

/* GETs the list at `path` and prints it; the exit code. */
int remote_list(const struct remote *remote, const char *path,
                const struct column *columns, size_t count);

/* Sends `body` (taken over; NULL: none) to `path` and prints the answer, or nothing when
 * it has no body; the exit code. */
int remote_send(const struct remote *remote, const char *method, const char *path,
                json_t *body, const struct column *columns, size_t count);

/* Puts "key=value" texts into an object as strings; with `removals`, "key-" becomes null.
 * ERR_USAGE for anything else. */
enum status remote_labels(const char *const *items, size_t count, bool removals,
                          json_t *ret_labels, struct err *err) MUST_USE;

/* A node's, token's or deployment's id: a decimal integer above 0, else ERR_USAGE. */
enum status remote_id(const char *text, int64_t *ret_id, struct err *err) MUST_USE;

#endif
