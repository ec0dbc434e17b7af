/* SPDX-License-Identifier: Apache-2.0 */
/* muster/nn.h: runs a CNN from an .mnet file (docs/MNET.md). Needs libc and libm only.
 *
 * A model is opened once, is read-only afterwards and may be shared by threads. Each
 * thread runs it in a context of its own, which lives entirely in memory that the caller
 * gives; its exact size is known after opening. Running allocates nothing, locks nothing,
 * blocks on nothing. Every file is treated as hostile: a bad one gives an error, never a
 * crash.
 *
 * Functions return MUSTER_NN_OK (0) or what failed, with a sentence in `error` (may be
 * NULL); on failure outputs are untouched. Values are f32 in row-major order of the
 * stated shape. Indexes of inputs, outputs and layers count from 0.
 * docs/examples/infer.c is a whole program. */
#ifndef MUSTER_NN_H
#define MUSTER_NN_H

#include <stddef.h>
#include <stdint.h>

#include <muster/nn_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the model file `path`, mapped read-only, and checks all of it. Blocks while
 * reading. `limits` may be NULL. The file must be replaced by rename only while it is
 * open. */
MUSTER_API enum muster_nn_status muster_nn_open(const char *path,
                                                const struct muster_nn_limits *limits,
                                                struct muster_nn_model **ret_model,
                                                struct muster_nn_error *error);

/* As muster_nn_open from memory that is aligned to MUSTER_NN_ALIGNMENT, is borrowed and
 * must stay unchanged until the model is closed. */
MUSTER_API enum muster_nn_status
muster_nn_open_memory(const void *data, size_t bytes,
                      const struct muster_nn_limits *limits,
                      struct muster_nn_model **ret_model, struct muster_nn_error *error);

/* One more owner, who closes it too. Thread-safe. Returns `model`. */
MUSTER_API struct muster_nn_model *muster_nn_retain(struct muster_nn_model *model);

/* Ends one ownership; the last frees. No context over it may be used afterwards. NULL is
 * allowed. */
MUSTER_API void muster_nn_close(struct muster_nn_model *model);

/* How many inputs, outputs and layers the model has. */
MUSTER_API size_t muster_nn_input_count(const struct muster_nn_model *model);
MUSTER_API size_t muster_nn_output_count(const struct muster_nn_model *model);
MUSTER_API size_t muster_nn_layer_count(const struct muster_nn_model *model);

/* Descriptions. MUSTER_NN_ARGUMENT for an index past the end. `ret_preprocess` and
 * `ret_meaning` may be NULL. */
MUSTER_API enum muster_nn_status
muster_nn_describe_input(const struct muster_nn_model *model, size_t input,
                         struct muster_nn_tensor *ret_tensor,
                         struct muster_nn_preprocess *ret_preprocess);
MUSTER_API enum muster_nn_status
muster_nn_describe_output(const struct muster_nn_model *model, size_t output,
                          struct muster_nn_tensor *ret_tensor,
                          enum muster_nn_meaning *ret_meaning);
MUSTER_API enum muster_nn_status
muster_nn_describe_layer(const struct muster_nn_model *model, size_t layer,
                         struct muster_nn_layer *ret_layer);

/* How many class names the model has (0: none), and one of them (NULL past the end). */
MUSTER_API size_t muster_nn_class_count(const struct muster_nn_model *model);
MUSTER_API const char *muster_nn_class_name(const struct muster_nn_model *model,
                                            size_t index);

/* The value of a metadata key such as "name" or "version", or NULL. */
MUSTER_API const char *muster_nn_meta(const struct muster_nn_model *model,
                                      const char *key);

/* The metadata pair at `index`: returns the key and sets the value, NULL past the end. */
MUSTER_API const char *muster_nn_meta_at(const struct muster_nn_model *model,
                                         size_t index, const char **ret_value);

/* Sums over all layers: multiply-accumulates of one run; bytes of constants. */
MUSTER_API uint64_t muster_nn_macs(const struct muster_nn_model *model);
MUSTER_API uint64_t muster_nn_weight_bytes(const struct muster_nn_model *model);

