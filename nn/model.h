/* SPDX-License-Identifier: Apache-2.0 */
/* model: a model file's tables once they are decoded, and the steps that check them.
 *
 * Opening runs nn_layout_check (header, directory), nn_tables_decode (every record by
 * itself) and nn_graph_check (records against each other), in this order; each may rely
 * on what the one before has established. The tables are read-only afterwards. Weights
 * are not copied: they are read where they lie in the file. */
#ifndef MUSTER_NN_MODEL_H
#define MUSTER_NN_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/nn.h>

#include "nn/format.h"
#include "nn/shape.h"

struct nn_tensor {
    const char *name;
    struct nn_shape shape;
    enum nn_dtype dtype;
    enum nn_place place;
    enum nn_layout layout;
    uint64_t offset; /* in the arena or in the data section */
    uint64_t bytes;
    uint32_t elements;
    float *widened; /* an f16 constant as f32, from the heap; NULL for others */
};

struct nn_node {
    const char *name;
    struct nn_op op; /* attrs point into the model's attrs */
    enum nn_activation activation;
    float act_a, act_b; /* bounds of NN_ACT_CLIP */
    uint32_t first_ref; /* inputs, then the output, in the model's refs */
    uint32_t inputs;
    uint64_t macs;
};

struct nn_port {
    uint32_t tensor;
    bool output;
    enum muster_nn_meaning meaning;         /* outputs */
    struct muster_nn_preprocess preprocess; /* inputs */
};

struct nn_meta {
    const char *key, *value;
};

struct nn_test {
    uint32_t port;
    uint32_t number;
    bool generated;
    uint64_t where;   /* offset in the data section, or the seed */
    float atol, rtol; /* of a generated input: its span, 0 */
};

struct nn_span {
    uint64_t offset;
    uint32_t count;
};

struct muster_nn_model {
    atomic_uint owners;
    const uint8_t *file;
    size_t file_bytes;
    bool mapped; /* munmap when closed */
    struct muster_nn_abilities needs;
    struct nn_span sections[NN_SECTIONS];
    uint64_t arena_bytes, workspace_offset, workspace_bytes, macs, weight_bytes;
    const uint8_t *data; /* the data section */
    uint64_t data_used;  /* bytes of it that constants and tests use so far */
    struct nn_tensor *tensors;
    struct nn_node *nodes;
    uint32_t *refs;
    int32_t *attrs;
    struct nn_port *ports; /* inputs, then outputs */
    uint32_t input_count, output_count;
    struct nn_meta *metas;
    const char **classes;
    struct nn_test *tests;
};

/* How many records a section has. */
static inline uint32_t nn_count(const struct muster_nn_model *model,
                                enum nn_section section)
{
    return model->sections[section].count;
}

/* Records the first failure; returns `status`. */
enum muster_nn_status nn_fail(struct muster_nn_error *error, enum muster_nn_status status,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks the header and directory of model->file and fills needs, sections and the
 * arena's numbers. */
enum muster_nn_status nn_layout_check(struct muster_nn_model *model,
                                      struct muster_nn_error *error);

/* Checks and decodes tensors, nodes, refs, attrs and quants. Allocates at most a small
 * multiple of the file's size. */
enum muster_nn_status nn_tables_decode(struct muster_nn_model *model,
                                       struct muster_nn_error *error);

/* Checks and decodes ports, metas, classes and tests. */
enum muster_nn_status nn_ports_decode(struct muster_nn_model *model,
                                      struct muster_nn_error *error);

/* Checks order, shapes, live ranges, op set and finiteness; sums macs, at most
 * `max_macs`. */
enum muster_nn_status nn_graph_check(struct muster_nn_model *model, uint64_t max_macs,
                                     struct muster_nn_error *error);

/* The text at `offset` of the string section, or NULL if it is not the start of a text.
 */
const char *nn_text(const struct muster_nn_model *model, uint32_t offset);

/* The f32 values of a constant, in whole blocks of 64 bytes. */
static inline const float *nn_constant(const struct muster_nn_model *model,
                                       const struct nn_tensor *tensor)
{
    const void *stored = model->data + tensor->offset;
    return tensor->widened ? tensor->widened : (const float *)stored;
}

#endif
