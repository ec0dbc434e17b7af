/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/model_file.h"

#include <stdlib.h>
#include <string.h>

static enum status make_context(struct model_file *file, struct err *err)
{
    struct muster_nn_error error = {0};
    return muster_nn_context_new(file->model, &file->context, &error)
               ? model_file_error(&error, err)
               : OK;
}

enum status model_file_open(const char *path, struct model_file *ret_file,
                            struct err *err)
{
    struct muster_nn_error error = {0};
    MODEL_FILE_AUTO file = {0};
    if (muster_nn_open(path, NULL, &file.model, &error)) {
        return model_file_error(&error, err);
    }
    enum status status = make_context(&file, err);
    if (!status) {
        *ret_file = file;
        file = (struct model_file){0};
    }
    return status;
}

enum status model_file_open_bytes(const void *data, size_t len,
                                  struct model_file *ret_file, struct err *err)
{
    struct muster_nn_error error = {0};
    size_t room = (len + MUSTER_NN_ALIGNMENT) / MUSTER_NN_ALIGNMENT * MUSTER_NN_ALIGNMENT;
    MODEL_FILE_AUTO file = {.memory = aligned_alloc(MUSTER_NN_ALIGNMENT, room)};
    if (!file.memory) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the model");
    }
    memcpy(file.memory, data, len);
    if (muster_nn_open_memory(file.memory, len, NULL, &file.model, &error)) {
        return model_file_error(&error, err);
    }
    enum status status = make_context(&file, err);
    if (!status) {
        *ret_file = file;
        file = (struct model_file){0};
    }
    return status;
}

void model_file_release(struct model_file *file)
{
    muster_nn_context_free(file->context);
    muster_nn_close(file->model);
    free(file->memory);
    *file = (struct model_file){0};
}

enum status model_file_run(struct model_file *file, const struct image_set *images,
                           size_t index, struct err *err)
{
    struct muster_nn_error error = {0};
    const struct muster_nn_image image = {
        .pixels = image_at(images, index),
        .width = images->width,
        .height = images->height,
        .colour = images->channels == 1 ? MUSTER_NN_GREY : MUSTER_NN_RGB,
    };
    if (muster_nn_input_count(file->model) != 1) {
        return err_set(err, ERR_UNSUPPORTED, "the model has several inputs");
    }
    if (muster_nn_set_image(file->context, 0, 0, &image, &error)) {
        return err_set(err, ERR_IMAGE_FORMAT, "%s", error.detail);
    }
    return muster_nn_run(file->context, &error) ? model_file_error(&error, err) : OK;
}

size_t model_file_classes(const struct model_file *file)
{
    struct muster_nn_tensor tensor;
    enum muster_nn_meaning meaning;
    if (muster_nn_describe_output(file->model, 0, &tensor, &meaning) ||
        tensor.rank == 0) {
        return 0;
    }
    return tensor.dims[tensor.rank - 1];
}

enum status model_file_error(const struct muster_nn_error *error, struct err *err)
{
    enum status status = ERR_INTERNAL;
    switch (error->status) {
    case MUSTER_NN_OK:
    case MUSTER_NN_ARGUMENT:
        break;
    case MUSTER_NN_IO:
        status = ERR_IO;
        break;
    case MUSTER_NN_NO_MEMORY:
        status = ERR_NO_MEMORY;
        break;
    case MUSTER_NN_INVALID:
        status = ERR_MNET_INVALID;
        break;
    case MUSTER_NN_UNSUPPORTED:
        status = ERR_MNET_UNSUPPORTED;
        break;
    case MUSTER_NN_LIMIT:
        status = ERR_LIMIT;
        break;
    case MUSTER_NN_SELFTEST:
        status = ERR_MNET_SELFTEST;
        break;
    }
    return err_set(err, status, "%s", error->detail);
}

enum status model_file_count_right(struct model_file *file,
                                   const struct image_set *images,
                                   const struct label_set *labels, uint32_t *ret_right,
                                   struct err *err)
{
    size_t classes = model_file_classes(file);
    uint32_t right = 0;
    if (images->count != labels->count) {
        return err_set(err, ERR_IMAGE_FORMAT, "%u images but %u labels", images->count,
                       labels->count);
    }
    if (classes == 0) {
        return err_set(err, ERR_UNSUPPORTED, "the model's output is not classes");
    }
    for (uint32_t i = 0; i < images->count; i++) {
        enum status status = model_file_run(file, images, i, err);
        if (status) {
            return status;
        }
        size_t count = 0, best = 0;
        const float *values = muster_nn_output(file->context, 0, &count);
        for (size_t c = 1; c < classes; c++) {
            best = values[c] > values[best] ? c : best;
        }
        right += best == labels->labels[i];
    }
    *ret_right = right;
    return OK;
}
