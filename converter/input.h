/* SPDX-License-Identifier: Apache-2.0 */
/* input: what nodes do to data before they are the first input, as the options and the
 * input's shape say. Combinations that docs/MNET.md section 4.6 forbids are refused. And
 * which shapes inputs have that leave some open. */
#ifndef MUSTER_CONVERTER_INPUT_H
#define MUSTER_CONVERTER_INPUT_H

#include "converter/import.h"
#include "converter/onnx.h"
#include "nn/shape.h"

/* Gives the model's inputs the shapes of the options. ERR_INVALID_ARGUMENT for an input
 * that is not there, and for a dimension that the model fixes otherwise. */
enum status input_fix_shapes(const struct import_options *options,
                             struct onnx_model *model, struct err *err) MUST_USE;

/* ERR_INVALID_ARGUMENT for options that do not fit the shape or each other. */
enum status input_describe(const struct import_options *options,
                           const struct nn_shape *shape,
                           struct muster_nn_preprocess *ret_preprocess,
                           struct err *err) MUST_USE;

#endif
