/* SPDX-License-Identifier: Apache-2.0 */
/* write: puts a planned graph into the bytes of docs/MNET.md. The same graph and
 * description always give the same bytes. */
#ifndef MUSTER_CONVERTER_WRITE_H
#define MUSTER_CONVERTER_WRITE_H

#include <muster/nn_types.h>

#include "base/buf.h"
#include "converter/ir.h"

struct write_meta {
    const char *key, *value;
};

/* Stored outputs of one self-test whose inputs are generated from `seed`, or stored too
 * where `inputs` is not NULL: `outputs[i]` are the values of output i. */
struct write_test {
    uint64_t seed;
    float span;
    const float *const *inputs;
    const float *const *outputs;
    const float *atol; /* by output */
    float rtol;
};

/* What the file says besides the graph. */
struct write_description {
    const struct muster_nn_preprocess *preprocess; /* of the first input */
    enum muster_nn_meaning meaning;                /* of the first output */
    const struct write_meta *metas;                /* ascending by key */
    size_t meta_count;
    const char *const *classes;
    size_t class_count;
    const struct write_test *tests;
    size_t test_count;
};

/* Appends the file to `ret_file`. ERR_LIMIT past the buffer's ceiling or a limit of the
 * format. */
enum status write_model(const struct ir *ir, const struct write_description *description,
                        struct arena *arena, struct buf *ret_file,
                        struct err *err) MUST_USE;

#endif
