/* SPDX-License-Identifier: Apache-2.0 */
/* passes: make the graph smaller and faster without changing what it computes.
 *
 * In this order: reshapes of reshapes and to the same shape go, batch normalisation goes
 * into the convolution before it, zero padding into the convolution behind it, Relu and
 * Clip into the operator before them, and what no output needs is dropped. */
#ifndef MUSTER_CONVERTER_PASSES_H
#define MUSTER_CONVERTER_PASSES_H

#include "converter/ir.h"

/* Runs all passes. ERR_LIMIT without memory. */
enum status passes_run(struct ir *ir, struct arena *arena, struct err *err) MUST_USE;

/* Marks the weights of convolutions and matrix products that f16 can hold, packed or not,
 * to be written as f16. */
void passes_halve(struct ir *ir);

#endif
