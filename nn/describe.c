/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/model.h"

static struct muster_nn_tensor tensor_view(const struct nn_tensor *tensor)
{
    struct muster_nn_tensor view = {
        .name = tensor->name, .rank = tensor->shape.rank, .elements = tensor->elements};
    memcpy(view.dims, tensor->shape.dims, sizeof view.dims);
    return view;
}

size_t muster_nn_input_count(const struct muster_nn_model *model)
{
    return model->input_count;
}

size_t muster_nn_output_count(const struct muster_nn_model *model)
{
    return model->output_count;
}

size_t muster_nn_layer_count(const struct muster_nn_model *model)
{
    return nn_count(model, NN_S_NODES);
}

enum muster_nn_status
muster_nn_describe_input(const struct muster_nn_model *model, size_t input,
                         struct muster_nn_tensor *ret_tensor,
                         struct muster_nn_preprocess *ret_preprocess)
{
    if (input >= model->input_count) {
        return MUSTER_NN_ARGUMENT;
    }
    const struct nn_port *port = &model->ports[input];
    *ret_tensor = tensor_view(&model->tensors[port->tensor]);
    if (ret_preprocess) {
        *ret_preprocess = port->preprocess;
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status muster_nn_describe_output(const struct muster_nn_model *model,
                                                size_t output,
                                                struct muster_nn_tensor *ret_tensor,
                                                enum muster_nn_meaning *ret_meaning)
{
    if (output >= model->output_count) {
        return MUSTER_NN_ARGUMENT;
    }
    const struct nn_port *port = &model->ports[model->input_count + output];
    *ret_tensor = tensor_view(&model->tensors[port->tensor]);
    if (ret_meaning) {
        *ret_meaning = port->meaning;
    }
    return MUSTER_NN_OK;
}

static const char *activation_name(enum nn_activation activation)
{
    switch (activation) {
    case NN_NO_ACTIVATION:
        return "";
    case NN_ACT_RELU:
        return "relu";
    case NN_ACT_CLIP:
        return "clip";
    }
    return "";
}

enum muster_nn_status muster_nn_describe_layer(const struct muster_nn_model *model,
                                               size_t layer,
                                               struct muster_nn_layer *ret_layer)
{
    if (layer >= muster_nn_layer_count(model)) {
        return MUSTER_NN_ARGUMENT;
    }
    const struct nn_node *node = &model->nodes[layer];
    const uint32_t *refs = model->refs + node->first_ref;
    struct muster_nn_layer view = {
        .name = node->name,
        .operator_name = nn_op_info(node->op.code)->name,
        .activation = activation_name(node->activation),
        .output = tensor_view(&model->tensors[refs[node->inputs]]),
        .macs = node->macs,
    };
    for (uint32_t i = 0; i < node->inputs; i++) {
        if (refs[i] != NN_ABSENT && model->tensors[refs[i]].place == NN_DATA) {
            view.weight_bytes += model->tensors[refs[i]].bytes;
        }
    }
    *ret_layer = view;
    return MUSTER_NN_OK;
}

size_t muster_nn_class_count(const struct muster_nn_model *model)
{
    return nn_count(model, NN_S_CLASSES);
}

const char *muster_nn_class_name(const struct muster_nn_model *model, size_t index)
{
    return index < nn_count(model, NN_S_CLASSES) ? model->classes[index] : NULL;
}

const char *muster_nn_meta(const struct muster_nn_model *model, const char *key)
{
    for (uint32_t i = 0; i < nn_count(model, NN_S_METAS); i++) {
        if (strcmp(model->metas[i].key, key) == 0) {
            return model->metas[i].value;
        }
    }
    return NULL;
}

const char *muster_nn_meta_at(const struct muster_nn_model *model, size_t index,
                              const char **ret_value)
{
    if (index >= nn_count(model, NN_S_METAS)) {
        return NULL;
    }
    *ret_value = model->metas[index].value;
    return model->metas[index].key;
}

uint64_t muster_nn_macs(const struct muster_nn_model *model)
{
    return model->macs;
}

uint64_t muster_nn_weight_bytes(const struct muster_nn_model *model)
{
    return model->weight_bytes;
}

struct muster_nn_abilities muster_nn_runtime(void)
{
    const uint64_t functions = NN_CORE ? 0 : NN_FEATURE_FUNCTIONS;
    struct muster_nn_abilities runtime = {
        .major = NN_MAJOR,
        .minor = NN_MINOR,
        .features = NN_FEATURE_HALF | NN_FEATURE_PACKED | NN_FEATURE_FIT | functions,
    };
    for (unsigned code = NN_CONV; code < NN_OP_CODES; code++) {
        unsigned bit = nn_op_info(code) ? 1u << code % 8 : 0;
        runtime.op_set[code / 8] = (uint8_t)(runtime.op_set[code / 8] | bit);
    }
    return runtime;
}

struct muster_nn_abilities muster_nn_needs(const struct muster_nn_model *model)
{
    return model->needs;
}
