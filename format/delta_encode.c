/* SPDX-License-Identifier: Apache-2.0 */
#include "format/delta_encode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "format/delta_model.h"
#include "format/transport.h"

enum {
    /* Costs are in quarters of a bit. */
    COST_SAME = 1,
    COST_CHANGED = 8, /* of a changed value, beside its bits */
    COST_FRESH = 30,  /* of a byte without a base */
    SAMPLE_BYTES = 64,
    SAMPLE_EVERY = 512,
    PROBE_BYTES = 64, /* that a search compares */
    SHORT_BYTES = 8,  /* too few to be values */
    STEP_BYTES = 64,  /* a search looks at multiples of it */
};

static const size_t SIDE_MAX = (size_t)2 << 30;

/* Places that the searches of one encoding look at together, some 250 ns each. */
static const size_t PLACES_MAX = (size_t)1 << 19;

/* How a segment is written. */
struct plan {
    enum delta_kind kind;
    size_t skew; /* bytes before the first value */
    int64_t shift;
    uint64_t cost;
};

struct encoder {
    const uint8_t *base, *result;
    size_t base_len, result_len;
    struct range_writer writer;
    struct delta_model *model; /* owned */
    struct plan last;
    size_t places; /* that searches may still look at */
};

static void free_model(struct delta_model **model)
{
    free(*model);
}

/* ---- what a plan would cost ---- */

static inline uint32_t difference(enum delta_kind kind, size_t width, const uint8_t *from,
                                  const uint8_t *to)
{
    uint32_t a = delta_order(kind, delta_load(from, width));
    uint32_t b = delta_order(kind, delta_load(to, width));
    return (b - a) << (32 - 8 * width);
}

/* The magnitude of a difference that stands in the upper bits of a word. */
static inline uint32_t magnitude_of(uint32_t upper, size_t width)
{
    uint32_t magnitude = upper >> 31 ? 0 - upper : upper;
    return magnitude >> (32 - 8 * width);
}

static inline __attribute__((always_inline)) uint64_t
cost_of_values(enum delta_kind kind, size_t width, const uint8_t *from, const uint8_t *to,
               size_t len)
{
    uint64_t cost = 0;
    for (size_t i = 0; i + width <= len; i += width) {
        uint32_t bits = delta_bit_length(
            magnitude_of(difference(kind, width, from + i, to + i), width));
        cost += bits == 0 ? COST_SAME : 4 * bits + COST_CHANGED;
    }
    return cost;
}

static uint64_t cost_of_kind(enum delta_kind kind, const uint8_t *from, const uint8_t *to,
                             size_t len)
{
    switch (kind) {
    case DELTA_BYTES:
        return cost_of_values(DELTA_BYTES, 1, from, to, len);
    case DELTA_FLOAT2:
        return cost_of_values(DELTA_FLOAT2, 2, from, to, len);
    case DELTA_FLOAT4:
        return cost_of_values(DELTA_FLOAT4, 4, from, to, len);
    case DELTA_INT4:
        return cost_of_values(DELTA_INT4, 4, from, to, len);
    case DELTA_COPY:
    case DELTA_FRESH:
        break;
    }
    return COST_FRESH * (uint64_t)len;
}

/* An eighth of the segment stands for all of it. */
static uint64_t estimate(const struct plan *plan, const uint8_t *from, const uint8_t *to,
                         size_t len)
{
    uint64_t cost = 0;
    for (size_t at = plan->skew; at < len; at += SAMPLE_EVERY) {
        size_t left = len - at;
        cost += cost_of_kind(plan->kind, from + at, to + at,
                             left < SAMPLE_BYTES ? left : SAMPLE_BYTES);
    }
    return cost;
}

static uint64_t fresh_cost(const uint8_t *to, size_t len)
{
    struct plan plan = {.kind = DELTA_FRESH};
    return estimate(&plan, to, to, len);
}

static bool reaches(const struct encoder *encoder, size_t at, size_t len, int64_t shift)
{
    int64_t from = (int64_t)at + shift;
    return from >= 0 && (uint64_t)from + len <= encoder->base_len;
}

