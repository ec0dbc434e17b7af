/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/write.h"

#include <string.h>

#include "nn/crc32c.h"
#include "nn/half.h"
#include "nn/packing.h"
#include "nn/preprocess.h"

struct writer {
    const struct ir *ir;
    const struct write_description *description;
    uint32_t *numbers; /* by ir tensor: its number in the file, or IR_NONE */
    uint32_t *tensors; /* the reverse */
    uint32_t tensor_count;
    struct buf strings;
    struct buf *file;
    uint64_t start;     /* of the file in the buffer */
    uint64_t data_used; /* bytes of the data section given out */
    uint64_t macs;
    uint64_t features;
    uint8_t op_set[MUSTER_NN_OP_SET_BYTES];
    struct {
        uint64_t offset;
        uint32_t count, record_bytes;
    } directory[NN_SECTIONS];
};

static void writer_release(struct writer *writer)
{
    buf_release(&writer->strings);
}

static void put_le(struct buf *buf, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        buf_addc(buf, (char)(uint8_t)(value >> (8 * i)));
    }
}

static void put_u8(struct buf *buf, unsigned value)
{
    put_le(buf, value, 1);
}

static void put_u16(struct buf *buf, uint32_t value)
{
    put_le(buf, value, 2);
}

static void put_u32(struct buf *buf, uint32_t value)
{
    put_le(buf, value, 4);
}

static void put_u64(struct buf *buf, uint64_t value)
{
    put_le(buf, value, 8);
}

static void put_float(struct buf *buf, float value)
{
    put_le(buf, nn_bits_of(value), 4);
}

static void put_zeros(struct buf *buf, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        buf_addc(buf, 0);
    }
}

static void set_le(char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (char)(uint8_t)(value >> (8 * i));
    }
}

static uint64_t position(const struct writer *writer)
{
    return writer->file->len - writer->start;
}

static void pad_to_64(struct writer *writer)
{
    put_zeros(writer->file, nn_align64(position(writer)) - position(writer));
}

static void begin_section(struct writer *writer, enum nn_section section, size_t count,
                          uint32_t record_bytes)
{
    pad_to_64(writer);
    writer->directory[section].offset = position(writer);
    writer->directory[section].count = (uint32_t)count;
    writer->directory[section].record_bytes = record_bytes;
}

/* The offset of a text in the string section, cut where the format's limit is. */
static uint32_t put_text(struct writer *writer, const char *text)
{
    if (!text || text[0] == 0) {
        return 0;
    }
    size_t length = strnlen(text, NN_MAX_TEXT + 1);
    if (length > NN_MAX_TEXT) {
        length = NN_MAX_TEXT;
        while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    uint32_t offset = (uint32_t)writer->strings.len;
    buf_add(&writer->strings, text, length);
    buf_addc(&writer->strings, 0);
    return offset;
}

static void number_tensor(struct writer *writer, uint32_t tensor)
{
    if (tensor != IR_NONE && writer->numbers[tensor] == IR_NONE) {
        writer->numbers[tensor] = writer->tensor_count;
        writer->tensors[writer->tensor_count++] = tensor;
    }
}

/* Inputs first, then in the order of use, so that weights lie in the file as they are
 * read. */
static void number_tensors(struct writer *writer)
{
    const struct ir *ir = writer->ir;
    for (uint32_t t = 0; t < ir->tensor_count; t++) {
        writer->numbers[t] = IR_NONE;
    }
    for (uint32_t i = 0; i < ir->input_count; i++) {
        number_tensor(writer, ir->inputs[i]);
    }
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        for (uint32_t i = 0; i < node->input_count && !node->dead; i++) {
            number_tensor(writer, node->inputs[i]);
        }
        if (!node->dead) {
            number_tensor(writer, node->output);
        }
    }
}

