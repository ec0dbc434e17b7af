/* SPDX-License-Identifier: Apache-2.0 */
/* service: the set of services that handlers reach through request->context.
 *
 * Each member is a module of this folder with its own header; api/ calls one service
 * function a handler and passes request->scope as the `struct db *` of the thread it runs
 * on. No HTTP and no SQL here. service_open starts one thread, which flushes last-seen
 * times and signs new TUF timestamps; service_close ends it. */
#ifndef MUSTER_SERVER_SERVICE_SERVICE_H
#define MUSTER_SERVER_SERVICE_SERVICE_H

#include <stdint.h>

#include "base/err.h"

struct artifacts;     /* what is known of each artifact digest and model */
struct auth;          /* session MACs, API tokens in memory */
struct changes;       /* one control change at a time, committed, then made in memory */
struct deployments;   /* "run this version" rules in memory, assignment per node */
struct enrollment;    /* enrolment tokens and enrolment */
struct fleet;         /* the fleet in a few numbers */
struct ingest;        /* admission of reports: ids, dedupe, cohorts, rollup counters */
struct keys;          /* the secrets of keys/ */
struct model_access;  /* models whose artifacts are for everybody */
struct model_details; /* how much detail is asked of each model's nodes */
struct nodes;       /* facts, labels, last seen, newest report of every node, in memory */
struct publication; /* the published TUF state and the timestamp signer */
struct retention;   /* how long rows and rollups are kept */
struct store;
struct tokens; /* API tokens in memory */
struct ticker; /* the background thread */

struct service {
    struct store *store;
    struct changes *changes;
    struct artifacts *artifacts;
    struct auth *auth;
    struct deployments *deployments;
    struct model_access *access;
    struct model_details *details;
    struct enrollment *enrollment;
    struct fleet *fleet;
    struct ingest *ingest; /* opened and closed by the program, see ingest.h */
    struct keys *keys;
    struct nodes *nodes;
    struct retention *retention; /* opened and closed by the program, as ingest */
    struct publication *publication;
    struct ticker *ticker;
    struct tokens *tokens;
    char server_id[33];   /* 32 hex digits */
    int64_t poll_s;       /* what assignments tell */
    int64_t session_ms;   /* life of a session token */
    int64_t timestamp_ms; /* life of a TUF timestamp */
    int64_t started_ms;
};

enum { SERVICE_COHORT_LABELS = 4, ADMIN_TOKEN_BYTES = 64 };

struct service_options {
    struct store *store;     /* open, and closed by the caller after service_close */
    const char *folder;      /* the data directory: keys/ and tuf/ below it */
    int64_t poll_s;          /* 30 */
    int64_t session_ms;      /* 3,600,000 */
    int64_t timestamp_ms;    /* 604,800,000 */
    uint64_t artifact_bytes; /* largest upload, 64 MiB */
    /* Keys of the labels that make cohorts; NULL where fewer are declared. */
    const char *cohort_labels[SERVICE_COHORT_LABELS];
};

/* What service_init_data made. */
struct service_init {
    char server_id[33];
    char timestamp_key[65];              /* public half, hex */
    char admin_token[ADMIN_TOKEN_BYTES]; /* "mat_…": shown once, stored nowhere */
};

/* The defaults of docs/PROTOCOL.md; store and folder are NULL. */
struct service_options service_options_default(void);

/* First use of a data directory whose database `store` has just been made: writes
 * keys/session.key, keys/timestamp.key and keys/seal.key (0600) where they are missing,
 * and in one transaction the server id and the first admin token. ERR_EXISTS when the
 * directory is initialised already. Blocks. */
enum status service_init_data(struct store *store, const char *folder,
                              struct service_init *ret_init, struct err *err) MUST_USE;

/* Loads everything into memory (texts in `options` must outlive the service), repairs the
 * listing from the published TUF files, starts the background thread. Blocks. The caller
 * frees with service_close. */
enum status service_open(const struct service_options *options,
                         struct service **ret_service, struct err *err) MUST_USE;

/* Ends the thread, writes what is unwritten, frees. Before store_close; NULL allowed. */
void service_close(struct service *service);

#endif
