/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/onnx.h"

#include <stdio.h>
#include <string.h>

struct reader {
    struct arena *arena;
    struct onnx_model *model;
    struct err *err;
};

static enum status malformed(const struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_ONNX_INVALID, "%s is malformed", what);
}

static enum status no_memory(const struct reader *reader)
{
    return err_set(reader->err, ERR_LIMIT, "the file needs too much memory");
}

/* Room for the fields of one number of a message. */
static enum status make_room(const struct reader *reader, struct wire message,
                             uint32_t number, size_t item_bytes, void **ret_items)
{
    size_t count;
    if (!wire_count(message, number, &count)) {
        return malformed(reader, "a message");
    }
    *ret_items = arena_array(reader->arena, count + 1, item_bytes);
    return *ret_items ? OK : no_memory(reader);
}

/* How many numbers the fields of one number hold, packed or not, at most. */
static size_t numbers_at_most(struct wire message, uint32_t number)
{
    size_t count = 0;
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        if (field.number == number) {
            count += field.type == WIRE_BYTES ? wire_left(&field.body) : 1;
        }
    }
    return count;
}

static float float_of(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static enum status add_floats(const struct reader *reader, struct onnx_attr *attr,
                              float *floats, const struct wire_field *field)
{
    if (field->type == WIRE_FIXED32) {
        floats[attr->float_count++] = float_of(field->value);
        return OK;
    }
    if (field->type != WIRE_BYTES || wire_left(&field->body) % 4 != 0) {
        return malformed(reader, "a list of floats");
    }
    for (const uint8_t *at = field->body.at; at < field->body.end; at += 4) {
        uint64_t bits =
            at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
        floats[attr->float_count++] = float_of(bits);
    }
    return OK;
}

static enum status add_ints(const struct reader *reader, struct onnx_attr *attr,
                            int64_t *ints, const struct wire_field *field)
{
    if (field->type == WIRE_VARINT) {
        ints[attr->int_count++] = (int64_t)field->value;
        return OK;
    }
    struct wire body = field->body;
    while (wire_left(&body) > 0) {
        uint64_t value;
        if (!wire_varint(&body, &value)) {
            return malformed(reader, "a list of integers");
        }
        ints[attr->int_count++] = (int64_t)value;
    }
    return OK;
}

/* What the repeated fields of one attribute are put into. */
struct attr_room {
    float *floats;
    int64_t *ints;
};

static enum status read_attr_field(const struct reader *reader,
                                   const struct wire_field *field,
                                   const struct attr_room *room, struct onnx_attr *attr)
{
    struct onnx_tensor *tensor;
    switch (field->number) {
    case 1:
        attr->name = onnx_text(reader->arena, &field->body);
        return attr->name ? OK : no_memory(reader);
    case 2:
        attr->f = float_of(field->value);
        return OK;
    case 3:
        attr->i = (int64_t)field->value;
        return OK;
    case 4:
        attr->s = onnx_text(reader->arena, &field->body);
        return attr->s ? OK : no_memory(reader);
    case 5:
        tensor = arena_alloc(reader->arena, sizeof *tensor);
        attr->tensor = tensor;
        return tensor ? onnx_tensor_read(field->body, reader->arena, tensor, reader->err)
                      : no_memory(reader);
    case 7:
        return add_floats(reader, attr, room->floats, field);
    case 8:
        return add_ints(reader, attr, room->ints, field);
    case 13: /* documentation */
    case 20: /* the type, which the fields tell as well */
        return OK;
    default: /* a number from the file */
        attr->other = true;
        return OK;
    }
}

static enum status read_attr(const struct reader *reader, struct wire message,
                             struct onnx_attr *attr)
{
    struct attr_room room = {
        .floats =
            arena_array(reader->arena, numbers_at_most(message, 7) + 1, sizeof(float)),
        .ints =
            arena_array(reader->arena, numbers_at_most(message, 8) + 1, sizeof(int64_t)),
    };
    if (!room.floats || !room.ints) {
        return no_memory(reader);
    }
    *attr = (struct onnx_attr){.name = "", .floats = room.floats, .ints = room.ints};
    struct wire_field field;
    enum wire_step step;
    while ((step = wire_next(&message, &field)) == WIRE_FIELD) {
        enum status status = read_attr_field(reader, &field, &room, attr);
        if (status) {
            return status;
        }
    }
    return step == WIRE_END ? OK : malformed(reader, "an attribute");
}

static enum status read_node_field(const struct reader *reader,
                                   const struct wire_field *field,
                                   struct onnx_attr *attrs, struct onnx_node *node)
{
    if (field->number == 5) {
        return read_attr(reader, field->body, &attrs[node->attr_count++]);
    }
    const char *text = "";
    if (field->number != 6) {
        text = onnx_text(reader->arena, &field->body);
    }
    if (!text) {
        return no_memory(reader);
    }
    switch (field->number) {
    case 1:
        node->inputs[node->input_count++] = text;
        return OK;
    case 2:
        node->outputs[node->output_count++] = text;
        return OK;
    case 3:
        node->name = text;
        return OK;
    case 4:
        node->op = text;
        return OK;
    case 7:
        node->domain = text;
        return OK;
    default: /* a number from the file */
        return OK;
    }
}

static enum status read_node(const struct reader *reader, struct wire message,
                             struct onnx_node *node)
{
    *node = (struct onnx_node){.name = "", .op = "", .domain = ""};
    void *inputs, *outputs, *attrs;
    enum status status = make_room(reader, message, 1, sizeof *node->inputs, &inputs);
    if (!status) {
        status = make_room(reader, message, 2, sizeof *node->outputs, &outputs);
    }
    if (!status) {
        status = make_room(reader, message, 5, sizeof *node->attrs, &attrs);
    }
    if (status) {
        return status;
    }
    node->inputs = inputs;
    node->outputs = outputs;
    node->attrs = attrs;
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        status = read_node_field(reader, &field, attrs, node);
        if (status) {
            return status;
        }
    }
    return OK;
}

