/* SPDX-License-Identifier: Apache-2.0 */
/* download: one target into a mapped temporary file, as it is or through its transport.
 *
 * The file is allocated in full first, so a full disk is an error here and not a fault in
 * the mapping. Never more than the signed length is taken from the network, nor more than
 * the signed result written; what was received is hashed on the way. */
#ifndef MUSTER_EDGE_DOWNLOAD_H
#define MUSTER_EDGE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/http.h"
#include "format/transport.h"
#include "tuf/target.h"
#include "tuf/target_digest.h"

struct download {
    const struct tuf_target *file; /* borrowed: what is fetched */
    char path[EDGE_PATH_BYTES];    /* of the temporary file, "" when there is none */
    int fd;
    uint8_t *map;
    size_t length; /* of the result */
    bool packed;
    struct transport_decoder decoder;
    struct target_digest digest; /* over what is received */
    struct http_call *call;
};

/* What to fetch. */
struct download_order {
    const struct tuf_target *file;
    bool packed; /* it is a zstd transport */
    bool consistent_snapshot;
    int64_t result_length;
    const char *temporary; /* path, must not exist */
    const char *token;
};

/* Starts; the download must be zero or released before. */
enum status download_start(struct download *download, struct http *http,
                           const struct download_order *order, struct err *err) MUST_USE;

/* Once the call is done: OK when everything that was signed arrived and came out.
 * ERR_NET, ERR_NET_STATUS, ERR_TUF_LENGTH, ERR_TUF_HASH, ERR_CONTENT_*. */
enum status download_finish(struct download *download, struct err *err) MUST_USE;

/* Syncs the file. One fsync. */
enum status download_sync(struct download *download, struct err *err) MUST_USE;

/* Ends it and removes the temporary file, unless it was renamed (path set to ""). */
void download_release(struct download *download);

#endif
