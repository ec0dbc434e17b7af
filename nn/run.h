/* SPDX-License-Identifier: Apache-2.0 */
/* run: a context, which lives in memory that the caller gives.
 *
 *   memory: | struct muster_nn_context | nn_value a ref | the model's arena |
 *
 * Every operand's address is worked out once, so that running is calling kernels in turn.
 */
#ifndef MUSTER_NN_RUN_H
#define MUSTER_NN_RUN_H

#include "nn/kernel.h"
#include "nn/model.h"

struct muster_nn_context {
    const struct muster_nn_model *model;
    struct nn_value *values; /* in the order of the model's refs */
    uint8_t *arena;
    const struct nn_fast_kernels *fast;
    muster_nn_hook *hook;
    void *hook_user;
};

/* The memory of an arena tensor. */
static inline float *nn_context_values(const struct muster_nn_context *context,
                                       const struct nn_tensor *tensor)
{
    return (float *)(void *)(context->arena + tensor->offset);
}

#endif
