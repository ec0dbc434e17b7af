/* SPDX-License-Identifier: Apache-2.0 */
/* import: an ONNX file becomes a model file, or is refused.
 *
 * Read, resolve, lower, improve, plan, write; then the file is opened by the runtime that
 * nodes use and its outputs on generated inputs are held against the plain interpretation
 * of the original graph. Only a file that agrees is handed out. What is not known is
 * refused by node, operator and opset. Nothing here writes to disk. */
#ifndef MUSTER_CONVERTER_IMPORT_H
#define MUSTER_CONVERTER_IMPORT_H

#include <muster/nn_types.h>

#include "base/buf.h"
#include "base/err.h"
#include "converter/write.h"

/* How the first input is fed. AUTO: an image when its shape is Nx1xHxW (grey) or Nx3xHxW
 * (RGB), or the same with channels last; plain numbers otherwise. */
enum import_input {
    IMPORT_INPUT_AUTO,
    IMPORT_PLAIN,
    IMPORT_GREY,
    IMPORT_RGB,
    IMPORT_BGR,
    IMPORT_SERIES
};

/* What the first output means. AUTO: probabilities when a Softmax makes it, logits when
 * there are class names, plain values otherwise. */
enum import_output {
    IMPORT_OUTPUT_AUTO,
    IMPORT_VALUES,
    IMPORT_PROBABILITIES,
    IMPORT_LOGITS
};

enum { IMPORT_METAS_MAX = 16 };

/* The shape of an input that leaves dimensions open, by name; NULL is the first one. */
struct import_shape {
    const char *input;
    struct nn_shape shape;
};

/* Zero-initialised: everything by default. */
struct import_options {
    uint32_t batch; /* for an unknown first dimension; 0 is 1 */
    const struct import_shape *shapes;
    size_t shape_count;
    enum import_input input;
    enum import_output output;
    float scale; /* 0 is 1/255 for images, 1 for a series */
    float mean[MUSTER_NN_MAX_CHANNELS], std[MUSTER_NN_MAX_CHANNELS]; /* std 0 is 1 */
    enum muster_nn_fit fit;
    enum muster_nn_interpolation interpolation;  /* none is ANTIALIAS if `fit` resizes */
    uint32_t denoise, shorter_side, window, hop; /* as in muster_nn_preprocess */
    uint8_t fill;
    bool normalise_window;
    const char *const *classes;
    size_t class_count;
    struct write_meta metas[IMPORT_METAS_MAX]; /* name, version, … in any order */
    size_t meta_count;
    const struct onnx_tensor *fixed; /* by name: inputs that become constants */
    size_t fixed_count;
    bool rows;           /* no packed layouts: every runtime of format 1 runs the file */
    bool half;           /* weights as f16, half the file */
    size_t memory_bytes; /* most memory it may take; 0: 4 GiB, with 32 bits 2 */
    uint64_t steps;      /* most steps of interpretation; 0 is 4e10 */
};

struct import_summary {
    int64_t opset;
    size_t onnx_nodes, layers;
    uint64_t macs, arena_bytes, weight_bytes, file_bytes;
    unsigned checks; /* generated inputs that were compared */
    double worst;    /* largest difference, as part of its output's range */
};

/* Converts `len` bytes of ONNX; appends the file to `ret_file`. ERR_ONNX_INVALID,
 * ERR_ONNX_UNSUPPORTED, ERR_LIMIT, or ERR_MNET_SELFTEST when the outputs disagree. */
enum status import_onnx(const void *onnx, size_t len,
                        const struct import_options *options, struct buf *ret_file,
                        struct import_summary *ret_summary, struct err *err) MUST_USE;

#endif
