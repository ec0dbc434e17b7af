/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: a received transport on disk into the artifact that it holds; one slice a step.
 *
 * The result is a mapped temporary file, allocated in full first, so a full disk is an
 * error here and not a fault in the mapping. Never more than the signed result is
 * written. What came out counts only once its digest was compared: callers do that. */
#ifndef MUSTER_EDGE_UNPACK_H
#define MUSTER_EDGE_UNPACK_H

#include <stdbool.h>

#include "edge/env.h"
#include "format/transport.h"

struct unpack {
    char path[EDGE_PATH_BYTES]; /* of the result, "" when there is none */
    int fd;                     /* of the result */
    uint8_t *map;
    size_t length; /* of the result */
    int source_fd; /* of the received bytes */
    struct transport_decoder decoder;
    bool decoding;
};

/* Begins: `source` is the received file, `result` a path at which there may be an old
 * temporary file. */
enum status unpack_begin(struct unpack *ret_unpack, const char *source,
                         const char *result, int64_t result_length,
                         struct err *err) MUST_USE;

/* Decodes the next slice; *ret_done when the signed length came out and the transport
 * ended. ERR_CONTENT_*, ERR_UNSUPPORTED. */
enum status unpack_step(struct unpack *unpack, bool *ret_done, struct err *err) MUST_USE;

/* Ends it and removes the temporary file, unless it was renamed (path set to ""). */
void unpack_release(struct unpack *unpack);

#endif
