/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/onnx.h"

#include <string.h>

/* TensorProto.DataType */
enum { TYPE_FLOAT = 1, TYPE_INT32 = 6, TYPE_INT64 = 7, TYPE_BOOL = 9, TYPE_DOUBLE = 11 };

/* TensorProto's fields */
enum {
    FIELD_DIMS = 1,
    FIELD_TYPE = 2,
    FIELD_SEGMENT = 3,
    FIELD_FLOAT_DATA = 4,
    FIELD_INT32_DATA = 5,
    FIELD_INT64_DATA = 7,
    FIELD_NAME = 8,
    FIELD_RAW_DATA = 9,
    FIELD_DOUBLE_DATA = 10,
    FIELD_EXTERNAL = 13,
    FIELD_LOCATION = 14
};

static const size_t count_max = (size_t)1 << 30;

struct tensor_reader {
    struct wire message;
    struct arena *arena;
    struct onnx_tensor tensor;
    int64_t type;
    bool has_raw;
    struct wire raw;
    struct err *err;
};

static bool is_float(int64_t type)
{
    return type == TYPE_FLOAT || type == TYPE_DOUBLE;
}

/* Adds one dimension or, packed, several. */
static enum status add_dims(struct tensor_reader *reader, const struct wire_field *field)
{
    struct wire body = field->body;
    bool packed = field->type == WIRE_BYTES;
    do {
        uint64_t value = field->value;
        if (packed && wire_left(&body) == 0) {
            return OK;
        }
        if (packed && !wire_varint(&body, &value)) {
            return err_set(reader->err, ERR_ONNX_INVALID,
                           "a tensor's dimensions are cut off");
        }
        if (reader->tensor.rank == ONNX_MAX_RANK) {
            return err_set(reader->err, ERR_ONNX_UNSUPPORTED, "a tensor of rank over %d",
                           ONNX_MAX_RANK);
        }
        if (value > count_max) {
            return err_set(reader->err, ERR_ONNX_INVALID,
                           "a tensor's dimension is negative or too large");
        }
        reader->tensor.dims[reader->tensor.rank++] = (int64_t)value;
    } while (packed);
    return OK;
}

static enum status read_header_field(struct tensor_reader *reader,
                                     const struct wire_field *field)
{
    switch (field->number) {
    case FIELD_DIMS:
        return add_dims(reader, field);
    case FIELD_TYPE:
        reader->type = (int64_t)field->value;
        return OK;
    case FIELD_NAME:
        reader->tensor.name = onnx_text(reader->arena, &field->body);
        return reader->tensor.name ? OK
                                   : err_set(reader->err, ERR_LIMIT, "out of memory");
    case FIELD_RAW_DATA:
        reader->has_raw = true;
        reader->raw = field->body;
        return OK;
    case FIELD_SEGMENT:
    case FIELD_EXTERNAL:
        return err_set(reader->err, ERR_ONNX_UNSUPPORTED,
                       "tensor '%s' has its data in another file or in segments",
                       reader->tensor.name);
    case FIELD_LOCATION:
        return field->value == 0 ? OK
                                 : err_set(reader->err, ERR_ONNX_UNSUPPORTED,
                                           "tensor '%s' has its data in another file",
                                           reader->tensor.name);
    default: /* a number from the file: documentation and data, which is read later */
        return OK;
    }
}

static enum status allocate(struct tensor_reader *reader)
{
    struct onnx_tensor *tensor = &reader->tensor;
    tensor->count = 1;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        tensor->count *= (size_t)tensor->dims[d];
        if (tensor->count > count_max) {
            return err_set(reader->err, ERR_ONNX_INVALID, "tensor '%s' is too large",
                           tensor->name);
        }
    }
    /* The data must be in the file: no more memory than the file itself has bytes for. */
    if (tensor->count > wire_left(&reader->message)) {
        return err_set(reader->err, ERR_ONNX_INVALID,
                       "tensor '%s' states more elements than it has", tensor->name);
    }
    size_t room = tensor->count ? tensor->count : 1;
    if (is_float(reader->type)) {
        tensor->floats = arena_array(reader->arena, room, sizeof *tensor->floats);
    } else {
        tensor->ints = arena_array(reader->arena, room, sizeof *tensor->ints);
    }
    return tensor->floats || tensor->ints
               ? OK
               : err_set(reader->err, ERR_LIMIT, "the file needs too much memory");
}

