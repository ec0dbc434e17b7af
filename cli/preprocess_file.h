/* SPDX-License-Identifier: Apache-2.0 */
/* preprocess_file: how a model's first input is made, as JSON: read from the file that a
 * training script writes, and shown of a model. docs/guides/own-model.md lists the
 * members; all are optional.
 *
 *   {"input": "rgb", "fit": "crop", "shorter_side": 256, "mean": [0.5, 0.4, 0.3]} */
#ifndef MUSTER_CLI_PREPROCESS_FILE_H
#define MUSTER_CLI_PREPROCESS_FILE_H

#include <jansson.h>

#include "base/err.h"
#include "converter/import.h"

/* Sets what the file says; the rest of `options` stays. ERR_NOT_FOUND, ERR_IO;
 * ERR_USAGE for JSON that is none of ours, naming the member. */
enum status preprocess_file_read(const char *path, struct import_options *options,
                                 struct err *err) MUST_USE;

/* The same members of a model's input; NULL without memory. */
json_t *preprocess_json(const struct muster_nn_preprocess *preprocess);

#endif
