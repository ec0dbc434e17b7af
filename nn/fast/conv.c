/* SPDX-License-Identifier: Apache-2.0 */
/* A tile is up to PIXELS output pixels, anywhere in the plane, by one or two blocks of 16
 * outputs. Its sums stay in registers while all weights pass. Where its pixels' inputs
 * are is written down first, once for many blocks, so that strides, pads and ends of rows
 * cost nothing beside the sums: a pixel in the padding points to zeros. */
#include "nn/fast/vec.h"

#if defined(NN_NEON)
#include "nn/fast/lanes.h"
#endif

/* JOINED: taps of one row of the kernel that are taken together. */
enum {
    REACHES_MAX = NN_TAPS_MAX,
    JOINED_MAX = 32,
    JOINED_ROWS_MAX = 8,
    GROUP_BYTES = 1 << 18
};

static const float zeros[JOINED_MAX] __attribute__((aligned(64)));

/* Where the pixels' inputs are under one tap, or one row of taps, and how far it is from
 * one chunk of them to the next. */
struct reach {
    const float *at[PIXELS];
    size_t step[PIXELS];
    bool any; /* not all of it is padding */
};

struct tile {
    const struct reach *reaches;
    int64_t reach_count;
    size_t count, chunk;  /* inputs of a reach, and how many of them lie together */
    const float *weights; /* of its first block */
    size_t panel;         /* floats from one block's weights to the next */
    size_t block, pixel;  /* the first of each */
};

/* What is the same for all tiles, and the reaches of the current one. */
struct table {
    bool plain;  /* 1x1 without stride and padding: pixels in are pixels out */
    bool joined; /* channels last: the taps of a row of the kernel lie together */
    struct tile tile;
    struct reach reaches[REACHES_MAX];
    float edges[JOINED_ROWS_MAX][PIXELS][JOINED_MAX];
};

static void table_init(struct table *table, const struct nn_fast_conv *conv)
{
    size_t taps = (size_t)(conv->kernel_h * conv->kernel_w);
    size_t row = (size_t)conv->kernel_w * conv->channels;
    table->plain = taps == 1 && conv->stride_h == 1 && conv->stride_w == 1 &&
                   conv->pad_top == 0 && conv->pad_left == 0 &&
                   conv->in_height == conv->out_height &&
                   conv->in_width == conv->out_width;
    table->joined = taps > 1 && conv->in_pixel == conv->channels &&
                    conv->channels < NN_BLOCK && conv->dilation_w == 1 &&
                    row <= JOINED_MAX && conv->kernel_h <= JOINED_ROWS_MAX;
    table->tile = (struct tile){.reaches = table->reaches,
                                .reach_count = (int64_t)taps,
                                .count = conv->channels,
                                .chunk = NN_BLOCK,
                                .panel = taps * conv->channels * NN_BLOCK};
    if (table->joined) {
        table->tile.reach_count = conv->kernel_h;
        table->tile.count = table->tile.chunk = row;
    } else if (conv->in_plane == NN_BLOCK) {
        table->tile.chunk = conv->channels; /* one channel after another */
    }
}

/* Copies a row of taps that is partly padding, with zeros for that part. */
static void copy_edge(const struct nn_fast_conv *conv, const float *row, int64_t x,
                      float *edge)
{
    for (int64_t k = 0; k < conv->kernel_w; k++, edge += conv->channels) {
        bool inside = x + k >= 0 && x + k < conv->in_width;
        for (size_t c = 0; c < conv->channels; c++) {
            edge[c] = inside ? row[(size_t)(x + k) * conv->channels + c] : 0.0f;
        }
    }
}

/* Pixel p of the tile, whose first tap is at (y, x) of the input. */
static void reach_rows(struct table *table, const struct nn_fast_conv *conv, size_t p,
                       int64_t y, int64_t x)
{
    for (int64_t ky = 0; ky < conv->kernel_h; ky++, y += conv->dilation_h) {
        struct reach *reach = &table->reaches[ky];
        reach->at[p] = zeros;
        reach->step[p] = 0;
        if (y < 0 || y >= conv->in_height) {
            continue;
        }
        const float *row = conv->in + (size_t)(y * conv->in_width) * conv->channels;
        reach->any = true;
        if (x >= 0 && x + conv->kernel_w <= conv->in_width) {
            reach->at[p] = row + (size_t)x * conv->channels;
        } else {
            copy_edge(conv, row, x, table->edges[ky][p]);
            reach->at[p] = table->edges[ky][p];
        }
    }
}