static void write_tensors(struct writer *writer)
{
    begin_section(writer, NN_S_TENSORS, writer->tensor_count, NN_TENSOR_BYTES);
    for (uint32_t i = 0; i < writer->tensor_count; i++) {
        const struct ir_tensor *tensor = &writer->ir->tensors[writer->tensors[i]];
        uint64_t bytes =
            nn_layout_bytes(tensor->layout, &tensor->shape) / (tensor->half ? 2 : 1);
        uint64_t offset = tensor->offset;
        writer->features |= tensor->half ? NN_FEATURE_HALF : 0;
        if (tensor->layout != NN_ROWS) {
            writer->features |= NN_FEATURE_PACKED;
        }
        if (tensor->data) {
            offset = nn_align64(writer->data_used);
            writer->data_used = offset + bytes;
        }
        struct buf *file = writer->file;
        put_u32(file, put_text(writer, tensor->name));
        put_u8(file, tensor->half ? NN_F16 : NN_F32);
        put_u8(file, tensor->shape.rank);
        put_u8(file, tensor->data ? NN_DATA : NN_ARENA);
        put_u8(file, tensor->layout);
        for (uint32_t d = 0; d < NN_MAX_RANK; d++) {
            put_u32(file, tensor->shape.dims[d]);
        }
        put_u64(file, 0); /* quant, reserved */
        put_u64(file, offset);
        put_u64(file, bytes);
        put_u64(file, 0);
    }
}

static uint32_t live_nodes(const struct ir *ir)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < ir->node_count; n++) {
        count += !ir->nodes[n].dead;
    }
    return count;
}

static void write_nodes(struct writer *writer)
{
    const struct ir *ir = writer->ir;
    struct buf *file = writer->file;
    uint32_t ref = 0, attr = 0;
    begin_section(writer, NN_S_NODES, live_nodes(ir), NN_NODE_BYTES);
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        if (node->dead) {
            continue;
        }
        uint32_t attrs = nn_op_info(node->code)->attrs;
        put_u16(file, node->code);
        put_u16(file, 1);
        put_u8(file, node->activation);
        put_u8(file, 0);
        put_u16(file, node->input_count);
        put_u16(file, 1);
        put_u16(file, attrs);
        put_u32(file, ref);
        put_u32(file, attr);
        put_u32(file, put_text(writer, node->name));
        put_float(file, node->act_a);
        put_float(file, node->act_b);
        put_zeros(file, 32);
        ref += node->input_count + 1;
        attr += attrs;
        writer->macs += node->macs;
        bool rows = writer->ir->tensors[node->output].layout == NN_ROWS;
        writer->features |= node->code == NN_UNARY && !rows ? NN_FEATURE_FUNCTIONS : 0;
        writer->op_set[node->code / 8] =
            (uint8_t)(writer->op_set[node->code / 8] | 1u << node->code % 8);
    }
}

static void write_refs(struct writer *writer)
{
    const struct ir *ir = writer->ir;
    uint32_t count = 0;
    begin_section(writer, NN_S_REFS, 0, 4);
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        for (uint32_t i = 0; i < node->input_count && !node->dead; i++, count++) {
            put_u32(writer->file, node->inputs[i] == IR_NONE
                                      ? NN_ABSENT
                                      : writer->numbers[node->inputs[i]]);
        }
        if (!node->dead) {
            put_u32(writer->file, writer->numbers[node->output]);
            count++;
        }
    }
    writer->directory[NN_S_REFS].count = count;
}

static void write_attrs(struct writer *writer)
{
    const struct ir *ir = writer->ir;
    uint32_t count = 0;
    begin_section(writer, NN_S_ATTRS, 0, 4);
    for (uint32_t n = 0; n < ir->node_count; n++) {
        const struct ir_node *node = &ir->nodes[n];
        for (uint32_t i = 0; i < nn_op_info(node->code)->attrs && !node->dead;
             i++, count++) {
            put_u32(writer->file, (uint32_t)node->attrs[i]);
        }
    }
    writer->directory[NN_S_ATTRS].count = count;
    begin_section(writer, NN_S_QUANTS, 0, NN_QUANT_BYTES);
}

static void write_channels(struct buf *file, const float *values, unsigned from,
                           unsigned end)
{
    for (unsigned c = from; c < end; c++) {
        put_float(file, values[c]);
    }
}

