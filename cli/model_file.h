/* SPDX-License-Identifier: Apache-2.0 */
/* model_file: what the model subcommands share: opening an .mnet file, giving it pictures
 * and measuring it on labelled ones. Errors of the runtime become errors of base/err.h.
 */
#ifndef MUSTER_CLI_MODEL_FILE_H
#define MUSTER_CLI_MODEL_FILE_H

#include <muster/nn.h>

#include "base/err.h"
#include "format/image.h"

/* A model with one context. Zero-initialise; released by its owner. */
struct model_file {
    void *memory; /* of a model that is not a file */
    struct muster_nn_model *model;
    struct muster_nn_context *context;
};

#define MODEL_FILE_AUTO __attribute__((cleanup(model_file_release))) struct model_file

/* Opens a file. ERR_MNET_INVALID, ERR_MNET_UNSUPPORTED, ERR_IO, ERR_NO_MEMORY, ERR_LIMIT.
 */
enum status model_file_open(const char *path, struct model_file *ret_file,
                            struct err *err) MUST_USE;

/* The same from bytes, which are copied. */
enum status model_file_open_bytes(const void *data, size_t len,
                                  struct model_file *ret_file, struct err *err) MUST_USE;

void model_file_release(struct model_file *file);

/* Runs the model on picture `index`. ERR_IMAGE_FORMAT when it does not fit the input. */
enum status model_file_run(struct model_file *file, const struct image_set *images,
                           size_t index, struct err *err) MUST_USE;

/* How many classes the first output has. */
size_t model_file_classes(const struct model_file *file);

/* The error of the runtime as ours. */
enum status model_file_error(const struct muster_nn_error *error, struct err *err);

/* How many pictures' most probable class is their label. */
enum status model_file_count_right(struct model_file *file,
                                   const struct image_set *images,
                                   const struct label_set *labels, uint32_t *ret_right,
                                   struct err *err) MUST_USE;

#endif