/* A nested message by its field number; an empty one when it is absent. */
static struct wire nested(struct wire message, uint32_t number)
{
    struct wire found = {0};
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES) {
            found = field.body;
        }
    }
    return found;
}

/* TensorShapeProto.Dimension: its value, or -1 for a name or nothing. */
static int64_t read_dim(struct wire message)
{
    int64_t dim = -1;
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        if (field.number == 1 && field.type == WIRE_VARINT) {
            dim = (int64_t)field.value;
        }
    }
    return dim > 0 ? dim : -1;
}

static enum status read_shape(const struct reader *reader, struct wire shape,
                              struct onnx_port *port)
{
    struct wire_field field;
    while (wire_next(&shape, &field) == WIRE_FIELD) {
        if (field.number != 1) {
            continue;
        }
        if (port->rank == ONNX_MAX_RANK) {
            return err_set(reader->err, ERR_ONNX_UNSUPPORTED, "'%s' has a rank over %d",
                           port->name, ONNX_MAX_RANK);
        }
        port->dims[port->rank++] = read_dim(field.body);
    }
    return OK;
}

static enum status read_port(const struct reader *reader, struct wire message,
                             struct onnx_port *port)
{
    struct wire name = nested(message, 1), tensor = nested(nested(message, 2), 1);
    *port = (struct onnx_port){.name = onnx_text(reader->arena, &name)};
    if (!port->name) {
        return no_memory(reader);
    }
    struct wire_field field;
    while (wire_next(&tensor, &field) == WIRE_FIELD) {
        if (field.number == 1) {
            port->elem_type = (int64_t)field.value;
        }
        if (field.number == 2) {
            port->has_shape = true;
            port->rank = 0;
            enum status status = read_shape(reader, field.body, port);
            if (status) {
                return status;
            }
        }
    }
    return OK;
}

static enum status read_graph_field(const struct reader *reader,
                                    const struct wire_field *field)
{
    struct onnx_model *model = reader->model;
    switch (field->number) {
    case 1:
        return read_node(reader, field->body, &model->nodes[model->node_count++]);
    case 5:
        return onnx_tensor_read(field->body, reader->arena,
                                &model->initializers[model->initializer_count++],
                                reader->err);
    case 11:
        return read_port(reader, field->body, &model->inputs[model->input_count++]);
    case 12:
        return read_port(reader, field->body, &model->outputs[model->output_count++]);
    case 15:
        return err_set(reader->err, ERR_ONNX_UNSUPPORTED, "sparse initializers");
    default: /* a number from the file: name, documentation, shapes that are inferred anew
              */
        return OK;
    }
}

static enum status read_graph(const struct reader *reader, struct wire message)
{
    struct onnx_model *model = reader->model;
    void *nodes, *initializers, *inputs, *outputs;
    enum status status = make_room(reader, message, 1, sizeof *model->nodes, &nodes);
    if (!status) {
        status =
            make_room(reader, message, 5, sizeof *model->initializers, &initializers);
    }
    if (!status) {
        status = make_room(reader, message, 11, sizeof *model->inputs, &inputs);
    }
    if (!status) {
        status = make_room(reader, message, 12, sizeof *model->outputs, &outputs);
    }
    if (status) {
        return status;
    }
    model->nodes = nodes;
    model->initializers = initializers;
    model->inputs = inputs;
    model->outputs = outputs;
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        status = read_graph_field(reader, &field);
        if (status) {
            return status;
        }
    }
    return OK;
}

