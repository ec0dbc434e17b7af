/* SPDX-License-Identifier: Apache-2.0 */
/* onnx: an ONNX file as read, before any meaning is given to it.
 *
 * onnx_read takes the protobuf apart into the structures below, all in one arena whose
 * ceiling bounds what a hostile file can cost. Tensors become f32 or int64; every other
 * element type, external data, sparse tensors, sub-graphs and functions are refused by
 * name. Values are still names here: converter/graph.h resolves them. */
#ifndef MUSTER_CONVERTER_ONNX_H
#define MUSTER_CONVERTER_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "converter/wire.h"

enum { ONNX_MAX_RANK = 6, ONNX_OPSET_MAX = 21 };

struct onnx_tensor {
    const char *name;
    uint32_t rank;
    int64_t dims[ONNX_MAX_RANK]; /* 0 upwards */
    size_t count;                /* elements */
    float *floats;               /* exactly one of the two is set, also for count 0 */
    int64_t *ints;               /* integers and truth values */
};

struct onnx_attr {
    const char *name;
    float f;
    int64_t i;
    const char *s;                    /* NULL if not given */
    const struct onnx_tensor *tensor; /* NULL if not given */
    const float *floats;
    size_t float_count;
    const int64_t *ints;
    size_t int_count;
    bool other; /* holds something that is not read: graphs, strings, sparse tensors */
};

struct onnx_node {
    const char *name, *op, *domain;
    const char **inputs, **outputs; /* "" stands for an absent one */
    size_t input_count, output_count;
    const struct onnx_attr *attrs;
    size_t attr_count;
};

/* An input or output of the graph. */
struct onnx_port {
    const char *name;
    int64_t elem_type; /* 1 is f32 */
    bool has_shape;
    uint32_t rank;
    int64_t dims[ONNX_MAX_RANK]; /* -1: not fixed */
};

struct onnx_model {
    const char *producer;
    int64_t opset; /* of the default domain */
    struct onnx_node *nodes;
    struct onnx_tensor *initializers;
    struct onnx_port *inputs, *outputs;
    size_t node_count, initializer_count, input_count, output_count;
};

/* Reads a whole file. ERR_ONNX_INVALID, ERR_ONNX_UNSUPPORTED, ERR_LIMIT past the arena.
 * The result lives in `arena` and refers to no byte of `data`. */
enum status onnx_read(const void *data, size_t len, struct arena *arena,
                      struct onnx_model *ret_model, struct err *err) MUST_USE;

/* One TensorProto. */
enum status onnx_tensor_read(struct wire wire, struct arena *arena,
                             struct onnx_tensor *ret_tensor, struct err *err) MUST_USE;

/* A text field, NUL-terminated; control characters become '?'. NULL when memory ran out.
 */
const char *onnx_text(struct arena *arena, const struct wire *body);

/* The attribute of this name, or NULL. */
const struct onnx_attr *onnx_attr_find(const struct onnx_node *node, const char *name);
int64_t onnx_attr_int(const struct onnx_node *node, const char *name, int64_t fallback);
float onnx_attr_float(const struct onnx_node *node, const char *name, float fallback);
const char *onnx_attr_text(const struct onnx_node *node, const char *name,
                           const char *fallback);

/* Copies `count` integers of an attribute into `values`; leaves them as they are when it
 * is absent; false when it has another number of them. */
bool onnx_attr_ints(const struct onnx_node *node, const char *name, int64_t *values,
                    size_t count);

/* As err_set with ERR_ONNX_UNSUPPORTED, naming the node, its operator and the opset. */
enum status onnx_refuse(const struct onnx_model *model, const struct onnx_node *node,
                        struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
