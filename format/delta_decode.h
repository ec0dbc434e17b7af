/* SPDX-License-Identifier: Apache-2.0 */
/* delta_decode: an artifact from an older one and the bytes of delta_encode.
 *
 * Base, delta and result lie in memory that the caller owns, such as mapped files; beside
 * them the decoder needs DELTA_MEMORY_BYTES at most and allocates nothing after its
 * beginning. It goes on by whole segments of 4 KiB, so a caller decides how long it
 * stays. The bytes may be anything: nothing is read beyond base and delta nor written
 * beyond the result, each segment of which is written once and in order. What comes out
 * is an artifact only once its SHA-256 is the signed one: callers check that. */
#ifndef MUSTER_FORMAT_DELTA_DECODE_H
#define MUSTER_FORMAT_DELTA_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/range_code.h"

enum { DELTA_MEMORY_BYTES = 96 * 1024 };

struct delta_model;

/* Where everything lies; all of it the caller's. */
struct delta_places {
    const uint8_t *base;
    size_t base_len;
    const uint8_t *delta;
    size_t delta_len;
    uint8_t *result;
    size_t result_len; /* as signed */
};

/* A decoder; its fields are its own. */
struct delta_decoder {
    struct delta_places places;
    size_t done; /* bytes of the result so far */
    struct range_reader reader;
    uint32_t kind; /* of the last segment */
    int64_t shift;
    struct delta_model *model; /* owned */
};

#define DELTA_DECODER_AUTO                                                               \
    __attribute__((cleanup(delta_decoder_release))) struct delta_decoder

/* Checks the header; `base_sha256` is the signed digest of the base. ERR_CONTENT_CORRUPT
 * for damage or another base or length, ERR_UNSUPPORTED for an unknown method,
 * ERR_NO_MEMORY. */
enum status delta_decoder_init(struct delta_decoder *ret_decoder,
                               const struct delta_places *places,
                               const uint8_t base_sha256[static 32],
                               struct err *err) MUST_USE;

/* Makes at most `segments` more; *ret_end once the result is whole and the delta was used
 * to its last byte. ERR_CONTENT_CORRUPT: the decoder can only be released. */
enum status delta_decoder_step(struct delta_decoder *decoder, size_t segments,
                               bool *ret_end, struct err *err) MUST_USE;

/* Frees its memory, never the places. */
void delta_decoder_release(struct delta_decoder *decoder);

/* All at once. */
enum status delta_decode(const struct delta_places *places,
                         const uint8_t base_sha256[static 32], struct err *err) MUST_USE;

#endif