static const uint8_t *place_in_base(const struct encoder *encoder, size_t at,
                                    int64_t shift)
{
    return encoder->base + (size_t)((int64_t)at + shift);
}

/* Takes the best kind at one shift, if it is better than what is there. Values that do
 * not begin at a multiple of their size are looked for only when the rest is poor. */
static void try_kinds(const uint8_t *from, const uint8_t *to, size_t len,
                      struct plan *best, bool skewed)
{
    int64_t shift = best->shift;
    for (int kind = DELTA_BYTES; kind <= DELTA_INT4; kind++) {
        struct plan plan = {.kind = (enum delta_kind)kind, .shift = shift};
        size_t width = delta_width(plan.kind);
        size_t end = skewed ? width : 1;
        for (plan.skew = skewed ? 1 : 0; plan.skew < end; plan.skew++) {
            plan.cost = estimate(&plan, from, to, len);
            if (plan.cost < best->cost) {
                *best = plan;
            }
        }
    }
}

static void try_shift(const struct encoder *encoder, size_t at, size_t len, int64_t shift,
                      struct plan *best)
{
    if (!reaches(encoder, at, len, shift)) {
        return;
    }
    const uint8_t *to = encoder->result + at;
    const uint8_t *from = place_in_base(encoder, at, shift);
    struct plan plan = {.kind = DELTA_COPY, .shift = shift};
    if (memcmp(from, to, len) != 0) {
        plan.cost = UINT64_MAX;
        try_kinds(from, to, len, &plan, false);
        if (len >= SHORT_BYTES && plan.cost > fresh_cost(to, len) / 8 * 5) {
            try_kinds(from, to, len, &plan, true);
        }
    }
    if (plan.cost < best->cost) {
        *best = plan;
    }
}

/* ---- where a segment may come from when the obvious places are not alike ---- */

static uint64_t unlikeness(enum delta_kind kind, size_t width, const uint8_t *from,
                           const uint8_t *to, uint64_t enough)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PROBE_BYTES && sum < enough; i += width) {
        sum += delta_bit_length(
            magnitude_of(difference(kind, width, from + i, to + i), width));
    }
    return sum;
}

static int64_t most_similar(const struct encoder *encoder, size_t at,
                            enum delta_kind kind)
{
    const uint8_t *probe = encoder->result + at;
    uint64_t least = UINT64_MAX;
    size_t found = at % STEP_BYTES;
    for (size_t from = found; from + PROBE_BYTES <= encoder->base_len;
         from += STEP_BYTES) {
        uint64_t sum =
            unlikeness(kind, delta_width(kind), encoder->base + from, probe, least);
        if (sum < least) {
            least = sum;
            found = from;
        }
    }
    return (int64_t)found - (int64_t)at;
}

static void search(struct encoder *encoder, size_t at, size_t len, struct plan *best)
{
    size_t places = 2 * (encoder->base_len / STEP_BYTES);
    if (encoder->places < places || len < PROBE_BYTES) {
        return;
    }
    encoder->places -= places;
    try_shift(encoder, at, len, most_similar(encoder, at, DELTA_FLOAT4), best);
    try_shift(encoder, at, len, most_similar(encoder, at, DELTA_BYTES), best);
}

static struct plan plan_segment(struct encoder *encoder, size_t at, size_t len)
{
    struct plan best = {.kind = DELTA_FRESH, .shift = encoder->last.shift};
    best.cost = fresh_cost(encoder->result + at, len);
    uint64_t poor = best.cost - best.cost / 8;
    int64_t from_end = (int64_t)encoder->base_len - (int64_t)encoder->result_len;
    const int64_t shifts[] = {encoder->last.shift, 0, from_end};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        if (best.kind != DELTA_COPY && (i == 0 || shifts[i] != shifts[i - 1])) {
            try_shift(encoder, at, len, shifts[i], &best);
        }
    }
    if (best.kind != DELTA_COPY && best.cost > poor) {
        search(encoder, at, len, &best);
    }
    return best;
}

