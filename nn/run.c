/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "nn/fast.h"
#include "nn/kernel.h"

static nn_kernel *const kernels[NN_OP_CODES] = {
    [NN_CONV] = nn_conv,         [NN_MAX_POOL] = nn_pool,
    [NN_AVERAGE_POOL] = nn_pool, [NN_GLOBAL_AVERAGE_POOL] = nn_global_average_pool,
    [NN_GEMM] = nn_gemm,         [NN_MAT_MUL] = nn_mat_mul,
    [NN_RELU] = nn_relu,         [NN_CLIP] = nn_clip,
    [NN_ADD] = nn_add,           [NN_MUL] = nn_mul,
    [NN_CONCAT] = nn_concat,     [NN_RESHAPE] = nn_reshape,
    [NN_SOFTMAX] = nn_softmax,   [NN_AFFINE] = nn_affine,
    [NN_PAD] = nn_pad,           [NN_TRANSPOSE] = nn_transpose,
#if !NN_CORE
    [NN_UNARY] = nn_unary,       [NN_BINARY] = nn_binary,
    [NN_REDUCE] = nn_reduce,     [NN_SLICE] = nn_slice,
    [NN_RESIZE] = nn_resize,     [NN_CONV_TRANSPOSE] = nn_conv_transpose,
#endif
};

nn_kernel *nn_kernel_of(enum nn_op_code code)
{
    return kernels[code];
}

/* A context: this struct, then one nn_value a ref, then the arena. */
static size_t values_at(void)
{
    return (size_t)nn_align64(sizeof(struct muster_nn_context));
}

static size_t arena_at(const struct muster_nn_model *model)
{
    return values_at() + (size_t)nn_align64((uint64_t)nn_count(model, NN_S_REFS) *
                                            sizeof(struct nn_value));
}

size_t muster_nn_arena_bytes(const struct muster_nn_model *model)
{
    return arena_at(model) + (size_t)model->arena_bytes;
}

enum muster_nn_status muster_nn_context_init(const struct muster_nn_model *model,
                                             void *memory, size_t bytes,
                                             struct muster_nn_context **ret_context,
                                             struct muster_nn_error *error)
{
    if (!memory || (uintptr_t)memory % NN_ALIGN != 0 ||
        bytes < muster_nn_arena_bytes(model)) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "a context needs %zu bytes aligned to %d, not %zu",
                       muster_nn_arena_bytes(model), NN_ALIGN, bytes);
    }
    uint8_t *base = memory;
    struct muster_nn_context *context = memory;
    *context = (struct muster_nn_context){
        .model = model,
        .values = (struct nn_value *)(void *)(base + values_at()),
        .arena = base + arena_at(model),
        .fast = nn_fast_of(nn_isa_chosen()),
    };
    memset(context->arena, 0, (size_t)model->arena_bytes);
    for (uint32_t i = 0; i < nn_count(model, NN_S_REFS); i++) {
        struct nn_value *value = &context->values[i];
        *value = (struct nn_value){0};
        if (model->refs[i] == NN_ABSENT) {
            continue;
        }
        const struct nn_tensor *tensor = &model->tensors[model->refs[i]];
        value->shape = &tensor->shape;
        value->layout = tensor->layout;
        value->data = tensor->place == NN_DATA ? nn_constant(model, tensor)
                                               : nn_context_values(context, tensor);
    }
    *ret_context = context;
    return MUSTER_NN_OK;
}

enum muster_nn_status muster_nn_context_new(const struct muster_nn_model *model,
                                            struct muster_nn_context **ret_context,
                                            struct muster_nn_error *error)
{
    size_t bytes = muster_nn_arena_bytes(model);
    void *memory = aligned_alloc(NN_ALIGN, bytes);
    if (!memory) {
        return nn_fail(error, MUSTER_NN_NO_MEMORY, "out of memory for %zu bytes", bytes);
    }
    return muster_nn_context_init(model, memory, bytes, ret_context, error);
}

void muster_nn_context_free(struct muster_nn_context *context)
{
    free(context);
}

