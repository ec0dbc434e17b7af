/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: a received transport on disk into the artifact that it holds; one slice a step.
 *
 * The result is a mapped temporary file, allocated in full first, so a full disk is an
 * error here and not a fault in the mapping; so are the delta and the artifact that it
 * starts from, read-only. Never more than the signed result is written. What came out
 * counts only once its digest was compared: callers do that. */
#ifndef MUSTER_EDGE_UNPACK_H
#define MUSTER_EDGE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/env.h"
#include "format/delta_decode.h"
#include "format/transport.h"

/* What becomes what. */
struct unpack_order {
    const char *source; /* path of the received file */
    const char
        *base; /* of a delta: path of the artifact that it starts from; else NULL */
    const uint8_t *base_sha256; /* 32 bytes, signed; with `base` */
    const char *result;         /* path, at which there may be an old temporary file */
    int64_t result_length;
};

/* A file in memory. */
struct unpack_map {
    uint8_t *bytes; /* NULL: none */
    size_t len;
};

struct unpack {
    char path[EDGE_PATH_BYTES]; /* of the result, "" when there is none */
    int fd;                     /* of the result */
    struct unpack_map result;
    int source_fd; /* of what a transport is read from */
    struct transport_decoder decoder;
    bool decoding;
    struct unpack_map source, base; /* of a delta */
    struct delta_decoder delta;
    bool is_delta;
};

/* Begins. ERR_CONTENT_CORRUPT and ERR_UNSUPPORTED for a delta with another header than
 * was signed. */
enum status unpack_begin(struct unpack *ret_unpack, const struct unpack_order *order,
                         struct err *err) MUST_USE;

/* Decodes the next slice; *ret_done when the signed length came out and the transport
 * ended. ERR_CONTENT_*, ERR_UNSUPPORTED. */
enum status unpack_step(struct unpack *unpack, bool *ret_done, struct err *err) MUST_USE;

/* Ends it and removes the temporary file, unless it was renamed (path set to ""). */
void unpack_release(struct unpack *unpack);

#endif
