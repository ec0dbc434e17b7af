/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "nn/model.h"
#include "nn/preprocess.h"

#define INVALID(...) nn_fail(error, MUSTER_NN_INVALID, __VA_ARGS__)
#define NO_MEMORY() nn_fail(error, MUSTER_NN_NO_MEMORY, "out of memory")

static const uint8_t *record_at(const struct muster_nn_model *model,
                                enum nn_section section, uint32_t index, uint32_t bytes)
{
    return model->file + model->sections[section].offset + (uint64_t)index * bytes;
}

static bool zero_bytes(const uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum muster_nn_status decode_port(struct muster_nn_model *model, uint32_t index,
                                         struct muster_nn_error *error)
{
    const uint8_t *at = record_at(model, NN_S_PORTS, index, NN_PORT_BYTES);
    struct nn_port *port = &model->ports[index];
    port->tensor = le_u32(at);
    port->output = at[4] == 1;
    port->meaning = (enum muster_nn_meaning)at[11];
    if (port->tensor >= nn_count(model, NN_S_TENSORS) ||
        model->tensors[port->tensor].place != NN_ARENA ||
        model->tensors[port->tensor].layout != NN_ROWS) {
        return INVALID("port %u names no tensor of the arena in rows", index);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (model->ports[i].tensor == port->tensor) {
            return INVALID("ports %u and %u are the same tensor", i, index);
        }
    }
    if (at[4] > 1 || at[11] > MUSTER_NN_LOGITS || (!port->output && at[11] != 0) ||
        (index > 0 && model->ports[index - 1].output && !port->output)) {
        return INVALID("port %u has a bad direction, meaning or order", index);
    }
    if (port->meaning != MUSTER_NN_VALUES &&
        model->tensors[port->tensor].shape.rank == 0) {
        return INVALID("port %u has class scores but is a scalar", index);
    }
    if (at[5] != MUSTER_NN_PLAIN && !port->output) {
        return nn_preprocess_decode(at, &model->tensors[port->tensor].shape,
                                    &port->preprocess, error);
    }
    if (!zero_bytes(at + 5, 6) || !zero_bytes(at + 12, NN_PORT_BYTES - 12)) {
        return INVALID("port %u has bad content or preprocessing", index);
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_ports(struct muster_nn_model *model,
                                          struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_PORTS);
    model->ports = calloc(count, sizeof *model->ports);
    if (!model->ports) {
        return NO_MEMORY();
    }
    for (uint32_t i = 0; i < count; i++) {
        enum muster_nn_status status = decode_port(model, i, error);
        if (status) {
            return status;
        }
        *(model->ports[i].output ? &model->output_count : &model->input_count) += 1;
    }
    if (model->input_count == 0 || model->output_count == 0) {
        return INVALID("no input or no output");
    }
    bool fit = false;
    for (uint32_t i = 0; i < model->input_count; i++) {
        fit = fit || nn_preprocess_needs_fit(&model->ports[i].preprocess);
    }
    return fit == ((model->needs.features & NN_FEATURE_FIT) != 0)
               ? MUSTER_NN_OK
               : INVALID("the feature bit 'fit' does not say what the inputs need");
}

static enum muster_nn_status decode_metas(struct muster_nn_model *model,
                                          struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_METAS);
    model->metas = calloc(count + UINT32_C(1), sizeof *model->metas);
    if (!model->metas) {
        return NO_MEMORY();
    }
    const char *before = "";
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = record_at(model, NN_S_METAS, i, NN_META_BYTES);
        struct nn_meta *meta = &model->metas[i];
        meta->key = nn_text(model, le_u32(at));
        meta->value = nn_text(model, le_u32(at + 4));
        if (!meta->key || !meta->value || strcmp(before, meta->key) >= 0) {
            return INVALID("metadata %u has a bad text or its key is out of order", i);
        }
        before = meta->key;
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_classes(struct muster_nn_model *model,
                                            struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_CLASSES);
    const struct nn_port *output = &model->ports[model->input_count];
    const struct nn_shape *shape = &model->tensors[output->tensor].shape;
    if (count != 0 && (shape->rank == 0 || shape->dims[shape->rank - 1] != count)) {
        return INVALID("%u class names for another number of outputs", count);
    }
    model->classes = calloc(count + UINT32_C(1), sizeof *model->classes);
    if (!model->classes) {
        return NO_MEMORY();
    }
    for (uint32_t i = 0; i < count; i++) {
        model->classes[i] = nn_text(model, le_u32(record_at(model, NN_S_CLASSES, i, 4)));
        if (!model->classes[i]) {
            return INVALID("class %u has no text", i);
        }
    }
    return MUSTER_NN_OK;
}

/* Stored values follow the constants and each other. */
static enum muster_nn_status check_stored(struct muster_nn_model *model,
                                          const struct nn_test *test, uint64_t bytes,
                                          struct muster_nn_error *error)
{
    const struct nn_tensor *tensor = &model->tensors[model->ports[test->port].tensor];
    uint64_t begin = nn_align64(model->data_used);
    uint64_t data_bytes = (uint64_t)nn_count(model, NN_S_DATA) * NN_ALIGN;
    if (bytes != (uint64_t)tensor->elements * 4 || test->where != begin ||
        begin > data_bytes || bytes > data_bytes - begin) {
        return INVALID("values of test %u do not follow those before", test->number);
    }
    if (!zero_bytes(model->data + model->data_used, (size_t)(begin - model->data_used))) {
        return INVALID("padding before a test is not zero");
    }
    model->data_used = begin + bytes;
    return MUSTER_NN_OK;
}

static enum muster_nn_status decode_test(struct muster_nn_model *model, uint32_t index,
                                         struct muster_nn_error *error)
{
    const uint8_t *at = record_at(model, NN_S_TESTS, index, NN_TEST_BYTES);
    uint32_t ports = nn_count(model, NN_S_PORTS);
    struct nn_test *test = &model->tests[index];
    *test = (struct nn_test){.port = le_u32(at),
                             .number = le_u16(at + 4),
                             .generated = at[6] == 1,
                             .where = le_u64(at + 8),
                             .atol = nn_float_of(le_u32(at + 24)),
                             .rtol = nn_float_of(le_u32(at + 28))};
    if (test->port != index % ports || test->number != index / ports || at[6] > 1 ||
        at[7] != 0) {
        return INVALID("test record %u is out of order", index);
    }
    bool output = model->ports[test->port].output;
    if (!(test->atol >= 0 && test->atol <= 1 && test->rtol >= 0 && test->rtol <= 1) ||
        (!output && (test->generated != (test->atol > 0) || test->rtol > 0))) {
        return INVALID("test record %u has a bad tolerance or span", index);
    }
    uint64_t bytes = le_u64(at + 16);
    if (test->generated) {
        return output || bytes != 0
                   ? INVALID("test record %u is generated wrongly", index)
                   : MUSTER_NN_OK;
    }
    return check_stored(model, test, bytes, error);
}

static enum muster_nn_status decode_tests(struct muster_nn_model *model,
                                          struct muster_nn_error *error)
{
    uint32_t count = nn_count(model, NN_S_TESTS);
    if (count % nn_count(model, NN_S_PORTS) != 0) {
        return INVALID("a test has not one record a port");
    }
    model->tests = calloc(count + UINT32_C(1), sizeof *model->tests);
    if (!model->tests) {
        return NO_MEMORY();
    }
    for (uint32_t i = 0; i < count; i++) {
        enum muster_nn_status status = decode_test(model, i, error);
        if (status) {
            return status;
        }
    }
    uint64_t data_bytes = (uint64_t)nn_count(model, NN_S_DATA) * NN_ALIGN;
    if (nn_align64(model->data_used) != data_bytes ||
        !zero_bytes(model->data + model->data_used,
                    (size_t)(data_bytes - model->data_used))) {
        return INVALID("data that nothing uses");
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_ports_decode(struct muster_nn_model *model,
                                      struct muster_nn_error *error)
{
    enum muster_nn_status status = decode_ports(model, error);
    if (!status) {
        status = decode_metas(model, error);
    }
    if (!status) {
        status = decode_classes(model, error);
    }
    return status ? status : decode_tests(model, error);
}
