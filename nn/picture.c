/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/picture.h"

#include <string.h>

enum {
    RED = 19595,
    GREEN = 38470,
    BLUE = 7471,
    HALF = 32768,
    GREY_SHIFT = 16,
    MEDIAN_ROWS = 3,
    ROW_BYTES = (NN_PICTURE_SPAN + 2) * NN_PICTURE_CHANNELS
};

void nn_picture_init(const struct muster_nn_preprocess *preprocess,
                     const struct muster_nn_image *image, struct nn_picture *ret_picture)
{
    uint32_t samples = image->colour == MUSTER_NN_GREY ? 1 : 3;
    *ret_picture = (struct nn_picture){
        .image = image,
        .row_bytes =
            image->stride_bytes ? image->stride_bytes : (size_t)image->width * samples,
        .samples = samples,
        .channels = samples < preprocess->channels ? samples : preprocess->channels,
        .denoise = preprocess->denoise != 0,
    };
}

static uint8_t grey_of(enum muster_nn_colour colour, const uint8_t *pixel)
{
    uint32_t red = pixel[colour == MUSTER_NN_RGB ? 0 : 2];
    uint32_t blue = pixel[colour == MUSTER_NN_RGB ? 2 : 0];
    return (uint8_t)((RED * red + GREEN * pixel[1] + BLUE * blue + HALF) >> GREY_SHIFT);
}

/* Copies pixels [x, x + count) of row y, all of them inside, in working channels. */
static void copy_pixels(const struct nn_picture *picture, uint32_t y, uint32_t x,
                        uint32_t count, uint8_t *out)
{
    const uint8_t *pixel =
        picture->image->pixels + y * picture->row_bytes + (size_t)x * picture->samples;
    if (picture->samples == picture->channels) {
        memcpy(out, pixel, (size_t)count * picture->channels);
        return;
    }
    for (uint32_t i = 0; i < count; i++, pixel += picture->samples) {
        out[i] = grey_of(picture->image->colour, pixel);
    }
}

/* As copy_pixels with one pixel more on either side, edges repeated. */
static void copy_around(const struct nn_picture *picture, int64_t y, uint32_t x,
                        uint32_t count, uint8_t *out)
{
    const struct muster_nn_image *image = picture->image;
    size_t channels = picture->channels;
    int64_t last = (int64_t)image->height - 1;
    uint32_t row = (uint32_t)(y < 0 ? 0 : y > last ? last : y);
    uint32_t end = x + count;
    copy_pixels(picture, row, x > 0 ? x - 1 : 0, 1, out);
    copy_pixels(picture, row, x, count, out + channels);
    copy_pixels(picture, row, end < image->width ? end : image->width - 1, 1,
                out + (count + UINT32_C(1)) * channels);
}

/* Puts two into order. */
static inline void order(uint8_t *low, uint8_t *high)
{
    uint8_t least = *low < *high ? *low : *high;
    *high = *low < *high ? *high : *low;
    *low = least;
}

static inline uint8_t least_of(uint8_t a, uint8_t b, uint8_t c)
{
    order(&a, &b);
    order(&a, &c);
    return a;
}

static inline uint8_t most_of(uint8_t a, uint8_t b, uint8_t c)
{
    order(&a, &c);
    order(&b, &c);
    return c;
}

static inline uint8_t middle_of(uint8_t a, uint8_t b, uint8_t c)
{
    order(&a, &b);
    order(&b, &c);
    order(&a, &b);
    return b;
}

/* The median of nine is the middle one of the largest of the columns' least, the middle
 * of their middles and the least of their largest. */
static inline uint8_t median_of(const uint8_t *const rows[MEDIAN_ROWS], size_t at,
                                size_t step)
{
    uint8_t low[3], middle[3], high[3];
    for (size_t k = 0; k < 3; k++, at += step) {
        low[k] = rows[0][at];
        middle[k] = rows[1][at];
        high[k] = rows[2][at];
        order(&low[k], &middle[k]);
        order(&middle[k], &high[k]);
        order(&low[k], &middle[k]);
    }
    return middle_of(most_of(low[0], low[1], low[2]),
                     middle_of(middle[0], middle[1], middle[2]),
                     least_of(high[0], high[1], high[2]));
}

const uint8_t *nn_picture_span(const struct nn_picture *picture, uint32_t y, uint32_t x,
                               uint32_t count, uint8_t *room)
{
    if (!picture->denoise) {
        if (picture->samples == picture->channels) {
            return picture->image->pixels + y * picture->row_bytes +
                   (size_t)x * picture->samples;
        }
        copy_pixels(picture, y, x, count, room);
        return room;
    }
    uint8_t around[MEDIAN_ROWS][ROW_BYTES];
    const uint8_t *const rows[MEDIAN_ROWS] = {around[0], around[1], around[2]};
    for (int64_t r = 0; r < MEDIAN_ROWS; r++) {
        copy_around(picture, (int64_t)y + r - 1, x, count, around[r]);
    }
    for (size_t i = 0; i < (size_t)count * picture->channels; i++) {
        room[i] = median_of(rows, i, picture->channels);
    }
    return room;
}
