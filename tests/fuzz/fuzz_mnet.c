/* SPDX-License-Identifier: Apache-2.0 */
/* A model file: whatever is accepted must describe itself, run and verify without reading
 * outside its memory. Both checksums are made right first, so that the input reaches the
 * rules behind them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <muster/nn.h>

#include "nn/crc32c.h"
#include "nn/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *file, size_t size)
{
    uint64_t bytes = size;
    memcpy(file + NN_H_FILE_BYTES, &bytes, sizeof bytes);
    uint32_t body = crc32c(0, file + NN_HEADER_BYTES, size - NN_HEADER_BYTES);
    memcpy(file + NN_H_BODY_CRC, &body, sizeof body);
    memset(file + NN_H_HEADER_CRC, 0, sizeof body);
    uint32_t header = crc32c(0, file, NN_HEADER_BYTES);
    memcpy(file + NN_H_HEADER_CRC, &header, sizeof header);
}

/* An image and a series for each input, of sizes that are not its own. */
static void set_inputs(struct muster_nn_context *context,
                       const struct muster_nn_model *model)
{
    static const uint8_t pixels[19 * 11 * 3] = {1, 2, 3};
    static const float samples[512];
    const struct muster_nn_image image = {pixels, 19, 11, 0, MUSTER_NN_RGB};
    for (size_t i = 0; i < muster_nn_input_count(model); i++) {
        struct muster_nn_tensor tensor;
        struct muster_nn_preprocess wanted;
        (void)muster_nn_describe_input(model, i, &tensor, &wanted);
        struct muster_nn_series series = {samples,
                                          wanted.channels ? 512 / wanted.channels : 512};
        (void)muster_nn_set_image(context, i, 0, &image, NULL);
        (void)muster_nn_set_window(context, i, 0, &series, 0, NULL);
    }
}

static void use_model(const struct muster_nn_model *model)
{
    struct muster_nn_context *context = NULL;
    struct muster_nn_layer layer;
    const char *value;
    size_t length = 0;
    for (size_t i = 0; muster_nn_describe_layer(model, i, &layer) == MUSTER_NN_OK; i++) {
        length += strlen(layer.name) + strlen(layer.output.name);
    }
    for (size_t i = 0; i < muster_nn_class_count(model); i++) {
        length += strlen(muster_nn_class_name(model, i));
    }
    for (size_t i = 0; muster_nn_meta_at(model, i, &value); i++) {
        length += strlen(value);
    }
    if (length == SIZE_MAX || muster_nn_context_new(model, &context, NULL)) {
        return;
    }
    set_inputs(context, model);
    (void)muster_nn_run(context, NULL);
    (void)muster_nn_verify(context, NULL, NULL);
    muster_nn_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct muster_nn_limits limits = {.arena_bytes = 1 << 20, .macs = 1 << 20};
    struct muster_nn_model *model = NULL;
    void *memory = NULL;
    if (posix_memalign(&memory, MUSTER_NN_ALIGNMENT, size ? size : 1) != 0) {
        return 0;
    }
    memcpy(memory, data, size);
    if (size >= NN_HEADER_BYTES) {
        seal(memory, size);
    }
    if (muster_nn_open_memory(memory, size, &limits, &model, NULL) == MUSTER_NN_OK) {
        use_model(model);
    }
    muster_nn_close(model);
    free(memory);
    return 0;
}
