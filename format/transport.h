/* SPDX-License-Identifier: Apache-2.0 */
/* transport: the compressed form of an artifact that is downloaded instead of it.
 *
 *   0   4  magic "MTR1"
 *   4   1  method: 1 zstd over byte planes; 2 a delta (delta_model.h)
 *   5   1  stride of the planes: 1, 2 or 4 bytes; 0 for a delta
 *   6   2  zero
 *   8   8  length of the result, little-endian
 *   16 32  SHA-256 of the base artifact, zero when there is none
 *  48     of method 1: one zstd frame, window at most 128 KiB
 *
 * Byte planes: with stride s and n = length / s, the byte at i*s+p of the artifact stands
 * at p*n+i, and the last length % s bytes stand at the end; so the exponent bytes of
 * weights come together, which zstd packs. The decoder works in slices on untrusted bytes
 * and needs about 300 KiB beside the result. What comes out is an artifact only once its
 * SHA-256 is the signed one: callers check that. */
#ifndef MUSTER_FORMAT_TRANSPORT_H
#define MUSTER_FORMAT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    TRANSPORT_HEADER_BYTES = 48,
    TRANSPORT_WINDOW_LOG = 17, /* 128 KiB */
};

/* The first bytes, taken apart. */
struct transport_header {
    uint8_t method;
    uint8_t stride;
    uint64_t length;  /* of the result */
    uint8_t base[32]; /* zero: none */
};

/* A decoder; its fields are its own. */
struct transport_decoder {
    uint8_t *result; /* the caller's */
    size_t result_length;
    size_t done; /* bytes of the planes so far */
    uint8_t header[TRANSPORT_HEADER_BYTES];
    size_t header_used;
    size_t stride;
    bool frame_ended;
    void *stream; /* ZSTD_DStream, owned */
    char *chunk;  /* owned */
};

#define TRANSPORT_DECODER_AUTO                                                           \
    __attribute__((cleanup(transport_decoder_release))) struct transport_decoder

/* Puts a header into bytes. */
void transport_header_write(const struct transport_header *header,
                            uint8_t ret_bytes[static TRANSPORT_HEADER_BYTES]);

/* Reads one back. ERR_CONTENT_CORRUPT without the magic, with bytes that must be zero, or
 * when it names another length than was signed. */
enum status transport_header_read(const uint8_t bytes[static TRANSPORT_HEADER_BYTES],
                                  size_t result_length,
                                  struct transport_header *ret_header,
                                  struct err *err) MUST_USE;

/* Appends the transport of `len` bytes (1 to 2 GiB): the stride that packs best at zstd
 * level 19. Takes seconds for megabytes. */
enum status transport_encode(const void *data, size_t len, struct buf *ret_transport,
                             struct err *err) MUST_USE;

/* Prepares to decode into `result`, which has room for the signed `result_length` bytes
 * and must outlive the decoder. */
enum status transport_decoder_init(struct transport_decoder *ret_decoder, uint8_t *result,
                                   size_t result_length, struct err *err) MUST_USE;

/* Takes the next bytes, of any number. ERR_CONTENT_CORRUPT for damage,
 * ERR_CONTENT_TOO_LARGE when more would come out than was signed, ERR_UNSUPPORTED for an
 * unknown method. After an error the decoder can only be released. */
enum status transport_decoder_feed(struct transport_decoder *decoder, const void *data,
                                   size_t len, struct err *err) MUST_USE;

/* ERR_CONTENT_CORRUPT unless exactly the signed length came out and the frame ended. */
enum status transport_decoder_finish(const struct transport_decoder *decoder,
                                     struct err *err) MUST_USE;

/* Frees its memory, never the result. */
void transport_decoder_release(struct transport_decoder *decoder);

/* All at once: a whole transport into `result`. */
enum status transport_decode(const void *data, size_t len, uint8_t *result,
                             size_t result_length, struct err *err) MUST_USE;

#endif