/* ---- writing ---- */

static inline __attribute__((always_inline)) void write_tree(struct range_writer *writer,
                                                             struct range_bit *tree,
                                                             uint32_t value,
                                                             uint32_t depth)
{
    uint32_t node = 1;
    for (uint32_t i = depth; i-- > 0;) {
        bool one = value >> i & 1;
        range_write(writer, &tree[node], one);
        node = node << 1 | one;
    }
}

static inline __attribute__((always_inline)) void
write_plain(struct range_writer *writer, uint32_t value, uint32_t count)
{
    while (count > 0) {
        uint32_t part = count < RANGE_PLAIN_BITS ? count : RANGE_PLAIN_BITS;
        count -= part;
        range_write_plain(writer, value >> count & ((1u << part) - 1), part);
    }
}

/* A magnitude from 1, below its first bit. */
static inline __attribute__((always_inline)) void
write_magnitude(struct range_writer *writer, struct delta_values *values, uint32_t scale,
                uint32_t magnitude)
{
    uint32_t bits = delta_bit_length(magnitude) - 1;
    write_tree(writer, values->bits[scale], bits, 5);
    uint32_t top = bits < DELTA_TOP_BITS ? bits : DELTA_TOP_BITS;
    uint32_t rest = bits - top;
    write_tree(writer, values->top[scale][bits], magnitude >> rest & ((1u << top) - 1),
               top);
    write_plain(writer, magnitude & ((1u << rest) - 1), rest);
}

static inline __attribute__((always_inline)) void
write_values(struct range_writer *shared, struct delta_values *values,
             enum delta_kind kind, const uint8_t *from, const uint8_t *to, size_t len)
{
    struct range_writer own = *shared; /* so that it can stay in registers */
    struct range_writer *writer = &own;
    size_t width = delta_width(kind);
    uint32_t history = 0;
    for (size_t i = 0; i + width <= len; i += width) {
        uint32_t bits = delta_load(from + i, width);
        uint32_t scale = delta_scale(kind, bits);
        uint32_t upper = difference(kind, width, from + i, to + i);
        bool changed = upper != 0;
        range_write(writer, &values->changed[scale][history], changed);
        history = (history << 1 | changed) & 3;
        if (changed) {
            range_write(writer, &values->sign[scale][delta_below(width, bits)],
                        upper >> 31);
            write_magnitude(writer, values, scale, magnitude_of(upper, width));
        }
    }
    *shared = own;
}

static void write_fresh(struct range_writer *writer, struct delta_model *model,
                        const uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        write_tree(writer, model->fresh[i & 3], to[i], 8);
    }
}

static void write_bytes(struct encoder *encoder, const uint8_t *from, const uint8_t *to,
                        size_t len)
{
    write_values(&encoder->writer, &encoder->model->values[0], DELTA_BYTES, from, to,
                 len);
}

static void write_kind(struct encoder *encoder, const struct plan *plan,
                       const uint8_t *from, const uint8_t *to, size_t len)
{
    struct range_writer *writer = &encoder->writer;
    struct delta_values *values = encoder->model->values;
    switch (plan->kind) {
    case DELTA_COPY:
        break;
    case DELTA_BYTES:
        write_values(writer, &values[0], DELTA_BYTES, from, to, len);
        break;
    case DELTA_FLOAT2:
        write_values(writer, &values[1], DELTA_FLOAT2, from, to, len);
        break;
    case DELTA_FLOAT4:
        write_values(writer, &values[2], DELTA_FLOAT4, from, to, len);
        break;
    case DELTA_INT4:
        write_values(writer, &values[3], DELTA_INT4, from, to, len);
        break;
    case DELTA_FRESH:
        write_fresh(writer, encoder->model, to, len);
        break;
    }
}

static void write_shift(struct encoder *encoder, int64_t shift)
{
    const uint32_t half = DELTA_SHIFT_BITS / 2;
    bool moved = shift != encoder->last.shift;
    range_write(&encoder->writer, &encoder->model->moved, moved);
    if (moved) {
        uint64_t coded = shift < 0 ? (uint64_t)(-shift) << 1 | 1 : (uint64_t)shift << 1;
        write_plain(&encoder->writer, (uint32_t)(coded >> half), half);
        write_plain(&encoder->writer, (uint32_t)coded & ((1u << half) - 1), half);
    }
}

