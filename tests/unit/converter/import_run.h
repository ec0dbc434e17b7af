/* SPDX-License-Identifier: Apache-2.0 */
/* import_run: imports what an onnx_builder holds and runs it, for tests. */
#ifndef MUSTER_TESTS_UNIT_CONVERTER_IMPORT_RUN_H
#define MUSTER_TESTS_UNIT_CONVERTER_IMPORT_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <muster/nn.h>

#include "converter/import.h"
#include "tests/unit/converter/onnx_builder.h"

/* Imports and releases the builder; the detail of a refusal is in `err`. */
static inline enum status import_built(struct onnx_builder *b,
                                       const struct import_options *options,
                                       struct buf *file, struct err *err)
{
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    onnx_finish(b, &onnx);
    return import_onnx(onnx.data, onnx.len, options, file, NULL, err);
}

/* An opened model in aligned memory. */
struct opened {
    void *memory;
    struct muster_nn_model *model;
    struct muster_nn_context *context;
};

static inline struct opened open_built(const struct buf *file)
{
    struct opened opened = {.memory = aligned_alloc(64, (file->len + 63) / 64 * 64)};
    struct muster_nn_error error = {0};
    assert_non_null(opened.memory);
    memcpy(opened.memory, file->data, file->len);
    if (muster_nn_open_memory(opened.memory, file->len, NULL, &opened.model, &error)) {
        fail_msg("%s", error.detail);
    }
    assert_int_equal(muster_nn_context_new(opened.model, &opened.context, &error), 0);
    return opened;
}

static inline void close_built(struct opened *opened)
{
    muster_nn_context_free(opened->context);
    muster_nn_close(opened->model);
    free(opened->memory);
}

/* Imports, runs on `input` and compares the first output with `expected`. */
static inline void expect_output(struct onnx_builder *b, const float *input,
                                 const float *expected, size_t count)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    if (import_built(b, &(struct import_options){0}, &file, &err)) {
        fail_msg("%s", err.detail);
    }
    struct opened opened = open_built(&file);
    struct muster_nn_tensor tensor;
    struct muster_nn_preprocess preprocess;
    size_t got_count = 0;
    assert_int_equal(muster_nn_describe_input(opened.model, 0, &tensor, &preprocess), 0);
    assert_int_equal(muster_nn_set_input(opened.context, 0, input, tensor.elements, NULL),
                     0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    const float *got = muster_nn_output(opened.context, 0, &got_count);
    assert_int_equal(got_count, count);
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(got[i] - expected[i]) < 1e-5f)) {
            fail_msg("value %zu is %g instead of %g", i, (double)got[i],
                     (double)expected[i]);
        }
    }
    close_built(&opened);
}

/* The import must be refused with this status and these words. */
static inline void expect_refusal(struct onnx_builder *b, enum status status,
                                  const char *words)
{
    struct err err = {0};
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    assert_int_equal(import_built(b, &(struct import_options){0}, &file, &err), status);
    if (!strstr(err.detail, words)) {
        fail_msg("'%s' does not say '%s'", err.detail, words);
    }
    assert_int_equal(file.len, 0);
}

/* A random number in [low, high], from a state that the test owns. */
static inline int64_t pick(uint64_t *state, int64_t low, int64_t high)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (int64_t)((*state >> 33) % (uint64_t)(high - low + 1));
}

/* `count` random values in [-1, 1]; the caller frees. */
static inline float *pick_values(uint64_t *state, size_t count)
{
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)pick(state, -1000, 1000) / 1000.0f;
    }
    return values;
}

/* An initializer of random values. */
static inline void random_floats(struct onnx_builder *b, const char *name, size_t rank,
                                 const int64_t *dims, uint64_t *state)
{
    size_t count = 1;
    for (size_t d = 0; d < rank; d++) {
        count *= (size_t)dims[d];
    }
    float *values = pick_values(state, count);
    onnx_floats(b, name, rank, dims, values);
    free(values);
}

#endif