static void write_input(struct writer *writer, uint32_t tensor,
                        const struct muster_nn_preprocess *preprocess)
{
    struct buf *file = writer->file;
    put_u32(file, writer->numbers[tensor]);
    put_u8(file, 0);
    put_u8(file, preprocess->content);
    put_u8(file, preprocess->colour);
    put_u8(file, preprocess->channels_last);
    put_u8(file, preprocess->fit);
    put_u8(file, preprocess->interpolation);
    put_u8(file, preprocess->denoise);
    put_u8(file, 0);
    put_float(file, preprocess->scale);
    write_channels(file, preprocess->mean, 0, 4);
    write_channels(file, preprocess->std, 0, 4);
    put_u32(file, preprocess->shorter_side);
    put_u32(file, preprocess->window);
    put_u32(file, preprocess->hop);
    put_u8(file, preprocess->fill);
    put_u8(file, preprocess->normalise_window);
    put_zeros(file, 2);
    write_channels(file, preprocess->mean, 4, MUSTER_NN_MAX_CHANNELS);
    write_channels(file, preprocess->std, 4, MUSTER_NN_MAX_CHANNELS);
    if (nn_preprocess_needs_fit(preprocess)) {
        writer->features |= NN_FEATURE_FIT;
    }
}

static void write_ports(struct writer *writer)
{
    const struct ir *ir = writer->ir;
    struct buf *file = writer->file;
    static const struct muster_nn_preprocess plain = {.content = MUSTER_NN_PLAIN};
    const struct muster_nn_preprocess *first = writer->description->preprocess;
    begin_section(writer, NN_S_PORTS, ir->input_count + ir->output_count, NN_PORT_BYTES);
    for (uint32_t i = 0; i < ir->input_count; i++) {
        write_input(writer, ir->inputs[i], i == 0 ? first : &plain);
    }
    for (uint32_t i = 0; i < ir->output_count; i++) {
        put_u32(file, writer->numbers[ir->outputs[i]]);
        put_u8(file, 1);
        put_zeros(file, 6);
        put_u8(file, i == 0 ? writer->description->meaning : MUSTER_NN_VALUES);
        put_zeros(file, NN_PORT_BYTES - 12);
    }
}

static void write_texts(struct writer *writer)
{
    const struct write_description *description = writer->description;
    begin_section(writer, NN_S_METAS, description->meta_count, NN_META_BYTES);
    for (size_t i = 0; i < description->meta_count; i++) {
        put_u32(writer->file, put_text(writer, description->metas[i].key));
        put_u32(writer->file, put_text(writer, description->metas[i].value));
    }
    begin_section(writer, NN_S_CLASSES, description->class_count, 4);
    for (size_t i = 0; i < description->class_count; i++) {
        put_u32(writer->file, put_text(writer, description->classes[i]));
    }
}

static void write_test(struct writer *writer, size_t number,
                       const struct write_test *test)
{
    const struct ir *ir = writer->ir;
    struct buf *file = writer->file;
    for (uint32_t p = 0; p < ir->input_count + ir->output_count; p++) {
        bool input = p < ir->input_count;
        uint32_t tensor = input ? ir->inputs[p] : ir->outputs[p - ir->input_count];
        uint64_t bytes =
            (uint64_t)nn_shape_elements(&ir->tensors[tensor].shape) * sizeof(float);
        uint64_t where = test->seed + p;
        bool generated = input && !test->inputs;
        if (!generated) {
            where = nn_align64(writer->data_used);
            writer->data_used = where + bytes;
        }
        put_u32(file, p);
        put_u16(file, (uint32_t)number);
        put_u8(file, generated);
        put_u8(file, 0);
        put_u64(file, where);
        put_u64(file, generated ? 0 : bytes);
        float span = generated ? test->span : 0;
        put_float(file, input ? span : test->atol[p - ir->input_count]);
        put_float(file, input ? 0 : test->rtol);
    }
}

static void write_tests(struct writer *writer)
{
    const struct write_description *description = writer->description;
    size_t ports = writer->ir->input_count + writer->ir->output_count;
    begin_section(writer, NN_S_TESTS, description->test_count * ports, NN_TEST_BYTES);
    for (size_t i = 0; i < description->test_count; i++) {
        write_test(writer, i, &description->tests[i]);
    }
    begin_section(writer, NN_S_STRINGS, writer->strings.len, 1);
    buf_add(writer->file, writer->strings.data, writer->strings.len);
}

static void write_values(struct writer *writer, const float *values, uint32_t tensor)
{
    const struct ir_tensor *laid = &writer->ir->tensors[tensor];
    pad_to_64(writer);
    buf_add(writer->file, values, (size_t)nn_layout_bytes(laid->layout, &laid->shape));
}