static enum status read_opset(const struct reader *reader, struct wire message)
{
    struct wire domain = nested(message, 1);
    const char *name = onnx_text(reader->arena, &domain);
    if (!name) {
        return no_memory(reader);
    }
    int64_t version = 0;
    struct wire_field field;
    while (wire_next(&message, &field) == WIRE_FIELD) {
        if (field.number == 2) {
            version = (int64_t)field.value;
        }
    }
    if (name[0] == 0 || strcmp(name, "ai.onnx") == 0) {
        reader->model->opset = version;
    }
    return OK;
}

static enum status read_model_field(const struct reader *reader,
                                    const struct wire_field *field)
{
    switch (field->number) {
    case 2:
        reader->model->producer = onnx_text(reader->arena, &field->body);
        return reader->model->producer ? OK : no_memory(reader);
    case 7:
        if (reader->model->nodes) {
            return err_set(reader->err, ERR_ONNX_INVALID, "two graphs");
        }
        return read_graph(reader, field->body);
    case 8:
        return read_opset(reader, field->body);
    case 25:
        return err_set(reader->err, ERR_ONNX_UNSUPPORTED, "model-local functions");
    default: /* a number from the file */
        return OK;
    }
}

enum status onnx_read(const void *data, size_t len, struct arena *arena,
                      struct onnx_model *ret_model, struct err *err)
{
    struct onnx_model model = {.producer = ""};
    struct reader reader = {.arena = arena, .model = &model, .err = err};
    struct wire message = {.at = data, .end = (const uint8_t *)data + len};
    struct wire_field field;
    enum wire_step step;
    while ((step = wire_next(&message, &field)) == WIRE_FIELD) {
        enum status status = read_model_field(&reader, &field);
        if (status) {
            return status;
        }
    }
    if (step == WIRE_MALFORMED) {
        return malformed(&reader, "the file");
    }
    for (size_t i = 0; model.opset == 0 && i < model.node_count; i++) {
        if (model.nodes[i].domain[0] != 0 &&
            strcmp(model.nodes[i].domain, "ai.onnx") != 0) {
            return err_set(err, ERR_ONNX_UNSUPPORTED, "operator domain '%.40s'",
                           model.nodes[i].domain);
        }
    }
    if (!model.nodes || model.opset == 0) {
        return err_set(err, ERR_ONNX_INVALID,
                       "no graph or no operator set: not an ONNX model");
    }
    if (model.opset < 1 || model.opset > ONNX_OPSET_MAX) {
        return err_set(err, ERR_ONNX_UNSUPPORTED, "opset %lld; 1 to %d are known",
                       (long long)model.opset, ONNX_OPSET_MAX);
    }
    *ret_model = model;
    return OK;
}

const char *onnx_text(struct arena *arena, const struct wire *body)
{
    char *text = arena_strndup(arena, body->at ? (const char *)body->at : "",
                               body->at ? wire_left(body) : 0);
    for (char *at = text; at && *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
    return text;
}

const struct onnx_attr *onnx_attr_find(const struct onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->attr_count; i++) {
        if (strcmp(node->attrs[i].name, name) == 0) {
            return &node->attrs[i];
        }
    }
    return NULL;
}

int64_t onnx_attr_int(const struct onnx_node *node, const char *name, int64_t fallback)
{
    const struct onnx_attr *attr = onnx_attr_find(node, name);
    return attr ? attr->i : fallback;
}

float onnx_attr_float(const struct onnx_node *node, const char *name, float fallback)
{
    const struct onnx_attr *attr = onnx_attr_find(node, name);
    return attr ? attr->f : fallback;
}

const char *onnx_attr_text(const struct onnx_node *node, const char *name,
                           const char *fallback)
{
    const struct onnx_attr *attr = onnx_attr_find(node, name);
    return attr && attr->s ? attr->s : fallback;
}

bool onnx_attr_ints(const struct onnx_node *node, const char *name, int64_t *values,
                    size_t count)
{
    const struct onnx_attr *attr = onnx_attr_find(node, name);
    if (!attr) {
        return true;
    }
    if (attr->int_count != count) {
        return false;
    }
    memcpy(values, attr->ints, count * sizeof *values);
    return true;
}

enum status onnx_refuse(const struct onnx_model *model, const struct onnx_node *node,
                        struct err *err, const char *format, ...)
{
    char why[120];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return err_set(err, ERR_ONNX_UNSUPPORTED, "node '%.40s' (%.30s, opset %lld): %s",
                   node->name[0]        ? node->name
                   : node->output_count ? node->outputs[0]
                                        : "",
                   node->op, (long long)model->opset, why);
}
