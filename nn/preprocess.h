/* SPDX-License-Identifier: Apache-2.0 */
/* preprocess: what a port's record says of how an input is made (docs/MNET.md section
 * 4.6). Every field is checked against the others and against the tensor's shape. */
#ifndef MUSTER_NN_PREPROCESS_H
#define MUSTER_NN_PREPROCESS_H

#include <muster/nn_types.h>

#include "nn/shape.h"

/* Decodes the record at `at` of an input that is not plain numbers; MUSTER_NN_INVALID. */
enum muster_nn_status nn_preprocess_decode(const uint8_t *at,
                                           const struct nn_shape *shape,
                                           struct muster_nn_preprocess *ret_preprocess,
                                           struct muster_nn_error *error);

/* Whether it needs the feature `fit`. */
bool nn_preprocess_needs_fit(const struct muster_nn_preprocess *preprocess);

#endif
