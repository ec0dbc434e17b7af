/* SPDX-License-Identifier: Apache-2.0 */
/* A tile is up to PIXELS output pixels, anywhere in the plane, by one or two blocks of 16
 * outputs. Its sums stay in registers while all weights pass; each tap of the kernel is
 * reached through one pointer a pixel, so that strides, pads and ends of rows cost
 * nothing inside the loop over channels: a pixel in the padding points to zeros. */
#include "nn/fast/vec.h"

static const float zeros[NN_BLOCK] __attribute__((aligned(64)));

struct tile {
    const float *weights; /* of its first block */
    size_t block, pixel;  /* the first of each */
};

/* A pixel's position under the first tap, in the input. */
struct spot {
    int32_t y, x;
};

/* The weights of a tile's first and second block. */
struct panels {
    const float *first, *second;
};

/* Where the pixels' channels are under one tap, and how far it is to the next block. */
struct reach {
    const float *at[PIXELS];
    size_t step[PIXELS];
};

NN_INLINE void tile_spots(const struct nn_fast_conv *conv, size_t pixel,
                          struct spot *spots, const int pixels)
{
    int64_t y = (int64_t)pixel / conv->out_width, x = (int64_t)pixel % conv->out_width;
    for (int p = 0; p < pixels; p++) {
        spots[p] = (struct spot){(int32_t)(y * conv->stride_h - conv->pad_top),
                                 (int32_t)(x * conv->stride_w - conv->pad_left)};
        x++;
        if (x == conv->out_width) {
            x = 0;
            y++;
        }
    }
}

/* Points at tap (ky, kx); false if all of it is padding. */
NN_INLINE bool tile_reach(const struct nn_fast_conv *conv, const struct spot *spots,
                          int64_t ky, int64_t kx, struct reach *reach, const int pixels)
{
    bool any = false;
    for (int p = 0; p < pixels; p++) {
        int64_t y = spots[p].y + ky * conv->dilation_h;
        int64_t x = spots[p].x + kx * conv->dilation_w;
        bool inside = (uint64_t)y < (uint64_t)conv->in_height &&
                      (uint64_t)x < (uint64_t)conv->in_width;
        size_t offset = (size_t)(y * conv->in_width + x) * conv->in_pixel;
        reach->at[p] = inside ? conv->in + offset : zeros;
        reach->step[p] = inside ? conv->in_plane : 0;
        any |= inside;
    }
    return any;
}

/* Adds `count` channels of every pixel. */
NN_INLINE void tile_add(vec sums[PIXELS][2 * PARTS], const float *const *at,
                        const struct panels *panels, size_t count, const int pixels,
                        const int blocks)
{
    const float *first = panels->first, *second = panels->second;
    for (size_t c = 0; c < count; c++) {
        vec weights[2 * PARTS];
        NN_UNROLL
        for (int v = 0; v < PARTS; v++) {
            weights[v] = vec_load(first + c * NN_BLOCK + v * LANES);
            if (blocks == 2) {
                weights[PARTS + v] = vec_load(second + c * NN_BLOCK + v * LANES);
            }
        }
        NN_UNROLL
        for (int p = 0; p < pixels; p++) {
            vec value = vec_all(at[p][c]);
            NN_UNROLL
            for (int v = 0; v < blocks * PARTS; v++) {
                sums[p][v] += value * weights[v];
            }
        }
    }
}

NN_INLINE void tile_store(const struct nn_fast_conv *conv, const struct tile *tile,
                          vec sums[PIXELS][2 * PARTS], const int pixels, const int blocks)
{
    NN_UNROLL
    for (int p = 0; p < pixels; p++) {
        NN_UNROLL
        for (int v = 0; v < blocks * PARTS; v++) {
            size_t at = (tile->block + (size_t)(v / PARTS)) * conv->out_plane +
                        (tile->pixel + (size_t)p) * conv->out_pixel +
                        (size_t)(v % PARTS) * LANES;
            vec value = sums[p][v];
            if (conv->add) {
                value += vec_load(conv->add + at);
            }
            vec_store(conv->out + at, vec_finish(value, &conv->finish));
        }
    }
}

/* As tile_store for an output whose rows are no whole blocks. */
NN_INLINE void tile_store_lanes(const struct nn_fast_conv *conv, const struct tile *tile,
                                vec sums[PIXELS][2 * PARTS], const int pixels,
                                const int blocks)
{
    for (int p = 0; p < pixels; p++) {
        for (int b = 0; b < blocks; b++) {
            float lanes[NN_BLOCK] __attribute__((aligned(64)));
            size_t block = tile->block + (size_t)b;
            size_t count = block + 1 == conv->blocks ? conv->last_lanes : NN_BLOCK;
            for (int v = 0; v < PARTS; v++) {
                vec_store(lanes + v * LANES,
                          vec_finish(sums[p][b * PARTS + v], &conv->finish));
            }
            memcpy(conv->out + block * conv->out_plane +
                       (tile->pixel + (size_t)p) * conv->out_pixel,
                   lanes, count * sizeof *lanes);
        }
    }
}