static void write_segment(struct encoder *encoder, size_t at, size_t len)
{
    struct plan plan = plan_segment(encoder, at, len);
    struct range_writer *writer = &encoder->writer;
    struct delta_model *model = encoder->model;
    const uint8_t *to = encoder->result + at;
    write_tree(writer, model->kind[encoder->last.kind], plan.kind, 3);
    if (plan.kind == DELTA_FRESH) {
        write_fresh(writer, model, to, len);
    } else {
        const uint8_t *from = place_in_base(encoder, at, plan.shift);
        size_t width = delta_width(plan.kind);
        write_shift(encoder, plan.shift);
        if (width > 1) {
            write_tree(writer, model->skew[width / 4], (uint32_t)plan.skew, 2);
        }
        size_t tail = (len - plan.skew) % width;
        write_bytes(encoder, from, to, plan.skew);
        write_kind(encoder, &plan, from + plan.skew, to + plan.skew,
                   len - plan.skew - tail);
        write_bytes(encoder, from + len - tail, to + len - tail, tail);
    }
    encoder->last = plan;
}

static void write_header(const struct encoder *encoder, const uint8_t sha256[static 32],
                         struct buf *ret_delta)
{
    uint8_t bytes[DELTA_HEADER_BYTES];
    struct transport_header header = {.method = DELTA_METHOD,
                                      .length = encoder->result_len};
    memcpy(header.base, sha256, sizeof header.base);
    transport_header_write(&header, bytes);
    for (size_t i = 0; i < 8; i++) {
        bytes[TRANSPORT_HEADER_BYTES + i] =
            (uint8_t)((uint64_t)encoder->base_len >> (8 * i));
    }
    buf_add(ret_delta, bytes, sizeof bytes);
}

/* The stream into the room behind the header; nothing when it is too small. */
static void write_stream(struct encoder *encoder, size_t room, struct buf *delta)
{
    uint8_t *space = (uint8_t *)delta->data + delta->len;
    struct range_writer *writer = &encoder->writer;
    delta_model_init(encoder->model);
    range_write_init(writer, space, room);
    for (size_t at = 0; at < encoder->result_len && !writer->full;
         at += DELTA_SEGMENT_BYTES) {
        size_t left = encoder->result_len - at;
        write_segment(encoder, at,
                      left < DELTA_SEGMENT_BYTES ? left : DELTA_SEGMENT_BYTES);
    }
    range_write_end(writer);
    if (writer->full) {
        delta->len -= DELTA_HEADER_BYTES;
    } else {
        delta->len += (size_t)(writer->next - space);
    }
}

enum status delta_encode(const struct delta_side *base, const struct delta_side *result,
                         size_t limit, struct buf *ret_delta, struct err *err)
{
    if (base->len == 0 || base->len > SIDE_MAX || result->len == 0 ||
        result->len > SIDE_MAX) {
        return err_set(err, ERR_LIMIT, "cannot make a delta from %zu to %zu bytes",
                       base->len, result->len);
    }
    if (limit <= DELTA_HEADER_BYTES) {
        return OK;
    }
    __attribute__((cleanup(free_model))) struct delta_model *model =
        malloc(sizeof *model);
    uint8_t sha256[SHA256_BYTES];
    enum status status = sha256_of(base->data, base->len, sha256, err);
    if (status != OK) {
        return status;
    }
    if (!model || !buf_reserve(ret_delta, limit)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a delta");
    }
    struct encoder encoder = {.base = base->data,
                              .result = result->data,
                              .base_len = base->len,
                              .result_len = result->len,
                              .model = model,
                              .places = PLACES_MAX};
    write_header(&encoder, sha256, ret_delta);
    write_stream(&encoder, limit - DELTA_HEADER_BYTES, ret_delta);
    return OK;
}
