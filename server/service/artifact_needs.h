/* SPDX-License-Identifier: Apache-2.0 */
/* artifact_needs: what an artifact demands of a node, copied out of verified targets so
 * that tuf/fit can judge it long after those are gone. */
#ifndef MUSTER_SERVER_SERVICE_ARTIFACT_NEEDS_H
#define MUSTER_SERVER_SERVICE_ARTIFACT_NEEDS_H

#include <jansson.h>

#include "base/err.h"
#include "tuf/fit.h"
#include "tuf/target.h"

/* Points into itself: must not be moved. */
struct artifact_needs {
    json_t *hardware, *cpu_features; /* owned, NULL: any, none */
    char format[TARGET_NAME_BYTES];  /* "": not known */
    char runtime_min[TARGET_NAME_BYTES];
    struct tuf_target file; /* its length only */
    struct model_target target;
};

/* Copies the constraints of `target`, whose `file` may be NULL. ERR_NO_MEMORY. */
enum status artifact_needs_init(struct artifact_needs *ret_needs,
                                const struct model_target *target,
                                struct err *err) MUST_USE;
void artifact_needs_release(struct artifact_needs *needs);

/* Whether the node runs by itself what this needs: before a foreign format. */
bool artifact_needs_native(const struct artifact_needs *needs);

#endif