/* Element `i` from its bits, as the tensor's type says. */
static void store(struct tensor_reader *reader, size_t i, uint64_t bits)
{
    struct onnx_tensor *tensor = &reader->tensor;
    uint32_t low = (uint32_t)bits;
    if (reader->type == TYPE_FLOAT) {
        memcpy(&tensor->floats[i], &low, sizeof low);
    } else if (reader->type == TYPE_DOUBLE) {
        double value;
        memcpy(&value, &bits, sizeof value);
        tensor->floats[i] = (float)value;
    } else if (reader->type == TYPE_INT32) {
        tensor->ints[i] = (int32_t)low;
    } else {
        tensor->ints[i] = (int64_t)bits;
    }
}

static size_t raw_width(int64_t type)
{
    switch (type) {
    case TYPE_FLOAT:
    case TYPE_INT32:
        return 4;
    case TYPE_BOOL:
        return 1;
    default: /* a number from the file, checked before: 64-bit types */
        return 8;
    }
}

static enum status read_raw(struct tensor_reader *reader)
{
    size_t width = raw_width(reader->type);
    if (wire_left(&reader->raw) != reader->tensor.count * width) {
        return err_set(reader->err, ERR_ONNX_INVALID,
                       "tensor '%s' has %zu bytes for %zu elements", reader->tensor.name,
                       wire_left(&reader->raw), reader->tensor.count);
    }
    for (size_t i = 0; i < reader->tensor.count; i++) {
        uint64_t bits = 0;
        for (size_t b = 0; b < width; b++) {
            bits |= (uint64_t)reader->raw.at[i * width + b] << (8 * b);
        }
        store(reader, i, bits);
    }
    return OK;
}

static uint32_t data_field(int64_t type)
{
    switch (type) {
    case TYPE_FLOAT:
        return FIELD_FLOAT_DATA;
    case TYPE_DOUBLE:
        return FIELD_DOUBLE_DATA;
    case TYPE_INT64:
        return FIELD_INT64_DATA;
    default: /* a number from the file, checked before: int32 and bool */
        return FIELD_INT32_DATA;
    }
}

/* One element out of a packed body. */
static bool packed_next(const struct tensor_reader *reader, struct wire *body,
                        uint64_t *bits)
{
    if (!is_float(reader->type)) {
        return wire_varint(body, bits);
    }
    size_t width = raw_width(reader->type);
    if (wire_left(body) < width) {
        return false;
    }
    *bits = 0;
    for (size_t b = 0; b < width; b++) {
        *bits |= (uint64_t)*body->at++ << (8 * b);
    }
    return true;
}

/* The elements of one field of typed data, from `*filled` on. */
static bool take_elements(struct tensor_reader *reader, const struct wire_field *field,
                          size_t *filled)
{
    if (field->type != WIRE_BYTES) {
        if (*filled == reader->tensor.count) {
            return false;
        }
        store(reader, (*filled)++, field->value);
        return true;
    }
    struct wire body = field->body;
    while (wire_left(&body) > 0) {
        uint64_t bits;
        if (*filled == reader->tensor.count || !packed_next(reader, &body, &bits)) {
            return false;
        }
        store(reader, (*filled)++, bits);
    }
    return true;
}

static enum status read_typed(struct tensor_reader *reader)
{
    struct wire message = reader->message;
    struct wire_field field;
    size_t filled = 0;
    bool good = true;
    while (good && wire_next(&message, &field) == WIRE_FIELD) {
        if (field.number == data_field(reader->type)) {
            good = take_elements(reader, &field, &filled);
        }
    }
    if (!good || filled != reader->tensor.count) {
        return err_set(reader->err, ERR_ONNX_INVALID,
                       "tensor '%s' does not have the %zu elements that it states",
                       reader->tensor.name, reader->tensor.count);
    }
    return OK;
}

enum status onnx_tensor_read(struct wire wire, struct arena *arena,
                             struct onnx_tensor *ret_tensor, struct err *err)
{
    struct tensor_reader reader = {
        .message = wire, .arena = arena, .tensor = {.name = ""}, .err = err};
    struct wire_field field;
    enum wire_step step;
    while ((step = wire_next(&wire, &field)) == WIRE_FIELD) {
        enum status status = read_header_field(&reader, &field);
        if (status) {
            return status;
        }
    }
    if (step == WIRE_MALFORMED) {
        return err_set(err, ERR_ONNX_INVALID, "a tensor is malformed");
    }
    if (!is_float(reader.type) && reader.type != TYPE_INT32 &&
        reader.type != TYPE_INT64 && reader.type != TYPE_BOOL) {
        return err_set(err, ERR_ONNX_UNSUPPORTED, "tensor '%s' has the element type %lld",
                       reader.tensor.name, (long long)reader.type);
    }
    enum status status = allocate(&reader);
    if (!status) {
        status = reader.has_raw ? read_raw(&reader) : read_typed(&reader);
    }
    if (!status) {
        *ret_tensor = reader.tensor;
    }
    return status;
}
