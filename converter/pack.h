/* SPDX-License-Identifier: Apache-2.0 */
/* pack: chooses the layouts that the runtime's fast kernels take (docs/MNET.md 4.12).
 *
 * Sums go into the convolution before them, weights become panels, activations blocks of
 * 16 channels; a Reshape stands wherever a tensor is needed in another layout than it is
 * made in. What no fast kernel takes stays in rows. */
#ifndef MUSTER_CONVERTER_PACK_H
#define MUSTER_CONVERTER_PACK_H

#include "converter/ir.h"

/* Runs after passes_run. ERR_LIMIT without memory or past a limit of the format. */
enum status pack_run(struct ir *ir, struct arena *arena, struct err *err) MUST_USE;

#endif
