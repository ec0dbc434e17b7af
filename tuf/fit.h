/* SPDX-License-Identifier: Apache-2.0 */
/* fit: whether an artifact runs on a node, and if not, why: one pure function over what
 * is signed of the artifact and what the node says of itself.
 *
 * The server asks it when it chooses what to offer, the node asks it again with its own
 * facts before it fetches anything. A constraint that is not signed, or a fact that a
 * node does not tell, excludes nothing, with three exceptions: an architecture or a CPU
 * feature that is demanded must be told, and a node that tells no formats runs "mnet/1".
 * No allocation, no I/O, thread-safe. */
#ifndef MUSTER_TUF_FIT_H
#define MUSTER_TUF_FIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_target;

enum {
    FIT_ARCH_BYTES = 65,
    FIT_TEXT_BYTES = 32,   /* of a feature, a format or a version, with NUL */
    FIT_FEATURES_MAX = 32, /* more are not looked at */
    FIT_FORMATS_MAX = 8,
    FIT_OPS_BYTES = 32,
    FIT_REASON_BYTES = 200,
};

enum fit_verdict {
    FIT_RUNS,
    FIT_TOO_BIG_OR_NEW, /* a node with more memory, flash or a newer runtime runs it */
    FIT_OTHER_HARDWARE, /* this kind of node never will */
};

/* What a node is, from the object "facts" of docs/PROTOCOL.md section 2. */
struct fit_node {
    char arch[FIT_ARCH_BYTES];    /* "": not told */
    char runtime[FIT_TEXT_BYTES]; /* "": not told */
    int64_t ram_bytes;            /* 0: not told */
    int64_t flash_bytes;          /* free for models, 0: not told */
    size_t feature_count, format_count;
    char features[FIT_FEATURES_MAX][FIT_TEXT_BYTES]; /* of the CPU: "avx2" */
    char formats[FIT_FORMATS_MAX][FIT_TEXT_BYTES];   /* that it runs: "mnet/1", "onnx" */
    bool has_mnet;                                   /* the next two are told */
    int64_t mnet_features;                           /* bits of docs/MNET.md section 2 */
    uint8_t ops[FIT_OPS_BYTES]; /* bit n: it has operator code n of docs/MNET.md */
};

struct fit {
    enum fit_verdict verdict;
    char reason[FIT_REASON_BYTES]; /* expected and found; "" when it runs */
};

/* Reads facts leniently: what is missing, of another type or too long is not told. NULL
 * is allowed. */
void fit_node_parse(const json_t *facts, struct fit_node *ret_node);

/* Judges. Hardware is judged first, as no update of the node mends it. */
void fit_judge(const struct model_target *artifact, const struct fit_node *node,
               struct fit *ret_fit);

/* Whether a format is the model file of docs/MNET.md, which nodes run by themselves. */
bool fit_is_native(const char *format);

/* "runs", "too_big_or_new", "other_hardware". Static. */
const char *fit_verdict_name(enum fit_verdict verdict);

/* Compares "1.10.2" with "1.9.0": below, equal to or above 0. Missing parts count 0. */
int fit_version_compare(const char *a, const char *b);

#endif
