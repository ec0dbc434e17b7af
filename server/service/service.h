/* SPDX-License-Identifier: Apache-2.0 */
/* service: the set of services that handlers reach through request->context.
 *
 * Each member is a module of this folder with its own header; api/ calls one service
 * function a handler and passes request->scope as the `struct db *` of the thread it runs
 * on. No HTTP and no SQL here. */
#ifndef MUSTER_SERVER_SERVICE_SERVICE_H
#define MUSTER_SERVER_SERVICE_SERVICE_H

#include <stdint.h>

struct artifacts;   /* artifact files on disk and what is known of each digest */
struct auth;        /* session MACs, node epochs, API tokens in memory */
struct deployments; /* "run this version" rules in memory, assignment per node */
struct ingest;      /* admission of reports: ids, dedupe, cohorts, rollup counters */
struct nodes;       /* facts, labels, last seen, newest report of every node, in memory */
struct repository;  /* the published TUF state and the timestamp signer */
struct store;

struct service {
    struct store *store;
    struct artifacts *artifacts;
    struct auth *auth;
    struct deployments *deployments;
    struct ingest *ingest;
    struct nodes *nodes;
    struct repository *repository;
    char server_id[33];   /* 32 hex digits */
    int64_t poll_s;       /* what assignments tell */
    int64_t session_ms;   /* life of a session token */
    int64_t timestamp_ms; /* life of a TUF timestamp */
    int64_t started_ms;
};

#endif
