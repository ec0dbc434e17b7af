/* SPDX-License-Identifier: Apache-2.0 */
/* assignment: the server's answer to a poll (docs/PROTOCOL.md section 2). It is not
 * signed: it only chooses among what is. */
#ifndef MUSTER_EDGE_ASSIGNMENT_H
#define MUSTER_EDGE_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/detail.h"

enum { ASSIGNED_PATH_BYTES = 512, POLL_MIN_S = 5, POLL_MAX_S = 86400 };

struct assignment {
    bool has_model; /* the next four are meant */
    char model[65];
    char path[ASSIGNED_PATH_BYTES]; /* of the target */
    uint8_t artifact[32];
    struct detail detail;                    /* full where the server does not say */
    int64_t poll_ms;                         /* clamped */
    int64_t timestamp_version, root_version; /* hints, 0: none */
};

/* Reads an answer; takes the entry of `model`, or the first one if NULL. ERR_NET_STATUS
 * for anything malformed. */
enum status assignment_decode(const char *body, size_t len, const char *model,
                              struct assignment *ret_assignment,
                              struct err *err) MUST_USE;

#endif