enum muster_nn_status muster_nn_set_input(struct muster_nn_context *context, size_t input,
                                          const float *values, size_t count,
                                          struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    if (input >= model->input_count) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "there is no input %zu", input);
    }
    const struct nn_tensor *tensor = &model->tensors[model->ports[input].tensor];
    if (count != tensor->elements) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "input %zu has %" PRIu32 " values, not %zu", input,
                       tensor->elements, count);
    }
    memcpy(nn_context_values(context, tensor), values, count * sizeof *values);
    return MUSTER_NN_OK;
}

static uint64_t now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void run_node(struct muster_nn_context *context, const struct nn_node *node)
{
    const struct muster_nn_model *model = context->model;
    const struct nn_tensor *out =
        &model->tensors[model->refs[node->first_ref + node->inputs]];
    struct nn_call call = {
        .op = &node->op,
        .in = context->values + node->first_ref,
        .inputs = node->inputs,
        .out_shape = &out->shape,
        .out_layout = out->layout,
        .out = nn_context_values(context, out),
    };
    if (nn_call_is_packed(&call)) {
        nn_packed_run(&call, context->fast,
                      &(struct nn_finish){node->activation, node->act_a, node->act_b});
        return;
    }
    kernels[node->op.code](&call);
    switch (node->activation) {
    case NN_NO_ACTIVATION:
        break;
    case NN_ACT_RELU:
        nn_relu_over(call.out, out->elements);
        break;
    case NN_ACT_CLIP:
        nn_clip_over(call.out, out->elements, node->act_a, node->act_b);
        break;
    }
}

enum muster_nn_status muster_nn_run(struct muster_nn_context *context,
                                    struct muster_nn_error *error)
{
    (void)error; /* everything that could fail was checked when the model was opened */
    const struct muster_nn_model *model = context->model;
    for (uint32_t i = 0; i < nn_count(model, NN_S_NODES); i++) {
        uint64_t begin = context->hook ? now_ns() : 0;
        run_node(context, &model->nodes[i]);
        if (context->hook) {
            context->hook(context->hook_user, i, now_ns() - begin);
        }
    }
    return MUSTER_NN_OK;
}

void muster_nn_set_hook(struct muster_nn_context *context, muster_nn_hook *hook,
                        void *user)
{
    context->hook = hook;
    context->hook_user = user;
}

const float *muster_nn_output(const struct muster_nn_context *context, size_t output,
                              size_t *ret_count)
{
    const struct muster_nn_model *model = context->model;
    if (output >= model->output_count) {
        return NULL;
    }
    const struct nn_port *port = &model->ports[model->input_count + output];
    const struct nn_tensor *tensor = &model->tensors[port->tensor];
    *ret_count = tensor->elements;
    return nn_context_values(context, tensor);
}

enum muster_nn_status muster_nn_probabilities(const struct muster_nn_context *context,
                                              size_t output, size_t batch_index,
                                              float *ret_probabilities, size_t count,
                                              struct muster_nn_error *error)
{
    const struct muster_nn_model *model = context->model;
    size_t total = 0;
    const float *values = muster_nn_output(context, output, &total);
    if (!values || count == 0 || batch_index >= total / count) {
        return nn_fail(error, MUSTER_NN_ARGUMENT,
                       "there is no output %zu or batch index %zu", output, batch_index);
    }
    const struct nn_port *port = &model->ports[model->input_count + output];
    const struct nn_shape *shape = &model->tensors[port->tensor].shape;
    if (shape->rank == 0 || shape->dims[shape->rank - 1] != count) {
        return nn_fail(error, MUSTER_NN_ARGUMENT, "output %zu has not %zu classes",
                       output, count);
    }
    values += batch_index * count;
    if (port->meaning == MUSTER_NN_LOGITS) {
        nn_softmax_over(values, ret_probabilities, count, 1);
    } else {
        memcpy(ret_probabilities, values, count * sizeof *values);
    }
    return MUSTER_NN_OK;
}