static void reach_taps(struct table *table, const struct nn_fast_conv *conv, size_t p,
                       int64_t y, int64_t x)
{
    struct reach *reach = table->reaches;
    for (int64_t ky = 0; ky < conv->kernel_h; ky++) {
        int64_t row = y + ky * conv->dilation_h;
        for (int64_t kx = 0; kx < conv->kernel_w; kx++, reach++) {
            int64_t column = x + kx * conv->dilation_w;
            bool inside = (uint64_t)row < (uint64_t)conv->in_height &&
                          (uint64_t)column < (uint64_t)conv->in_width;
            size_t offset = (size_t)(row * conv->in_width + column) * conv->in_pixel;
            reach->at[p] = inside ? conv->in + offset : zeros;
            reach->step[p] = inside ? conv->in_plane : 0;
            reach->any |= inside;
        }
    }
}

static void table_fill(struct table *table, const struct nn_fast_conv *conv,
                       size_t pixels)
{
    if (table->plain) {
        struct reach *reach = table->reaches;
        reach->any = true;
        for (size_t p = 0; p < pixels; p++) {
            reach->at[p] = conv->in + (table->tile.pixel + p) * conv->in_pixel;
            reach->step[p] = conv->in_plane;
        }
        return;
    }
    int64_t y = (int64_t)table->tile.pixel / conv->out_width;
    int64_t x = (int64_t)table->tile.pixel % conv->out_width;
    for (int64_t r = 0; r < table->tile.reach_count; r++) {
        table->reaches[r].any = false;
    }
    for (size_t p = 0; p < pixels; p++) {
        int64_t top = y * conv->stride_h - conv->pad_top;
        int64_t left = x * conv->stride_w - conv->pad_left;
        if (table->joined) {
            reach_rows(table, conv, p, top, left);
        } else {
            reach_taps(table, conv, p, top, left);
        }
        x++;
        if (x == conv->out_width) {
            x = 0;
            y++;
        }
    }
}

/* Calls for every sum of a tile, in registers: its vector v of pixel p. */
#define EACH_SUM(v, p, what)                                                             \
    NN_UNROLL                                                                            \
    for (int v = 0; v < blocks * PARTS; v++) {                                           \
        NN_UNROLL                                                                        \
        for (int p = 0; p < pixels; p++) {                                               \
            what;                                                                        \
        }                                                                                \
    }

NN_INLINE size_t place_of(const struct nn_fast_conv *conv, const struct tile *tile, int p,
                          int v)
{
    return (tile->block + (size_t)(v / PARTS)) * conv->out_plane +
           (tile->pixel + (size_t)p) * conv->out_pixel + (size_t)(v % PARTS) * LANES;
}

/* The weights of a tile's first and second block. */
struct panels {
    const float *first, *second;
};

