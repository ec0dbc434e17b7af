/* SPDX-License-Identifier: Apache-2.0 */
/* content: Content-Encoding zstd and gzip with hard limits on output, window and ratio.
 *
 * zstd also with a dictionary for reports, format/report.zdict, whose id stands in the
 * frame. Its bytes are part of the protocol (docs/PROTOCOL.md) and never change: another
 * dictionary would have another id. */
#ifndef MUSTER_FORMAT_CONTENT_H
#define MUSTER_FORMAT_CONTENT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum content_encoding {
    CONTENT_IDENTITY,
    CONTENT_ZSTD, /* decoding takes frames with the dictionary as well */
    CONTENT_ZSTD_DICTIONARY,
    CONTENT_GZIP,
};

/* Of format/report.zdict. */
enum { CONTENT_DICTIONARY_ID = 40001 };

/* A body may become so many bytes and so many times its own length. What muster's encoder
 * makes of 2,000 equal rows becomes 308 times as long, 46,200 bytes; the same as rows of
 * JSON, 140,000 bytes, 1,100 times. */
enum { CONTENT_FREE_BYTES = 64 * 1024, CONTENT_RATIO_MAX = 1024 };

/* Appends the decoded bytes; ret_data's ceiling is the output limit, and the ratio above
 * is one of its own (ERR_CONTENT_TOO_LARGE). Exactly one frame or member and nothing
 * behind it, else ERR_CONTENT_CORRUPT. zstd windows over 8 MiB are refused. A thread
 * keeps its decompressor, of 384 KiB at most, until it ends. */
enum status content_decode(enum content_encoding encoding, const void *data, size_t len,
                           struct buf *ret_data, struct err *err) MUST_USE;

/* Appends the encoded bytes (gzip level 6; zstd level 3, up to 8 KiB level 12). More than
 * 8 KiB gain nothing from the dictionary and are encoded without. */
enum status content_encode(enum content_encoding encoding, const void *data, size_t len,
                           struct buf *ret_data, struct err *err) MUST_USE;

#endif
