/* SPDX-License-Identifier: Apache-2.0 */
#include "format/delta_decode.h"

#include <stdlib.h>
#include <string.h>

#include "format/delta_model.h"
#include "format/transport.h"

_Static_assert(sizeof(struct delta_model) + sizeof(struct delta_decoder) <=
                   DELTA_MEMORY_BYTES,
               "the decoder needs more than it promises");

/* ---- values ---- */

static uint32_t read_tree(struct range_reader *reader, struct range_bit *tree,
                          uint32_t depth)
{
    uint32_t node = 1;
    for (uint32_t i = 0; i < depth; i++) {
        node = node << 1 | range_read(reader, &tree[node]);
    }
    return node - (1u << depth);
}

static uint32_t read_plain(struct range_reader *reader, uint32_t count)
{
    uint32_t value = 0;
    while (count > 0) {
        uint32_t part = count < RANGE_PLAIN_BITS ? count : RANGE_PLAIN_BITS;
        count -= part;
        value = value << part | range_read_plain(reader, part);
    }
    return value;
}

static inline uint32_t read_magnitude(struct range_reader *reader,
                                      struct delta_values *values, uint32_t scale)
{
    uint32_t bits = read_tree(reader, values->bits[scale], 5);
    uint32_t top = bits < DELTA_TOP_BITS ? bits : DELTA_TOP_BITS;
    uint32_t magnitude = 1u << top | read_tree(reader, values->top[scale][bits], top);
    uint32_t rest = bits - top;
    return magnitude << rest | read_plain(reader, rest);
}

static inline __attribute__((always_inline)) void
read_values(struct range_reader *reader, struct delta_values *values,
            enum delta_kind kind, const uint8_t *from, uint8_t *to, size_t len)
{
    size_t width = delta_width(kind);
    uint32_t history = 0;
    for (size_t i = 0; i + width <= len; i += width) {
        uint32_t bits = delta_load(from + i, width);
        uint32_t scale = delta_scale(kind, bits);
        bool changed = range_read(reader, &values->changed[scale][history]);
        history = (history << 1 | changed) & 3;
        if (!changed) {
            delta_store(to + i, width, bits);
            continue;
        }
        bool minus = range_read(reader, &values->sign[scale][delta_below(width, bits)]);
        uint32_t magnitude = read_magnitude(reader, values, scale);
        uint32_t order = delta_order(kind, bits);
        order = (minus ? order - magnitude : order + magnitude) & delta_mask(width);
        delta_store(to + i, width, delta_unorder(kind, order));
    }
}

static void read_fresh(struct range_reader *reader, struct delta_model *model,
                       uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (uint8_t)read_tree(reader, model->fresh[i & 3], 8);
    }
}

static void read_bytes(struct delta_decoder *decoder, const uint8_t *from, uint8_t *to,
                       size_t len)
{
    read_values(&decoder->reader, &decoder->model->values[0], DELTA_BYTES, from, to, len);
}

static void read_kind(struct delta_decoder *decoder, enum delta_kind kind,
                      const uint8_t *from, uint8_t *to, size_t len)
{
    struct range_reader *reader = &decoder->reader;
    struct delta_values *values = decoder->model->values;
    switch (kind) {
    case DELTA_COPY:
        memcpy(to, from, len);
        break;
    case DELTA_BYTES:
        read_values(reader, &values[0], DELTA_BYTES, from, to, len);
        break;
    case DELTA_FLOAT2:
        read_values(reader, &values[1], DELTA_FLOAT2, from, to, len);
        break;
    case DELTA_FLOAT4:
        read_values(reader, &values[2], DELTA_FLOAT4, from, to, len);
        break;
    case DELTA_INT4:
        read_values(reader, &values[3], DELTA_INT4, from, to, len);
        break;
    case DELTA_FRESH:
        read_fresh(reader, decoder->model, to, len);
        break;
    }
}

/* ---- segments ---- */

static void read_shift(struct delta_decoder *decoder)
{
    if (range_read(&decoder->reader, &decoder->model->moved)) {
        uint64_t coded = (uint64_t)read_plain(&decoder->reader, DELTA_SHIFT_BITS / 2)
                         << DELTA_SHIFT_BITS / 2;
        coded |= read_plain(&decoder->reader, DELTA_SHIFT_BITS / 2);
        decoder->shift = coded & 1 ? -(int64_t)(coded >> 1) : (int64_t)(coded >> 1);
    }
}

static enum status damaged(const struct delta_decoder *decoder, const char *what,
                           struct err *err)
{
    return err_set(err, ERR_CONTENT_CORRUPT, "the delta is damaged: %s at byte %zu", what,
                   decoder->done);
}

