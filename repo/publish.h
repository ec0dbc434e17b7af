/* SPDX-License-Identifier: Apache-2.0 */
/* publish: a new state of the repository: files into targets/, then new targets and
 * snapshot metadata, signed.
 *
 * A version gets the next seq of its model; a further variant of a version that is listed
 * joins its seq. What is listed once is never changed, only added to. Files are written
 * before the metadata that name them, the snapshot last. All of it blocks. */
#ifndef MUSTER_REPO_PUBLISH_H
#define MUSTER_REPO_PUBLISH_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/repository.h"

/* Who signs, and until when. */
struct publish_signing {
    const struct signing_key *targets;
    const struct signing_key *snapshot;
    int64_t now_ms;
    int64_t life_ms; /* of the new targets and snapshot */
};

/* One artifact of a model. */
struct publish_order {
    const char *model;
    const char *version;
    const char *variant;
    const char *ext;   /* "mnet" */
    const void *data;  /* the artifact */
    size_t len;        /* 1 byte to 2 GiB */
    int64_t floor;     /* 0: leaves the model's floor as it is */
    json_t *described; /* further members of custom.muster: "format", "task", … */
};

/* What came of it. */
struct publish_result {
    int64_t seq;
    int64_t targets_version;
    uint8_t sha256[32];     /* of the artifact */
    size_t transport_bytes; /* 0: compressing did not help, there is none */
};

/* Adds an artifact and its compressed transport and signs. ERR_EXISTS when the version
 * has that variant already, ERR_TUF_FLOOR, ERR_TUF_FORMAT for names or members that a
 * client would refuse, ERR_TUF_SIGNATURE when the keys are not the root's. */
enum status publish_model(struct repository *repository,
                          const struct publish_order *order,
                          const struct publish_signing *signing,
                          struct publish_result *ret_result, struct err *err) MUST_USE;

/* Signs the present targets and snapshot anew with a later expiry. */
enum status publish_renew(struct repository *repository,
                          const struct publish_signing *signing,
                          struct err *err) MUST_USE;

/* Signs a next root with the same content and a later expiry, by the key that is the
 * root's.
 */
enum status publish_renew_root(struct repository *repository,
                               const struct signing_key *root_key, int64_t now_ms,
                               int64_t life_ms, struct err *err) MUST_USE;

#endif
