/* SPDX-License-Identifier: Apache-2.0 */
/* picture: the samples of an image in the channels that are worked on, denoised.
 *
 * One channel where the image or the tensor is grey, otherwise the image's three in its
 * own order. Spans of a row are fetched into the caller's memory; nothing is allocated.
 */
#ifndef MUSTER_NN_PICTURE_H
#define MUSTER_NN_PICTURE_H

#include <muster/nn_types.h>

enum { NN_PICTURE_CHANNELS = 3 };

struct nn_picture {
    const struct muster_nn_image *image;
    size_t row_bytes;
    uint32_t samples;  /* of a pixel of the image */
    uint32_t channels; /* of a pixel that is fetched */
    bool denoise;
};

void nn_picture_init(const struct muster_nn_preprocess *preprocess,
                     const struct muster_nn_image *image, struct nn_picture *ret_picture);

/* The pixels [x, x + count) of row y, at most `NN_PICTURE_SPAN` of them, in `room` or
 * where they lie. */
enum { NN_PICTURE_SPAN = 1024 };
const uint8_t *nn_picture_span(const struct nn_picture *picture, uint32_t y, uint32_t x,
                               uint32_t count, uint8_t *room);

#endif
