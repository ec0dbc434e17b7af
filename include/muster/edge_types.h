/* SPDX-License-Identifier: Apache-2.0 */
/* muster/edge_types.h: what a program gives to and gets from muster/edge.h: results,
 * models, predictions. Plain data, without functions. */
#ifndef MUSTER_EDGE_TYPES_H
#define MUSTER_EDGE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/nn_types.h>

enum muster_client_result {
    MUSTER_CLIENT_OK = 0,
    MUSTER_CLIENT_FAILED,   /* see the error's code */
    MUSTER_CLIENT_ARGUMENT, /* a value outside its range */
    MUSTER_CLIENT_AGAIN     /* too much waits in memory: step, then try again */
};

struct muster_client_error {
    char code[40];  /* stable, as in docs/ERRORS.md, such as "tuf.expired" */
    char text[240]; /* one sentence, always terminated */
};

/* The active model, as long as it is held. All members are read-only. */
struct muster_client_model {
    const char *name;           /* of the model, such as "fashion" */
    const char *version;        /* for people, such as "1.0.0" */
    int64_t seq;                /* for machines; grows */
    const char *path;           /* the verified file */
    const uint8_t *bytes;       /* the same, mapped */
    size_t length;              /* bytes */
    uint8_t artifact[32];       /* its SHA-256: its identity */
    char artifact_hex[65];      /* the same as text */
    struct muster_nn_model *nn; /* opened and self-tested; NULL: a foreign format */
    const char *format;         /* "mnet/1", "onnx" */
    const char
        *came_as; /* static: "disk", "cache", "full" or the transport: "zst", "delta" */
    int64_t received; /* bytes from the network for it, by this process */
};

/* One result of an inference. */
struct muster_prediction {
    int64_t at_ms; /* device wall time of the frame, within ±2^53; 0: now. Frames are
                      best recorded in their order: with summaries one that falls back
                      into an earlier minute begins a new interval */
    uint16_t class_index;
    double confidence;   /* 0 … 1 */
    uint32_t latency_us; /* of the inference */
    bool has_value;
    double value; /* regression or anomaly score, finite */
    bool has_sample;
    int64_t sample; /* a number of the node's choice that a label can name */
    /* What the model said of every class, each 0 … 1: entropy and margin of summaries
     * come from it. Read during the call only. NULL: not known. */
    const float *probabilities;
    size_t probability_count;
    /* SHA-256, 32 bytes, of what was built of the artifact and made it, such as an
     * engine; read during the call only. NULL: the artifact itself. */
    const uint8_t *derived;
};

#endif
