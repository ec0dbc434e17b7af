/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "nn/model.h"

enum { PORT_RESERVED_AT = 60, PORT_IMAGE_AT = 12, CHANNELS_MAX = 4 };

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

static bool normalisation_valid(const struct muster_nn_preprocess *preprocess)
{
    for (uint32_t c = 0; c < CHANNELS_MAX; c++) {
        float mean = preprocess->mean[c], deviation = preprocess->std[c];
        bool used = c < preprocess->channels;
        if (!isfinite(mean) || !isfinite(deviation) || (used && deviation == 0) ||
            (!used && (mean != 0 || deviation != 0))) {
            return false;
        }
    }
    return isfinite(preprocess->scale);
}

static enum muster_nn_status decode_image(const struct muster_nn_model *model,
                                          const uint8_t *at, struct nn_port *port,
                                          struct muster_nn_error *error)
{
    const struct nn_shape *shape = &model->tensors[port->tensor].shape;
    struct muster_nn_preprocess *preprocess = &port->preprocess;
    if (at[6] < MUSTER_NN_GREY || at[6] > MUSTER_NN_BGR || at[7] > 1 ||
        !zero_bytes(at + 8, 3) || !zero_bytes(at + 48, 12)) {
        return INVALID("an image input has a bad colour or layout, or needs a feature");
    }
    preprocess->content = MUSTER_NN_IMAGE;
    preprocess->colour = (enum muster_nn_colour)at[6];
    preprocess->channels = at[6] == MUSTER_NN_GREY ? 1 : 3;
    port->interleaved = at[7] == 1;
    preprocess->scale = nn_float_of(le_u32(at + PORT_IMAGE_AT));
    for (uint32_t c = 0; c < CHANNELS_MAX; c++) {
        preprocess->mean[c] = nn_float_of(le_u32(at + 16 + 4 * c));
        preprocess->std[c] = nn_float_of(le_u32(at + 32 + 4 * c));
    }
    if (shape->rank != 4 ||
        shape->dims[port->interleaved ? 3 : 1] != preprocess->channels) {
        return INVALID("an image input has another shape than its colour");
    }
    preprocess->height = shape->dims[port->interleaved ? 1 : 2];
    preprocess->width = shape->dims[port->interleaved ? 2 : 3];
    if (!normalisation_valid(preprocess)) {
        return INVALID("an image input has a bad scale, mean or std");
    }
    return MUSTER_NN_OK;
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
        !zero_bytes(at + PORT_RESERVED_AT, NN_PORT_BYTES - PORT_RESERVED_AT) ||
        (index > 0 && model->ports[index - 1].output && !port->output)) {
        return INVALID("port %u has a bad direction, meaning, order or reserved field",
                       index);
    }
    if (port->meaning != MUSTER_NN_VALUES &&
        model->tensors[port->tensor].shape.rank == 0) {
        return INVALID("port %u has class scores but is a scalar", index);
    }
    if (at[5] == MUSTER_NN_IMAGE && !port->output) {
        return decode_image(model, at, port, error);
    }
    if (at[5] != MUSTER_NN_PLAIN || !zero_bytes(at + 6, 5) ||
        !zero_bytes(at + PORT_IMAGE_AT, PORT_RESERVED_AT - PORT_IMAGE_AT)) {
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
    return MUSTER_NN_OK;
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
