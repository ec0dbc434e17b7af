/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/draw.h"

#include <sodium.h>
#include <stddef.h>

void draw_init(struct draw *ret_draw)
{
    randombytes_buf(ret_draw->state, sizeof ret_draw->state);
    ret_draw->state[0] |= 1; /* the one state that never changes is all zero */
}

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t draw_bits(struct draw *draw)
{
    uint64_t *s = draw->state;
    uint64_t bits = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return bits;
}

/* Values beyond the last whole multiple of `every` are drawn again, so that none of the
 * `every` outcomes is more probable than another. */
bool draw_one_in(struct draw *draw, uint32_t every)
{
    if (every <= 1) {
        return true;
    }
    uint64_t whole = UINT64_MAX - UINT64_MAX % every;
    uint64_t bits = draw_bits(draw);
    while (bits >= whole) {
        bits = draw_bits(draw);
    }
    return bits % every == 0;
}
