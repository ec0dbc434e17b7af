/* SPDX-License-Identifier: Apache-2.0 */
/* site: a musterd on a fresh data directory, and nodes and tokens of it, for black-box
 * tests. All of it fails the running test on trouble. */
#ifndef MUSTER_TESTS_API_SITE_H
#define MUSTER_TESTS_API_SITE_H

#include <stdint.h>

#include "tests/api/harness.h"

enum { TOKEN_TEXT_MAX = 128 };

struct site {
    char folder[256]; /* temporary; the data directory is "<folder>/data" */
    char data[300];
    struct program server;
    char server_id[33];
    char timestamp_key[65];
    char admin[TOKEN_TEXT_MAX];
};

struct site_node {
    int64_t id;
    uint8_t public_key[32], secret_key[64];
    char session[TOKEN_TEXT_MAX];
};

/* Initialises and starts; `options` are more arguments of musterd, NULL-terminated, or
 * NULL. */
void site_start(struct site *site, const char *const *options);

/* Starts again on the same data; stops, and removes everything. */
void site_restart(struct site *site, const char *const *options);
void site_stop(struct site *site);

/* What the sqlite3 command prints for a statement or dot command, read only; and a
 * restart with a statement carried out in between, for what cannot be made over HTTP. */
void site_sql(const struct site *site, const char *statement, struct buf *ret_text);
void site_seed(struct site *site, const char *const *options, const char *statement);

/* Sends a request and returns the status; `reply` may be NULL. */
int site_call(const struct site *site, const char *method, const char *target,
              const char *token, const char *body, struct reply *reply);

/* The text or number member `name` of an answer's JSON, copied as it stands without its
 * quotes. */
void reply_member(const struct reply *reply, const char *name, char *ret_text,
                  size_t size);

/* Whether the answer's problem has this code. */
bool reply_has_code(const struct reply *reply, const char *code);

/* A new API token of a role, and a new enrolment token (`members`: more JSON members,
 * such as ",\"max_uses\":3", or ""). */
void site_api_token(const struct site *site, const char *role, char *ret_token);
void site_enrollment_token(const struct site *site, const char *members, char *ret_token);

/* A fresh key; enrols it and returns the status. */
void node_generate(struct site_node *node);
int node_enroll(const struct site *site, struct site_node *node, const char *token,
                const char *name, struct reply *reply);

/* Asks for a session `skew_ms` off the clock; returns the status and keeps the token. */
int node_session(const struct site *site, struct site_node *node, int64_t skew_ms,
                 struct reply *reply);

/* Enrols a node and gets its session. */
void site_node(const struct site *site, const char *name, struct site_node *ret_node);

#endif