/* The place in the base of a segment, all of it within. */
static enum status find_base(const struct delta_decoder *decoder, size_t len,
                             const uint8_t **ret_from, struct err *err)
{
    int64_t from = (int64_t)decoder->done + decoder->shift;
    if (from < 0 || (uint64_t)from > decoder->places.base_len ||
        len > decoder->places.base_len - (uint64_t)from) {
        return damaged(decoder, "a segment from outside the base", err);
    }
    *ret_from = decoder->places.base + from;
    return OK;
}

static enum status read_segment(struct delta_decoder *decoder, size_t len,
                                struct err *err)
{
    struct delta_model *model = decoder->model;
    uint8_t *to = decoder->places.result + decoder->done;
    uint32_t code = read_tree(&decoder->reader, model->kind[decoder->kind], 3);
    if (code >= DELTA_KINDS) {
        return damaged(decoder, "an unknown kind", err);
    }
    enum delta_kind kind = (enum delta_kind)code;
    decoder->kind = kind;
    if (kind == DELTA_FRESH) {
        read_fresh(&decoder->reader, model, to, len);
        return OK;
    }
    read_shift(decoder);
    const uint8_t *from = NULL;
    enum status status = find_base(decoder, len, &from, err);
    if (status != OK) {
        return status;
    }
    size_t width = delta_width(kind);
    size_t skew = width > 1 ? read_tree(&decoder->reader, model->skew[width / 4], 2) : 0;
    if (skew > len || skew >= width) {
        return damaged(decoder, "a segment that begins too late", err);
    }
    size_t tail = (len - skew) % width;
    read_bytes(decoder, from, to, skew);
    read_kind(decoder, kind, from + skew, to + skew, len - skew - tail);
    read_bytes(decoder, from + len - tail, to + len - tail, tail);
    return OK;
}

/* ---- the decoder ---- */

static enum status check_header(const struct delta_places *places,
                                const uint8_t base_sha256[static 32], struct err *err)
{
    struct transport_header header;
    if (places->delta_len < DELTA_HEADER_BYTES) {
        return err_set(err, ERR_CONTENT_CORRUPT, "a delta of %zu bytes",
                       places->delta_len);
    }
    enum status status =
        transport_header_read(places->delta, places->result_len, &header, err);
    if (status != OK) {
        return status;
    }
    if (header.method != DELTA_METHOD || header.stride != 0) {
        return err_set(err, ERR_UNSUPPORTED, "transport method %d is not a delta",
                       header.method);
    }
    uint64_t base_len = 0;
    for (size_t i = 0; i < 8; i++) {
        base_len |= (uint64_t)places->delta[TRANSPORT_HEADER_BYTES + i] << (8 * i);
    }
    if (base_len != places->base_len ||
        memcmp(header.base, base_sha256, sizeof header.base) != 0) {
        return err_set(err, ERR_CONTENT_CORRUPT, "the delta is for another base");
    }
    return OK;
}

enum status delta_decoder_init(struct delta_decoder *ret_decoder,
                               const struct delta_places *places,
                               const uint8_t base_sha256[static 32], struct err *err)
{
    enum status status = check_header(places, base_sha256, err);
    if (status != OK) {
        return status;
    }
    struct delta_decoder decoder = {.places = *places,
                                    .model = malloc(sizeof *decoder.model)};
    if (!decoder.model) {
        return err_set(err, ERR_NO_MEMORY, "no memory to apply a delta");
    }
    delta_model_init(decoder.model);
    range_read_init(&decoder.reader, places->delta + DELTA_HEADER_BYTES,
                    places->delta_len - DELTA_HEADER_BYTES);
    *ret_decoder = decoder;
    return OK;
}

enum status delta_decoder_step(struct delta_decoder *decoder, size_t segments,
                               bool *ret_end, struct err *err)
{
    size_t whole = decoder->places.result_len;
    for (; segments > 0 && decoder->done < whole; segments--) {
        size_t left = whole - decoder->done;
        size_t len = left < DELTA_SEGMENT_BYTES ? left : DELTA_SEGMENT_BYTES;
        enum status status = read_segment(decoder, len, err);
        if (status != OK) {
            return status;
        }
        if (decoder->reader.spent || decoder->reader.wrong) {
            return damaged(decoder, "no such values", err);
        }
        decoder->done += len;
    }
    if (decoder->done == whole && !range_read_whole(&decoder->reader)) {
        return damaged(decoder, "bytes follow its end", err);
    }
    *ret_end = decoder->done == whole;
    return OK;
}

void delta_decoder_release(struct delta_decoder *decoder)
{
    free(decoder->model);
    decoder->model = NULL;
}

enum status delta_decode(const struct delta_places *places,
                         const uint8_t base_sha256[static 32], struct err *err)
{
    DELTA_DECODER_AUTO decoder = {0};
    bool end = false;
    enum status status = delta_decoder_init(&decoder, places, base_sha256, err);
    return status == OK ? delta_decoder_step(&decoder, SIZE_MAX, &end, err) : status;
}
