/* SPDX-License-Identifier: Apache-2.0 */
#include "format/siphash.h"

#include <endian.h>
#include <string.h>

enum { FINAL_ROUNDS = 4, WORD_BYTES = 8 };

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Little-endian, whatever the machine is. */
static uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_absorb(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s); /* two a word: the first figure of the name */
    sip_round(s);
    s->v0 ^= word;
}

uint64_t siphash_2_4(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data,
                     size_t len)
{
    const uint8_t *bytes = data;
    uint64_t k0 = load_word(key);
    uint64_t k1 = load_word(key + WORD_BYTES);
    struct sip_state s = {
        .v0 = k0 ^ 0x736f6d6570736575u, /* "somepseudorandomlygeneratedbytes" */
        .v1 = k1 ^ 0x646f72616e646f6du,
        .v2 = k0 ^ 0x6c7967656e657261u,
        .v3 = k1 ^ 0x7465646279746573u,
    };
    size_t whole = len - len % WORD_BYTES;
    for (size_t at = 0; at < whole; at += WORD_BYTES) {
        sip_absorb(&s, load_word(bytes + at));
    }
    uint8_t last[WORD_BYTES] = {0};
    if (len > whole) {
        memcpy(last, bytes + whole, len - whole);
    }
    last[WORD_BYTES - 1] = (uint8_t)len;
    sip_absorb(&s, load_word(last));
    s.v2 ^= 0xff;
    for (int i = 0; i < FINAL_ROUNDS; i++) {
        sip_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
