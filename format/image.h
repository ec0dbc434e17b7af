/* SPDX-License-Identifier: Apache-2.0 */
/* image: pictures and labels from files: PGM (P5), PPM (P6) and IDX, also gzipped.
 *
 * A PGM or PPM file is a set of one picture. IDX is the form of MNIST: big-endian header
 * (0x00000803 count height width, or 0x00000801 count for labels), then bytes. Eight bits
 * a sample; a file must end where its pixels end. Sets own their memory. Nothing here
 * depends on a model: what a picture becomes is muster_nn_set_image's business. Reading
 * blocks. */
#ifndef MUSTER_FORMAT_IMAGE_H
#define MUSTER_FORMAT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct image_set {
    uint32_t count, width, height;
    uint32_t channels; /* 1 grey, 3 RGB, interleaved */
    uint8_t *pixels;   /* count * height * width * channels, rows from the top */
};

struct label_set {
    uint32_t count;
    uint8_t *labels;
};

#define IMAGE_SET_AUTO __attribute__((cleanup(image_set_release))) struct image_set
#define LABEL_SET_AUTO __attribute__((cleanup(label_set_release))) struct label_set

/* Reads a file. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT over 1 GiB unpacked, ERR_IMAGE_FORMAT.
 */
enum status image_set_read(const char *path, struct image_set *ret_set,
                           struct err *err) MUST_USE;
enum status label_set_read(const char *path, struct label_set *ret_set,
                           struct err *err) MUST_USE;

/* The same from bytes that are not packed; they are copied. */
enum status image_set_parse(const uint8_t *data, size_t len, struct image_set *ret_set,
                            struct err *err) MUST_USE;
enum status label_set_parse(const uint8_t *data, size_t len, struct label_set *ret_set,
                            struct err *err) MUST_USE;

void image_set_release(struct image_set *set);
void label_set_release(struct label_set *set);

/* Picture `index` (less than count). */
static inline const uint8_t *image_at(const struct image_set *set, size_t index)
{
    return set->pixels + index * ((size_t)set->width * set->height * set->channels);
}

#endif
