/* SPDX-License-Identifier: Apache-2.0 */
/* axis: how one axis of an image becomes one of the input tensor (docs/MNET.md section
 * 4.6), as the pixels that each position is made of.
 *
 *   pixels in -> scaled -> | skip | count | ... |
 *                          | place | count |         of the tensor's positions
 *
 * Weights are doubles: with antialiasing they are whole numbers, so that sums of them are
 * exact. */
#ifndef MUSTER_NN_AXIS_H
#define MUSTER_NN_AXIS_H

#include <stdbool.h>
#include <stdint.h>

#include <muster/nn_types.h>

enum { NN_AXIS_RATIO = 500, NN_AXIS_TAPS = 1024, NN_AXIS_OUTPUTS = 64 };

struct nn_axis {
    uint32_t in;     /* pixels of the image */
    uint32_t scaled; /* that the whole image becomes */
    uint32_t skip;   /* of those, before the first that is used */
    uint32_t place;  /* positions of the tensor before it */
    uint32_t count;  /* positions that are filled */
};

/* The pixels of some positions in turn: position i is the sum over `count[i]` pixels from
 * `first[i]`, times the weights from `at[i]` on. */
struct nn_taps {
    uint32_t outputs, first[NN_AXIS_OUTPUTS], count[NN_AXIS_OUTPUTS], at[NN_AXIS_OUTPUTS];
    double weights[NN_AXIS_TAPS];
};

/* Both axes for an image of `width` by `height`; false if the model cannot take it. */
bool nn_axes_of(const struct muster_nn_preprocess *preprocess, uint32_t width,
                uint32_t height, struct nn_axis *ret_x, struct nn_axis *ret_y);

/* Fills `ret_taps` for the positions from `from` (less than axis->count) on: as many as
 * there are, as fit, at most `most`; at least one. */
void nn_axis_taps(const struct nn_axis *axis, enum muster_nn_interpolation interpolation,
                  uint32_t from, uint32_t most, struct nn_taps *ret_taps);

#endif