/* Exactly the bytes of memory that a context needs, activations included. */
MUSTER_API size_t muster_nn_arena_bytes(const struct muster_nn_model *model);

/* Makes a context inside `memory` (muster_nn_arena_bytes, aligned to
 * MUSTER_NN_ALIGNMENT). It owns nothing: it ends when the memory does. MUSTER_NN_ARGUMENT
 * if too small or misaligned. */
MUSTER_API enum muster_nn_status
muster_nn_context_init(const struct muster_nn_model *model, void *memory, size_t bytes,
                       struct muster_nn_context **ret_context,
                       struct muster_nn_error *error);

/* As muster_nn_context_init in memory from the heap; ended by muster_nn_context_free. */
MUSTER_API enum muster_nn_status
muster_nn_context_new(const struct muster_nn_model *model,
                      struct muster_nn_context **ret_context,
                      struct muster_nn_error *error);
MUSTER_API void muster_nn_context_free(struct muster_nn_context *context);

/* Sets an input to `count` values (exactly its elements). Inputs must be set anew before
 * every run: running may overwrite them. */
MUSTER_API enum muster_nn_status muster_nn_set_input(struct muster_nn_context *context,
                                                     size_t input, const float *values,
                                                     size_t count,
                                                     struct muster_nn_error *error);

/* Sets item `batch_index` of an image input from an 8-bit image, preprocessed as the
 * model says. Allocates nothing. MUSTER_NN_ARGUMENT for a size that the model cannot take
 * (another one if it does not resize; more than 500 times its own). */
MUSTER_API enum muster_nn_status muster_nn_set_image(struct muster_nn_context *context,
                                                     size_t input, size_t batch_index,
                                                     const struct muster_nn_image *image,
                                                     struct muster_nn_error *error);

/* How many whole windows `samples` samples hold for an input that takes windows of a
 * series: window i begins at sample i * hop. 0 for other inputs. */
MUSTER_API size_t muster_nn_window_count(const struct muster_nn_model *model,
                                         size_t input, size_t samples);

/* Sets item `batch_index` of such an input to window `index` of `series`, preprocessed as
 * the model says. MUSTER_NN_ARGUMENT for a window that the series does not hold. */
MUSTER_API enum muster_nn_status
muster_nn_set_window(struct muster_nn_context *context, size_t input, size_t batch_index,
                     const struct muster_nn_series *series, size_t index,
                     struct muster_nn_error *error);

/* Computes all outputs. */
MUSTER_API enum muster_nn_status muster_nn_run(struct muster_nn_context *context,
                                               struct muster_nn_error *error);

/* The values of an output, valid until the next run or set; NULL past the end. */
MUSTER_API const float *muster_nn_output(const struct muster_nn_context *context,
                                         size_t output, size_t *ret_count);

/* Class probabilities of item `batch_index`: the last dimension of `output`, through
 * softmax if the model says that it has logits. `count` is exactly that dimension. */
MUSTER_API enum muster_nn_status
muster_nn_probabilities(const struct muster_nn_context *context, size_t output,
                        size_t batch_index, float *ret_probabilities, size_t count,
                        struct muster_nn_error *error);

/* Runs every self-test of the file in `context` and compares. MUSTER_NN_SELFTEST names
 * the worst value. OK with `*ret_tests` 0 when the file has none; ret_tests may be NULL.
 */
MUSTER_API enum muster_nn_status muster_nn_verify(struct muster_nn_context *context,
                                                  size_t *ret_tests,
                                                  struct muster_nn_error *error);

/* Has `hook` called after each layer of later runs; NULL ends it. */
MUSTER_API void muster_nn_set_hook(struct muster_nn_context *context,
                                   muster_nn_hook *hook, void *user);

/* Of this library: the newest file it reads, all it can do. */
MUSTER_API struct muster_nn_abilities muster_nn_runtime(void);

/* Of a model: what it needs. */
MUSTER_API struct muster_nn_abilities
muster_nn_needs(const struct muster_nn_model *model);

#ifdef __cplusplus
}
#endif

#endif