NN_INLINE void tile_run(const struct nn_fast_conv *conv, const struct tile *tile,
                        const int pixels, const int blocks)
{
    vec sums[PIXELS][2 * PARTS];
    struct spot spots[PIXELS];
    struct reach reach;
    const float *weights = tile->weights;
    const size_t panel =
        (size_t)(conv->kernel_h * conv->kernel_w) * conv->channels * NN_BLOCK;
    NN_UNROLL
    for (int v = 0; v < blocks * PARTS; v++) {
        vec bias = conv->bias ? vec_load(conv->bias + tile->block * NN_BLOCK + v * LANES)
                              : vec_all(0.0f);
        NN_UNROLL
        for (int p = 0; p < pixels; p++) {
            sums[p][v] = bias;
        }
    }
    tile_spots(conv, tile->pixel, spots, pixels);
    for (int64_t tap = 0; tap < conv->kernel_h * conv->kernel_w; tap++) {
        if (!tile_reach(conv, spots, tap / conv->kernel_w, tap % conv->kernel_w, &reach,
                        pixels)) {
            weights += conv->channels * NN_BLOCK;
            continue;
        }
        for (size_t left = conv->channels; left > 0;) {
            size_t count = left < NN_BLOCK ? left : NN_BLOCK;
            tile_add(sums, reach.at, &(struct panels){weights, weights + panel}, count,
                     pixels, blocks);
            for (int p = 0; p < pixels; p++) {
                reach.at[p] += reach.step[p];
            }
            weights += count * NN_BLOCK;
            left -= count;
        }
    }
    if (conv->last_lanes == NN_BLOCK) {
        tile_store(conv, tile, sums, pixels, blocks);
    } else {
        tile_store_lanes(conv, tile, sums, pixels, blocks);
    }
}

typedef void tile_function(const struct nn_fast_conv *conv, const struct tile *tile);

#define TILE(pixels, blocks)                                                             \
    static void tile_##pixels##_##blocks(const struct nn_fast_conv *conv,                \
                                         const struct tile *tile)                        \
    {                                                                                    \
        tile_run(conv, tile, pixels, blocks);                                            \
    }

#define TILES_OF_3(blocks) TILE(1, blocks) TILE(2, blocks) TILE(3, blocks)
#define TILES_OF_6(blocks)                                                               \
    TILES_OF_3(blocks) TILE(4, blocks) TILE(5, blocks) TILE(6, blocks)
#define TILES_OF_14(blocks)                                                              \
    TILES_OF_6(blocks)                                                                   \
    TILE(7, blocks)                                                                      \
    TILE(8, blocks)                                                                      \
    TILE(9, blocks)                                                                      \
    TILE(10, blocks) TILE(11, blocks) TILE(12, blocks) TILE(13, blocks) TILE(14, blocks)

#if defined(__AVX512F__)
TILES_OF_14(1)
TILES_OF_14(2)
static tile_function *const singles[] = {
    tile_1_1, tile_2_1, tile_3_1,  tile_4_1,  tile_5_1,  tile_6_1,  tile_7_1,
    tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1, tile_13_1, tile_14_1};
static tile_function *const pairs[] = {
    tile_1_2, tile_2_2, tile_3_2,  tile_4_2,  tile_5_2,  tile_6_2,  tile_7_2,
    tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2, tile_13_2, tile_14_2};
#elif defined(__AVX2__)
TILES_OF_6(1)
TILES_OF_3(2)
static tile_function *const singles[] = {tile_1_1, tile_2_1, tile_3_1,
                                         tile_4_1, tile_5_1, tile_6_1};
static tile_function *const pairs[] = {tile_1_2, tile_2_2, tile_3_2};
#elif defined(__x86_64__)
TILES_OF_3(1)
TILE(1, 2)
static tile_function *const singles[] = {tile_1_1, tile_2_1, tile_3_1};
static tile_function *const pairs[] = {tile_1_2};
#else
TILES_OF_3(1)
TILE(4, 1)
TILE(5, 1)
TILE(1, 2)
static tile_function *const singles[] = {tile_1_1, tile_2_1, tile_3_1, tile_4_1,
                                         tile_5_1};
static tile_function *const pairs[] = {tile_1_2};
#endif

/* All pixels for the blocks from `block` on, in tiles of nearly the same size. */
static void run_blocks(const struct nn_fast_conv *conv, size_t block, size_t most,
                       tile_function *const *functions)
{
    size_t panel = (size_t)(conv->kernel_h * conv->kernel_w) * conv->channels * NN_BLOCK;
    size_t pixels = (size_t)(conv->out_height * conv->out_width);
    struct tile tile = {.weights = conv->weights + block * panel, .block = block};
    for (size_t tiles = (pixels + most - 1) / most; tiles > 0; tiles--) {
        size_t count = (pixels - tile.pixel + tiles - 1) / tiles;
        functions[count - 1](conv, &tile);
        tile.pixel += count;
    }
}

void NN_OF(nn_fast_conv)(const struct nn_fast_conv *conv)
{
    bool paired = (int)PAIR_PIXELS == (int)PIXELS ||
                  conv->out_height * conv->out_width <= PAIR_PIXELS;
    size_t block = 0;
    for (; paired && block + 2 <= conv->blocks; block += 2) {
        run_blocks(conv, block, PAIR_PIXELS, pairs);
    }
    for (; block < conv->blocks; block++) {
        run_blocks(conv, block, PIXELS, singles);
    }
}
