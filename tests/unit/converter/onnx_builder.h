/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_builder: writes small ONNX files for tests, field by field.
 *
 *   struct onnx_builder b = onnx_begin(13);
 *   onnx_input(&b, "x", 4, (int64_t[]){1, 1, 4, 4});
 *   attr_ints(&b, "kernel_shape", 2, (int64_t[]){2, 2});      attributes of the next node
 *   onnx_node(&b, "MaxPool", "x", "y");
 *   onnx_output(&b, "y");
 *   onnx_finish(&b, &file);
 *
 * A dimension of -1 is a name ("N"). Names of inputs and outputs are joined by commas; an
 * empty one is absent. */
#ifndef MUSTER_TESTS_UNIT_CONVERTER_ONNX_BUILDER_H
#define MUSTER_TESTS_UNIT_CONVERTER_ONNX_BUILDER_H

#include <stdint.h>
#include <string.h>

#include "tests/unit/converter/pb.h"

enum { BUILDER_MAX = 1 << 24 };

struct onnx_builder {
    int64_t opset;
    struct buf graph; /* fields of GraphProto */
    struct buf attrs; /* fields of the next NodeProto */
};

static inline struct onnx_builder onnx_begin(int64_t opset)
{
    return (struct onnx_builder){
        .opset = opset, .graph = BUF_INIT(BUILDER_MAX), .attrs = BUF_INIT(BUILDER_MAX)};
}

static inline void onnx_port(struct onnx_builder *b, uint32_t field, const char *name,
                             size_t rank, const int64_t *dims)
{
    struct buf shape = BUF_INIT(BUILDER_MAX), tensor = BUF_INIT(BUILDER_MAX);
    struct buf type = BUF_INIT(BUILDER_MAX), port = BUF_INIT(BUILDER_MAX);
    for (size_t d = 0; d < rank; d++) {
        struct buf dim = BUF_INIT(BUILDER_MAX);
        if (dims[d] < 0) {
            pb_text(&dim, 2, "N");
        } else {
            pb_int(&dim, 1, dims[d]);
        }
        pb_message(&shape, 1, &dim);
    }
    pb_int(&tensor, 1, 1);
    pb_message(&tensor, 2, &shape);
    pb_message(&type, 1, &tensor);
    pb_text(&port, 1, name);
    pb_message(&port, 2, &type);
    pb_message(&b->graph, field, &port);
}

static inline void onnx_input(struct onnx_builder *b, const char *name, size_t rank,
                              const int64_t *dims)
{
    onnx_port(b, 11, name, rank, dims);
}

static inline void onnx_output(struct onnx_builder *b, const char *name)
{
    onnx_port(b, 12, name, 0, NULL);
}

/* A TensorProto of f32 (type 1) or int64 (type 7) in raw form. */
static inline struct buf onnx_tensor_raw(const char *name, int64_t type, size_t rank,
                                         const int64_t *dims, const void *values)
{
    struct buf tensor = BUF_INIT(BUILDER_MAX);
    size_t count = 1;
    for (size_t d = 0; d < rank; d++) {
        pb_int(&tensor, 1, dims[d]);
        count *= (size_t)dims[d];
    }
    pb_int(&tensor, 2, type);
    pb_text(&tensor, 8, name);
    pb_bytes(&tensor, 9, values, count * (type == 1 ? 4 : 8));
    return tensor;
}

static inline void onnx_floats(struct onnx_builder *b, const char *name, size_t rank,
                               const int64_t *dims, const float *values)
{
    struct buf tensor = onnx_tensor_raw(name, 1, rank, dims, values);
    pb_message(&b->graph, 5, &tensor);
}

static inline void onnx_ints(struct onnx_builder *b, const char *name, size_t count,
                             const int64_t *values)
{
    struct buf tensor = onnx_tensor_raw(name, 7, 1, (int64_t[]){(int64_t)count}, values);
    pb_message(&b->graph, 5, &tensor);
}

static inline struct buf attr_begin(const char *name)
{
    struct buf attr = BUF_INIT(BUILDER_MAX);
    pb_text(&attr, 1, name);
    return attr;
}

static inline void attr_int(struct onnx_builder *b, const char *name, int64_t value)
{
    struct buf attr = attr_begin(name);
    pb_int(&attr, 3, value);
    pb_message(&b->attrs, 5, &attr);
}

static inline void attr_float(struct onnx_builder *b, const char *name, float value)
{
    struct buf attr = attr_begin(name);
    pb_varint(&attr, 2 << 3 | 5);
    buf_add(&attr, &value, sizeof value);
    pb_message(&b->attrs, 5, &attr);
}

static inline void attr_text(struct onnx_builder *b, const char *name, const char *value)
{
    struct buf attr = attr_begin(name);
    pb_text(&attr, 4, value);
    pb_message(&b->attrs, 5, &attr);
}

static inline void attr_ints(struct onnx_builder *b, const char *name, size_t count,
                             const int64_t *values)
{
    struct buf attr = attr_begin(name);
    for (size_t i = 0; i < count; i++) {
        pb_int(&attr, 8, values[i]);
    }
    pb_message(&b->attrs, 5, &attr);
}

static inline void attr_tensor(struct onnx_builder *b, const char *name,
                               struct buf *tensor)
{
    struct buf attr = attr_begin(name);
    pb_message(&attr, 5, tensor);
    pb_message(&b->attrs, 5, &attr);
}

static inline void onnx_node(struct onnx_builder *b, const char *op, const char *inputs,
                             const char *outputs)
{
    struct buf node = BUF_INIT(BUILDER_MAX);
    const char *lists[] = {inputs, outputs};
    for (uint32_t field = 1; field <= 2; field++) {
        for (const char *at = lists[field - 1]; at && *lists[field - 1];) {
            size_t len = strcspn(at, ",");
            pb_bytes(&node, field, at, len);
            at = at[len] ? at + len + 1 : NULL;
        }
    }
    pb_text(&node, 3, op);
    pb_text(&node, 4, op);
    buf_add(&node, b->attrs.data ? b->attrs.data : "", b->attrs.len);
    buf_release(&b->attrs);
    pb_message(&b->graph, 1, &node);
}

/* Appends the ModelProto to `file` and releases the builder. */
static inline void onnx_finish(struct onnx_builder *b, struct buf *file)
{
    struct buf opset = BUF_INIT(BUILDER_MAX);
    pb_int(&opset, 2, b->opset);
    pb_int(file, 1, 7);
    pb_message(file, 8, &opset);
    pb_message(file, 7, &b->graph);
}

#endif
