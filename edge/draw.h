/* SPDX-License-Identifier: Apache-2.0 */
/* draw: independent random draws, fast enough for every prediction.
 *
 * xoshiro256** (Blackman, Vigna 2018), seeded once from libsodium: a good generator
 * without a system call a draw. For sampling only, never for secrets. Not thread-safe. */
#ifndef MUSTER_EDGE_DRAW_H
#define MUSTER_EDGE_DRAW_H

#include <stdbool.h>
#include <stdint.h>

struct draw {
    uint64_t state[4]; /* never all zero */
};

/* Seeds it from the system's randomness. */
void draw_init(struct draw *ret_draw);

/* 64 even bits. */
uint64_t draw_bits(struct draw *draw);

/* True with probability exactly 1/every, whatever came before; every is 1 or more. */
bool draw_one_in(struct draw *draw, uint32_t every);

#endif
