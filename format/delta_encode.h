/* SPDX-License-Identifier: Apache-2.0 */
/* delta_encode: what turns one artifact into another, in few bytes.
 *
 * The bytes are those of delta_model.h; delta_decode reads them. Nothing is known of
 * model files: for each segment of the result the encoder tries where in the base it may
 * come from (the same place, as far from the end, where the last segment came from, or,
 * when none is alike, the most similar place that a bounded search finds) and as which
 * kind of values the differences are smallest. The same input gives the same bytes
 * everywhere. */
#ifndef MUSTER_FORMAT_DELTA_ENCODE_H
#define MUSTER_FORMAT_DELTA_ENCODE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* An artifact in memory. */
struct delta_side {
    const void *data;
    size_t len; /* 1 byte to 2 GiB */
};

/* Appends the delta from `base` to `result` when it has at most `limit` bytes; nothing
 * when it would have more, which is OK too: a delta does not pay then. About 0.2 s for 10
 * MB. ERR_LIMIT for lengths, ERR_NO_MEMORY. */
enum status delta_encode(const struct delta_side *base, const struct delta_side *result,
                         size_t limit, struct buf *ret_delta, struct err *err) MUST_USE;

#endif
