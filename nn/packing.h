/* SPDX-License-Identifier: Apache-2.0 */
/* packing: the layouts of docs/MNET.md section 4.12: how many bytes a tensor takes in
 * each, and which of them an operator takes together.
 *
 * The reader refuses what nn_layouts_fit refuses; the importer asks it as well. */
#ifndef MUSTER_NN_PACKING_H
#define MUSTER_NN_PACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/shape.h"

/* An operand as a node sees it; `shape` is NULL for an absent optional input. */
struct nn_laid {
    const struct nn_shape *shape;
    enum nn_layout layout;
    bool constant;
};

/* The bytes of an f32 tensor in a layout; 0 if it cannot have that layout. */
uint64_t nn_layout_bytes(enum nn_layout layout, const struct nn_shape *shape);

/* Whether the operator, whose shapes nn_op_infer has accepted, takes its inputs and gives
 * its output in these layouts. */
bool nn_layouts_fit(const struct nn_op *op, const struct nn_laid *in, uint32_t count,
                    const struct nn_laid *out);

/* Blocks of 16 that `channels` need. */
static inline uint32_t nn_blocks(uint32_t channels)
{
    return (channels + NN_BLOCK - 1) / NN_BLOCK;
}

#endif
