/* SPDX-License-Identifier: Apache-2.0 */
/* input: what nodes do to data before they are the first input, as the options and the
 * input's shape say. Combinations that docs/MNET.md section 4.6 forbids are refused. */
#ifndef MUSTER_CONVERTER_INPUT_H
#define MUSTER_CONVERTER_INPUT_H

#include "converter/import.h"
#include "nn/shape.h"

/* ERR_INVALID_ARGUMENT for options that do not fit the shape or each other. */
enum status input_describe(const struct import_options *options,
                           const struct nn_shape *shape,
                           struct muster_nn_preprocess *ret_preprocess,
                           struct err *err) MUST_USE;

#endif
