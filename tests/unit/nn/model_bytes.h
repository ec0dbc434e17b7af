/* SPDX-License-Identifier: Apache-2.0 */
/* model_bytes: a small model file with something in every section, to be damaged by
 * tests. */
#ifndef MUSTER_TESTS_UNIT_NN_MODEL_BYTES_H
#define MUSTER_TESTS_UNIT_NN_MODEL_BYTES_H

#include "nn/crc32c.h"
#include "nn/format.h"
#include "tests/unit/converter/import_run.h"

/* The bytes of a model, in memory aligned to 64. */
struct model_bytes {
    uint8_t *data;
    size_t len;
};

/* Image 1x1x4x4 -> Conv + Relu -> sum with a skipped value -> MaxPool -> Gemm -> Softmax.
 */
static inline struct model_bytes make_model(void)
{
    static const char *const classes[] = {"cat", "dog", "fish"};
    const struct import_options options = {.classes = classes,
                                           .class_count = 3,
                                           .metas = {{"name", "pets"}},
                                           .meta_count = 1};
    uint64_t random = 11;
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 4, (int64_t[]){1, 1, 4, 4});
    random_floats(&b, "w", 4, (int64_t[]){2, 1, 3, 3}, &random);
    random_floats(&b, "b", 1, (int64_t[]){2}, &random);
    attr_ints(&b, "pads", 4, (int64_t[]){1, 1, 1, 1});
    onnx_node(&b, "Conv", "x,w,b", "c");
    onnx_node(&b, "Relu", "c", "r");
    onnx_node(&b, "Add", "r,x", "s");
    attr_ints(&b, "kernel_shape", 2, (int64_t[]){2, 2});
    attr_ints(&b, "strides", 2, (int64_t[]){2, 2});
    onnx_node(&b, "MaxPool", "s", "p");
    onnx_node(&b, "Flatten", "p", "f");
    random_floats(&b, "g", 2, (int64_t[]){8, 3}, &random);
    onnx_node(&b, "Gemm", "f,g", "l");
    onnx_node(&b, "Softmax", "l", "y");
    onnx_output(&b, "y");
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(&b, &options, &file, &err)) {
        fail_msg("%s", err.detail);
    }
    struct model_bytes bytes = {.data = aligned_alloc(64, (file.len + 63) / 64 * 64),
                                .len = file.len};
    assert_non_null(bytes.data);
    memcpy(bytes.data, file.data, file.len);
    return bytes;
}

/* Makes both checksums right again after damage elsewhere. */
static inline void seal(struct model_bytes *bytes)
{
    uint32_t body =
        crc32c(0, bytes->data + NN_HEADER_BYTES, bytes->len - NN_HEADER_BYTES);
    memcpy(bytes->data + NN_H_BODY_CRC, &body, sizeof body);
    memset(bytes->data + NN_H_HEADER_CRC, 0, 4);
    uint32_t header = crc32c(0, bytes->data, NN_HEADER_BYTES);
    memcpy(bytes->data + NN_H_HEADER_CRC, &header, sizeof header);
}

static inline enum muster_nn_status open_bytes(const struct model_bytes *bytes,
                                               struct muster_nn_error *error)
{
    struct muster_nn_model *model = NULL;
    enum muster_nn_status status =
        muster_nn_open_memory(bytes->data, bytes->len, NULL, &model, error);
    muster_nn_close(model);
    return status;
}

/* Where record `index` of a section is. */
static inline uint8_t *record(const struct model_bytes *bytes, enum nn_section section,
                              uint32_t index)
{
    const uint8_t *slot = bytes->data + NN_DIRECTORY_AT + section * NN_SLOT_BYTES;
    return bytes->data + le_u64(slot) + (size_t)index * le_u32(slot + 12);
}

static inline uint32_t record_count(const struct model_bytes *bytes,
                                    enum nn_section section)
{
    return le_u32(bytes->data + NN_DIRECTORY_AT + section * NN_SLOT_BYTES + 8);
}

#endif