static void write_halves(struct writer *writer, const struct ir_tensor *tensor)
{
    uint64_t count =
        nn_layout_bytes(tensor->layout, &tensor->shape) / sizeof *tensor->data;
    pad_to_64(writer);
    for (uint64_t i = 0; i < count; i++) {
        put_u16(writer->file, nn_half_narrow(tensor->data[i]));
    }
}

static void write_data(struct writer *writer)
{
    const struct write_description *description = writer->description;
    const struct ir *ir = writer->ir;
    begin_section(writer, NN_S_DATA, (size_t)(nn_align64(writer->data_used) / NN_ALIGN),
                  NN_ALIGN);
    for (uint32_t i = 0; i < writer->tensor_count; i++) {
        const struct ir_tensor *tensor = &ir->tensors[writer->tensors[i]];
        if (tensor->half) {
            write_halves(writer, tensor);
        } else if (tensor->data) {
            write_values(writer, tensor->data, writer->tensors[i]);
        }
    }
    for (size_t t = 0; t < description->test_count; t++) {
        for (uint32_t i = 0; i < ir->input_count && description->tests[t].inputs; i++) {
            write_values(writer, description->tests[t].inputs[i], ir->inputs[i]);
        }
        for (uint32_t o = 0; o < ir->output_count; o++) {
            write_values(writer, description->tests[t].outputs[o], ir->outputs[o]);
        }
    }
    pad_to_64(writer);
}

static void fill_header(struct writer *writer)
{
    char *header = writer->file->data + writer->start;
    memcpy(header, NN_MAGIC, NN_MAGIC_BYTES);
    set_le(header + NN_H_MAJOR, NN_MAJOR, 2);
    set_le(header + NN_H_MINOR, NN_MINOR, 2);
    set_le(header + NN_H_HEADER_BYTES, NN_HEADER_BYTES, 4);
    set_le(header + NN_H_FILE_BYTES, position(writer), 8);
    memcpy(header + NN_H_OP_SET, writer->op_set, sizeof writer->op_set);
    set_le(header + NN_H_FEATURES, writer->features, 8);
    set_le(header + NN_H_ARENA_BYTES, writer->ir->arena_bytes, 8);
    set_le(header + NN_H_MACS, writer->macs, 8);
    set_le(header + NN_H_ALIGNMENT, NN_ALIGN, 4);
    for (unsigned s = 0; s < NN_SECTIONS; s++) {
        char *slot = header + NN_DIRECTORY_AT + s * NN_SLOT_BYTES;
        set_le(slot, writer->directory[s].offset, 8);
        set_le(slot + 8, writer->directory[s].count, 4);
        set_le(slot + 12, writer->directory[s].record_bytes, 4);
    }
    size_t body = (size_t)position(writer) - NN_HEADER_BYTES;
    set_le(header + NN_H_BODY_CRC, crc32c(0, header + NN_HEADER_BYTES, body), 4);
    set_le(header + NN_H_HEADER_CRC, crc32c(0, header, NN_HEADER_BYTES), 4);
}

enum status write_model(const struct ir *ir, const struct write_description *description,
                        struct arena *arena, struct buf *ret_file, struct err *err)
{
    __attribute__((cleanup(writer_release))) struct writer writer = {
        .ir = ir,
        .description = description,
        .numbers = arena_array(arena, ir->tensor_count, sizeof(uint32_t)),
        .tensors = arena_array(arena, ir->tensor_count, sizeof(uint32_t)),
        .strings = BUF_INIT(NN_MAX_STRINGS),
        .file = ret_file,
        .start = ret_file->len,
    };
    if (!writer.numbers || !writer.tensors) {
        return err_set(err, ERR_LIMIT, "the model needs too much memory");
    }
    buf_addc(&writer.strings, 0);
    number_tensors(&writer);
    put_zeros(ret_file, NN_HEADER_BYTES);
    write_tensors(&writer);
    write_nodes(&writer);
    write_refs(&writer);
    write_attrs(&writer);
    write_ports(&writer);
    write_texts(&writer);
    write_tests(&writer);
    write_data(&writer);
    enum status status = buf_status(&writer.strings, err);
    if (!status) {
        status = buf_status(ret_file, err);
    }
    if (!status) {
        fill_header(&writer);
    }
    return status;
}
