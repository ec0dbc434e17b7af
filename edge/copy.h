/* SPDX-License-Identifier: Apache-2.0 */
/* copy: one regular file into a new one, a slice of 1 MiB a step. Links are not followed,
 * and a file of another length than the one that is wanted is not copied. */
#ifndef MUSTER_EDGE_COPY_H
#define MUSTER_EDGE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "edge/env.h"

struct copy {
    char path[EDGE_PATH_BYTES]; /* of the new file, "" when there is none */
    int from, to;
    int64_t left; /* bytes */
};

struct copy_order {
    const char *from, *to;
    int64_t length;
    mode_t mode;
};

/* Begins; an old file at `to` goes. ERR_NOT_FOUND when there is no such file of that
 * length. */
enum status copy_begin(struct copy *ret_copy, const struct copy_order *order,
                       struct err *err) MUST_USE;

/* Copies the next slice; *ret_done after the last. */
enum status copy_step(struct copy *copy, bool *ret_done, struct err *err) MUST_USE;

/* One fsync. */
enum status copy_sync(struct copy *copy, struct err *err) MUST_USE;

/* Ends it and removes the new file, unless it was renamed (path set to ""). */
void copy_release(struct copy *copy);

#endif