/* Adds `count` inputs of every pixel. */
NN_INLINE void tile_add(vec sums[PIXELS][2 * PARTS], const float *const *at,
                        const struct panels *panels, size_t count, const int pixels,
                        const int blocks)
{
    const float *first = panels->first, *second = panels->second;
    size_t c = 0;
#if defined(NN_NEON)
    c = lanes_add(sums, at, first, second, count, pixels, blocks);
#endif
    for (; c < count; c++) {
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

/* Adds the summand and applies the activation: one decision for all. */
NN_INLINE void tile_finish(const struct nn_fast_conv *conv, const struct tile *tile,
                           vec sums[PIXELS][2 * PARTS], const int pixels,
                           const int blocks)
{
    const vec low =
        vec_all(conv->finish.activation == NN_ACT_CLIP ? conv->finish.low : 0);
    const vec high = vec_all(conv->finish.high);
    if (conv->add) {
        EACH_SUM(v, p, sums[p][v] += vec_load(conv->add + place_of(conv, tile, p, v)));
    }
    if (conv->finish.activation != NN_NO_ACTIVATION) {
        EACH_SUM(v, p, sums[p][v] = vec_max(low, sums[p][v]));
    }
    if (conv->finish.activation == NN_ACT_CLIP) {
        EACH_SUM(v, p, sums[p][v] = vec_min(high, sums[p][v]));
    }
}

NN_INLINE void tile_store(const struct nn_fast_conv *conv, const struct tile *tile,
                          vec sums[PIXELS][2 * PARTS], const int pixels, const int blocks)
{
    EACH_SUM(v, p, vec_store(conv->out + place_of(conv, tile, p, v), sums[p][v]));
}

/* As tile_store for an output whose rows are no whole blocks. Only the copy is indexed by
 * what changes, so that the sums stay in registers. */
NN_INLINE void tile_store_lanes(const struct nn_fast_conv *conv, const struct tile *tile,
                                vec sums[PIXELS][2 * PARTS], const int pixels,
                                const int blocks)
{
    float lanes[PIXELS][2 * NN_BLOCK] __attribute__((aligned(64)));
    EACH_SUM(v, p, vec_store(lanes[p] + v * LANES, sums[p][v]));
    for (int p = 0; p < pixels; p++) {
        for (int b = 0; b < blocks; b++) {
            size_t block = tile->block + (size_t)b;
            size_t count = block + 1 == conv->blocks ? conv->last_lanes : NN_BLOCK;
            memcpy(conv->out + block * conv->out_plane +
                       (tile->pixel + (size_t)p) * conv->out_pixel,
                   lanes[p] + b * NN_BLOCK, count * sizeof(float));
        }
    }
}

NN_INLINE void tile_run(const struct nn_fast_conv *conv, const struct tile *tile,
                        const int pixels, const int blocks)
{
    vec sums[PIXELS][2 * PARTS];
    const float *weights = tile->weights;
    NN_UNROLL
    for (int v = 0; v < blocks * PARTS; v++) {
        vec bias = conv->bias ? vec_load(conv->bias + tile->block * NN_BLOCK + v * LANES)
                              : vec_all(0.0f);
        NN_UNROLL
        for (int p = 0; p < pixels; p++) {
            sums[p][v] = bias;
        }
    }
    const struct reach *end = tile->reaches + tile->reach_count;
    for (const struct reach *reach = tile->reaches; reach < end; reach++) {
        if (!reach->any) {
            weights += tile->count * NN_BLOCK;
            continue;
        }
        const float *at[PIXELS];
        for (int p = 0; p < pixels; p++) {
            at[p] = reach->at[p];
        }
        for (size_t left = tile->count; left > 0;) {
            size_t count = left < tile->chunk ? left : tile->chunk;
            tile_add(sums, at, &(struct panels){weights, weights + tile->panel}, count,
                     pixels, blocks);
            for (int p = 0; p < pixels; p++) {
                at[p] += reach->step[p];
            }
            weights += count * NN_BLOCK;
            left -= count;
        }
    }
    tile_finish(conv, tile, sums, pixels, blocks);
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
#elif defined(__arm__) && !defined(NN_NEON)
TILE(1, 1)
TILE(1, 2)
static tile_function *const singles[] = {tile_1_1};
static tile_function *const pairs[] = {tile_1_2};
#elif defined(__x86_64__) || defined(__arm__)
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

/* Blocks [begin, end) of one tile of `pixels` pixels. */
static void run_tile(struct table *table, const struct nn_fast_conv *conv, size_t begin,
                     size_t end, size_t pixels)
{
    struct tile *tile = &table->tile;
    tile->weights = conv->weights + begin * tile->panel;
    tile->block = begin;
    while (tile->block < end) {
        bool pair = pixels <= PAIR_PIXELS && tile->block + 2 <= end;
        if (pair) {
            pairs[pixels - 1](conv, tile);
        } else {
            singles[pixels - 1](conv, tile);
        }
        tile->block += pair ? 2 : 1;
        tile->weights += (pair ? 2 : 1) * tile->panel;
    }
}

/* Blocks are taken in groups whose weights stay in the cache while the tiles pass; tiles
 * have nearly the same size. */
void NN_OF(nn_fast_conv)(const struct nn_fast_conv *conv)
{
    struct table table;
    table_init(&table, conv);
    size_t pixels = (size_t)(conv->out_height * conv->out_width);
    size_t fit = GROUP_BYTES / (table.tile.panel * sizeof(float));
    size_t group = fit < 2 ? 2 : fit / 2 * 2;
    for (size_t begin = 0; begin < conv->blocks; begin += group) {
        size_t end = conv->blocks - begin < group ? conv->blocks : begin + group;
        table.tile.pixel = 0;
        for (size_t tiles = (pixels + PIXELS - 1) / PIXELS; tiles > 0; tiles--) {
            size_t count = (pixels - table.tile.pixel + tiles - 1) / tiles;
            table_fill(&table, conv, count);
            run_tile(&table, conv, begin, end, count);
            table.tile.pixel += count;
        }
    }
}
