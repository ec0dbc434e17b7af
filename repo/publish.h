/* SPDX-License-Identifier: Apache-2.0 */
/* publish: models into a draft: files into targets/, entries into the targets file that
 * may list them.
 *
 * A version gets the next seq of its model, above every seq that was ever listed, or a
 * higher one that the order names; a further variant of a version that is listed joins
 * its seq. What is listed once is never changed, only added to. Entries go into top-level
 * targets, or into the model's own role when it was delegated (repo/delegations.h). Files
 * are written before anything that names them is signed. All of it blocks. */
#ifndef MUSTER_REPO_PUBLISH_H
#define MUSTER_REPO_PUBLISH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/draft.h"

/* The highest integer that every JSON reader keeps exactly. */
#define PUBLISH_SEQ_MAX INT64_C(9007199254740991)

/* One artifact of a model. */
struct publish_order {
    const char *model;
    const char *version;
    const char *variant;
    const char *ext;   /* "mnet" */
    const void *data;  /* the artifact */
    size_t len;        /* 1 byte to 2 GiB */
    int64_t seq;       /* 0: the next one; else 1 to PUBLISH_SEQ_MAX */
    int64_t floor;     /* 0: leaves the model's floor as it is */
    int64_t deltas;    /* against so many versions before it at most */
    json_t *described; /* further members of custom.muster: "format", "task", … */
};

/* What came of it. */
struct publish_result {
    int64_t seq;
    int64_t targets_version; /* of the file that lists it, once it is published */
    bool staged_before;      /* it was staged already; nothing was added */
    uint8_t sha256[32];      /* of the artifact */
    size_t transport_bytes;  /* 0: compressing did not help, there is none */
    size_t deltas;           /* how many were made */
    size_t delta_bytes;      /* of the shortest, 0: none */
};

/* Adds an artifact and its transports and settles the draft. ERR_EXISTS when
 * the version has that variant already, or another seq than the order names, or when
 * that seq is not above every one that was ever listed; ERR_TUF_FLOOR, ERR_TUF_FORMAT for
 * names or members that a client would refuse. */
enum status publish_model(struct draft *draft, const struct publish_order *order,
                          struct publish_result *ret_result, struct err *err) MUST_USE;

/* A next version of a role with the same content and a later expiry, once the draft is
 * settled: "root", "targets" (the snapshot follows) or a delegated role. ERR_NOT_FOUND.
 */
enum status publish_renew(struct draft *draft, const char *role,
                          struct err *err) MUST_USE;

#endif
