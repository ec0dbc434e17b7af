/* SPDX-License-Identifier: Apache-2.0 */
/* muster/edge_options.h: what a client of muster/edge.h is made with. Members are only
 * ever added, at the end of the options; a program sets them to zero and fills in what it
 * means. */
#ifndef MUSTER_EDGE_OPTIONS_H
#define MUSTER_EDGE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/edge_types.h>

struct muster_client_label {
    const char *key, *value;
};

/* For tests: replaces the clocks. Both or none. */
struct muster_client_clock {
    int64_t (*wall_ms)(void *user);
    int64_t (*mono_ms)(void *user);
    const char *boot_id; /* at most 39 characters; NULL: the system's */
    bool wall_synced;    /* with wall_ms: as if NTP kept it */
};

/* What a client is made with; texts are copied. 0 and NULL mean the default in
 * parentheses. */
struct muster_client_options {
    const char *server_url;   /* http:// or https://, required */
    const char *state_folder; /* created 0700; one client at a time holds it; required */
    const char *root_path;    /* the trusted root.json, required */
    const char *enrolment; /* TOKEN[.ROOT_SHA256]; until enrolled, and to enrol again */
    const char *name;      /* of the node (host name) */
    const char *agent;     /* who uses the library, for the node's facts ("edge") */
    const char *model;     /* which assigned model to run (the first) */
    const struct muster_client_label *labels;
    size_t label_count;
    size_t batch_rows;        /* rows that close a batch, at most 2,000 (500) */
    int64_t batch_age_ms;     /* age that closes a batch (5,000) */
    int64_t heartbeat_ms;     /* an empty report after so long without one (300,000) */
    uint64_t queue_bytes;     /* on disk; beyond it the oldest is dropped (64 MiB) */
    uint64_t rejected_bytes;  /* refused batches kept for inspection (4 MiB) */
    uint64_t model_bytes;     /* largest artifact accepted (64 MiB) */
    const char *ack_log_path; /* one line an acknowledged batch (none) */
    int64_t backoff_max_ms;   /* (300,000) */
    int64_t poll_ms;    /* instead of the server's interval (what the server says) */
    int64_t connect_ms; /* time to connect (10,000) */
    int64_t stall_ms;   /* for a small answer, after connecting (30,000) */
    struct muster_client_clock clock;
    void *user; /* for the callbacks and clocks */

    /* Called within step when another model is active, or none: NULL, when the publisher
     * withdrew the active one to stop. (none) */
    void (*on_model_changed)(void *user, const struct muster_client_model *model);
    /* Called within step or open with one line for people: what was refused and why, and
     * when it is well again (code "ok"). (none) */
    void (*on_message)(void *user, const char *code, const char *text);

    /* Downloads of models; metadata, polls and reports are not limited by these. */
    int64_t download_min_rate; /* bytes a second; a download that brings less within a
                                  minute is broken off (100) */
    int64_t download_rate;     /* bytes a second at most (no limit) */
    int64_t download_budget;   /* bytes a day at most, counted over restarts (no limit) */
    const char *download_window; /* "HH:MM-HH:MM" in the device's time zone, may go over
                                    midnight: only then (at any time) */
    const char *mirror_url;      /* asked before the server, without credentials (none) */
    const char *cache_folder;    /* shared by the nodes of this machine (none) */
    uint64_t cache_bytes;        /* of that; beyond it the oldest go (512 MiB) */

    /* What this node runs instead of the library's own "mnet/1", such as "onnx" or
     * "tflite/3"; at most 8 of at most 31 bytes. A foreign model has no `nn`:
     * on_candidate tests it. (the library's own) */
    const char *const *formats;
    size_t format_count;
    /* Tests a verified model before it becomes active, within step: called with the same
     * candidate as long as it answers MUSTER_CLIENT_AGAIN; MUSTER_CLIENT_OK makes it
     * active, all else refuses it with `error`, whose code is one of docs/ERRORS.md. The
     * candidate is borrowed for the call. NULL ends a test that has not ended. (none) */
    enum muster_client_result (*on_candidate)(void *user,
                                              const struct muster_client_model *candidate,
                                              struct muster_client_error *error);
};

#endif
