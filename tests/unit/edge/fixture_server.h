/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_server: the node's side of docs/PROTOCOL.md, scripted, for tests of the client.
 *
 * It enrols, checks session signatures and clocks, assigns what it is told to, keeps
 * reports with the dedupe rule, and serves files below /tuf, targets with ranges. Faults
 * change the answer to paths that contain a text, a number of times. All members are
 * guarded by `lock`. */
#ifndef MUSTER_TESTS_UNIT_EDGE_FIXTURE_SERVER_H
#define MUSTER_TESTS_UNIT_EDGE_FIXTURE_SERVER_H

#include "format/summary.h"
#include "tests/unit/edge/fixture_http.h"

enum {
    SERVER_FILES = 64,
    SERVER_REPORTS = 256,
    SERVER_FAULTS = 8,
    SERVER_FETCHES = 64,
    FOR_EVER = -1
};

#define SERVER_LINK_QUERY "expires=99&signature=good_-"

/* A request below /tuf/targets. */
struct server_fetch {
    char path[512];
    char range[64];
    char if_range[160];
    char token[256];
    int status;
    size_t bytes; /* of the body that was meant to be sent */
};

struct server_file {
    char path[256];
    struct buf data;
};

struct server_report {
    int64_t stream, seq, dropped, first_at_ms, sent_ms;
    int64_t last_at_ms;
    size_t rows;
    bool has_summary; /* the next is meant; its lists are not kept */
    struct summary summary;
    char state[33]; /* of its health */
    int64_t clock_doubt_ms;
    size_t bytes;    /* of the body as it was sent */
    bool dictionary; /* it was packed with one */
    uint32_t hash;
    int copies; /* how often it came */
    int64_t first_id;
};

struct server_fault {
    char path[128]; /* "" : unused */
    int times;      /* FOR_EVER or how often still */
    int skip;       /* first let so many through */
    int status;     /* not 0: a problem with `code` */
    char code[64];
    int retry_after_s;
    bool flip;                  /* change a byte in the middle */
    bool store;                 /* handle the request all the same */
    enum fixture_manner manner; /* of the answer */
    size_t part;                /* with ANSWER_CUT and ANSWER_STALL: so many bytes */
    bool no_ranges;             /* answers ranges with everything */
    int64_t other_range;        /* answers with a range that begins so much later */
    const struct buf *instead;  /* another file's bytes; the caller's */
};

struct server {
    pthread_mutex_t lock;
    struct fixture_http http;
    char url[64];
    int64_t clock_ms; /* added to the wall clock */
    char assignment[1024];
    struct server_file files[SERVER_FILES];
    struct server_report reports[SERVER_REPORTS];
    uint64_t predictions_stored; /* rows, or what summaries count */
    int dictionary;              /* told with sessions; 0: an older server */
    bool unpacks_no_dictionary;
    int report_count, rows_stored, requests, enrolments, sessions, polls, not_modified;
    int signed_wrong_clock; /* sessions refused for their clock */
    uint8_t public_key[32];
    char token[64];
    bool open_targets; /* without a token */
    int links;         /* made */
    struct server_fault faults[SERVER_FAULTS];
    int64_t next_id;
    struct server_fetch fetches[SERVER_FETCHES];
    int fetch_count; /* all of them; the first SERVER_FETCHES are kept */
};

void server_start(struct server *server);
void server_stop(struct server *server);

/* Serves these bytes at `path` from now on. */
void server_put(struct server *server, const char *path, const struct buf *data);

/* Adds a fault, or removes all of them. */
void server_fault(struct server *server, const struct server_fault *fault);
void server_heal(struct server *server);

/* Declares every token given so far invalid. */
void server_forget_sessions(struct server *server);

/* Sets the assignment's JSON. */
void server_assign(struct server *server, const char *json);

/* A report by its place, copied under the lock. */
struct server_report server_report_at(struct server *server, int index);

/* A fetch by its place, copied under the lock. */
struct server_fetch server_fetch_at(struct server *server, int index);

/* A counter, read under the lock. */
int server_count(struct server *server, const int *counter);

#endif
