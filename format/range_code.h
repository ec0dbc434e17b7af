/* SPDX-License-Identifier: Apache-2.0 */
/* range_code: binary decisions to bytes and back, each at the cost that its own adaptive
 * probability says (a range coder: Martin 1979; the adaptive bits are those of LZMA, with
 * two rates of adaptation).
 *
 * A `struct range_bit` is the probability of one kind of decision, learnt on the way by
 * both sides alike. Everything is unsigned integer arithmetic, so that all machines make
 * the same bytes. A stream is a whole number of big-endian 32-bit words, two at least.
 * The writer needs memory that its caller reserved; the reader takes any bytes, never
 * reads beyond them and gives zeros from there: range_read_whole says whether they were a
 * stream. Inlined, as a model has tens of decisions a value. */
#ifndef MUSTER_FORMAT_RANGE_CODE_H
#define MUSTER_FORMAT_RANGE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RANGE_WORD_BYTES = 4,
    RANGE_PLAIN_BITS = 16, /* at most, of one range_*_plain */
    RANGE_FAST = 5,        /* shifts of the two rates */
    RANGE_SLOW = 7,
};

/* The chance of 0, in 65536ths, twice. */
struct range_bit {
    uint16_t fast, slow;
};

/* Writes from `begin` to `end`, the caller's; `full` when that was too little. */
struct range_writer {
    uint64_t low;
    uint64_t range; /* above 2^32 between calls */
    uint8_t *begin;
    uint8_t *next;
    uint8_t *end;
    bool full;
};

struct range_reader {
    uint64_t code;
    uint64_t range;
    const uint8_t *next;
    const uint8_t *end;
    bool spent; /* more was asked for than there is */
    bool wrong; /* no writer writes this */
};

static inline void range_bits_init(struct range_bit *bits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bits[i] = (struct range_bit){1 << 15, 1 << 15};
    }
}

/* Where the range is parted: below it is 0. Never 0 and never all of it. */
static inline uint64_t range_bound(uint64_t range, const struct range_bit *bit)
{
    return (range >> 17) * ((uint64_t)bit->fast + bit->slow);
}

/* Without branches, which noise would make the processor guess wrong half of the time. */
static inline void range_learn(struct range_bit *bit, bool one)
{
    uint32_t flip = one ? UINT16_MAX : 0; /* the chance of what came */
    uint32_t fast = bit->fast ^ flip;
    uint32_t slow = bit->slow ^ flip;
    fast += (UINT16_MAX - fast) >> RANGE_FAST;
    slow += (UINT16_MAX - slow) >> RANGE_SLOW;
    bit->fast = (uint16_t)(fast ^ flip);
    bit->slow = (uint16_t)(slow ^ flip);
}

/* ---- writing ---- */

static inline void range_write_init(struct range_writer *writer, uint8_t *out, size_t len)
{
    *writer = (struct range_writer){0, UINT64_MAX, out, out, out + len, false};
}

/* The upper word of `low` is settled but for carries, which go into what was written. */
static inline void range_put_word(struct range_writer *writer)
{
    if ((size_t)(writer->end - writer->next) < RANGE_WORD_BYTES) {
        writer->full = true;
    } else {
        for (int shift = 56; shift >= 32; shift -= 8) {
            *writer->next++ = (uint8_t)(writer->low >> shift);
        }
    }
    writer->low <<= 32;
}

static inline void range_add(struct range_writer *writer, uint64_t more)
{
    writer->low += more;
    if (writer->low < more) {
        uint8_t *byte = writer->next;
        while (byte > writer->begin && ++*--byte == 0) {
        }
    }
}

static inline void range_spread(struct range_writer *writer)
{
    if (writer->range <= UINT32_MAX) {
        writer->range <<= 32;
        range_put_word(writer);
    }
}

static inline void range_write(struct range_writer *writer, struct range_bit *bit,
                               bool one)
{
    uint64_t bound = range_bound(writer->range, bit);
    range_add(writer, one ? bound : 0);
    writer->range = one ? writer->range - bound : bound;
    range_learn(bit, one);
    range_spread(writer);
}

/* The low `count` (1 to RANGE_PLAIN_BITS) bits of a value that nothing predicts. */
static inline void range_write_plain(struct range_writer *writer, uint32_t value,
                                     uint32_t count)
{
    writer->range >>= count;
    range_add(writer, writer->range * value);
    range_spread(writer);
}

static inline void range_write_end(struct range_writer *writer)
{
    range_put_word(writer);
    range_put_word(writer);
}

/* ---- reading ---- */

static inline void range_take_word(struct range_reader *reader)
{
    uint32_t word = 0;
    if ((size_t)(reader->end - reader->next) < RANGE_WORD_BYTES) {
        reader->spent = true;
    } else {
        for (int i = 0; i < RANGE_WORD_BYTES; i++) {
            word = word << 8 | *reader->next++;
        }
    }
    reader->code = reader->code << 32 | word;
}

static inline void range_read_init(struct range_reader *reader, const uint8_t *data,
                                   size_t len)
{
    *reader = (struct range_reader){.range = UINT64_MAX, .next = data, .end = data + len};
    range_take_word(reader);
    range_take_word(reader);
}

static inline void range_refill(struct range_reader *reader)
{
    if (reader->range <= UINT32_MAX) {
        reader->range <<= 32;
        range_take_word(reader);
    }
}

static inline bool range_read(struct range_reader *reader, struct range_bit *bit)
{
    uint64_t bound = range_bound(reader->range, bit);
    bool one = reader->code >= bound;
    reader->code -= one ? bound : 0;
    reader->range = one ? reader->range - bound : bound;
    range_learn(bit, one);
    range_refill(reader);
    return one;
}

static inline uint32_t range_read_plain(struct range_reader *reader, uint32_t count)
{
    uint64_t mask = (UINT64_C(1) << count) - 1;
    reader->range >>= count;
    uint64_t value = reader->code / reader->range;
    if (value > mask) {
        reader->wrong = true;
        value = mask;
    }
    reader->code -= value * reader->range;
    range_refill(reader);
    return (uint32_t)value;
}

/* Whether all bytes were used, and no more: only then was it the whole stream. */
static inline bool range_read_whole(const struct range_reader *reader)
{
    return !reader->spent && !reader->wrong && reader->next == reader->end;
}

#endif
