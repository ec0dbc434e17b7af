/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "nn/crc32c.h"
#include "nn/model.h"

struct section_rule {
    const char *name;
    uint32_t record_bytes;
    uint32_t min, max; /* records */
};

static const struct section_rule rules[NN_SECTIONS] = {
    [NN_S_TENSORS] = {"tensors", NN_TENSOR_BYTES, 1, NN_MAX_TENSORS},
    [NN_S_NODES] = {"nodes", NN_NODE_BYTES, 1, NN_MAX_NODES},
    [NN_S_REFS] = {"refs", 4, 0, NN_MAX_REFS},
    [NN_S_ATTRS] = {"attrs", 4, 0, NN_MAX_ATTRS},
    [NN_S_QUANTS] = {"quants", NN_QUANT_BYTES, 0, NN_MAX_TENSORS},
    [NN_S_PORTS] = {"ports", NN_PORT_BYTES, 2, NN_MAX_PORTS},
    [NN_S_METAS] = {"metas", NN_META_BYTES, 0, NN_MAX_METAS},
    [NN_S_CLASSES] = {"classes", 4, 0, NN_MAX_CLASSES},
    [NN_S_TESTS] = {"tests", NN_TEST_BYTES, 0, NN_MAX_TESTS},
    [NN_S_STRINGS] = {"strings", 1, 1, NN_MAX_STRINGS},
    [NN_S_DATA] = {"data", NN_ALIGN, 0, NN_MAX_DATA},
};

#define INVALID(...) nn_fail(error, MUSTER_NN_INVALID, __VA_ARGS__)

static bool all_zero(const uint8_t *at, uint64_t bytes)
{
    uint8_t any = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        any |= at[i];
    }
    return any == 0;
}

static uint32_t header_crc(const uint8_t *file)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32c(0, file, NN_H_HEADER_CRC);
    crc = crc32c(crc, zeros, sizeof zeros);
    return crc32c(crc, file + NN_H_BODY_CRC, NN_HEADER_BYTES - NN_H_BODY_CRC);
}

static enum muster_nn_status check_identity(const struct muster_nn_model *model,
                                            struct muster_nn_error *error)
{
    const uint8_t *file = model->file;
    if (model->file_bytes < NN_HEADER_BYTES) {
        return INVALID("%zu bytes are too few for a header", model->file_bytes);
    }
    if (memcmp(file, NN_MAGIC, NN_MAGIC_BYTES) != 0) {
        return INVALID("not an mnet file");
    }
    if (le_u16(file + NN_H_MAJOR) != NN_MAJOR) {
        return nn_fail(error, MUSTER_NN_UNSUPPORTED,
                       "format %u.%u, this runtime reads %d.x", le_u16(file + NN_H_MAJOR),
                       le_u16(file + NN_H_MINOR), NN_MAJOR);
    }
    if (le_u32(file + NN_H_HEADER_BYTES) != NN_HEADER_BYTES) {
        return INVALID("header_bytes is %u", le_u32(file + NN_H_HEADER_BYTES));
    }
    if (le_u64(file + NN_H_FILE_BYTES) != model->file_bytes) {
        return INVALID("file_bytes is %" PRIu64 ", the file has %zu",
                       le_u64(file + NN_H_FILE_BYTES), model->file_bytes);
    }
    if (le_u32(file + NN_H_HEADER_CRC) != header_crc(file)) {
        return INVALID("the header's checksum is wrong");
    }
    return MUSTER_NN_OK;
}

static enum muster_nn_status check_arena(struct muster_nn_model *model,
                                         struct muster_nn_error *error)
{
    const uint8_t *file = model->file;
    model->arena_bytes = le_u64(file + NN_H_ARENA_BYTES);
    model->workspace_offset = le_u64(file + NN_H_WORKSPACE_OFFSET);
    model->workspace_bytes = le_u64(file + NN_H_WORKSPACE_BYTES);
    model->macs = le_u64(file + NN_H_MACS);
    if (model->arena_bytes % NN_ALIGN != 0 || model->workspace_offset % NN_ALIGN != 0 ||
        model->workspace_offset > model->arena_bytes ||
        model->workspace_bytes > model->arena_bytes - model->workspace_offset) {
        return INVALID("arena or workspace misplaced");
    }
    if (le_u32(file + NN_H_ALIGNMENT) != NN_ALIGN || le_u32(file + NN_H_RESERVED) != 0) {
        return INVALID("alignment is not 64 or a reserved field is set");
    }
    return MUSTER_NN_OK;
}

/* Slots past the known sections: all zero, or from a later minor version. */
static bool slot_may_be(const struct muster_nn_model *model, unsigned slot,
                        uint32_t count, uint32_t record_bytes)
{
    if (slot < NN_SECTIONS) {
        return record_bytes == rules[slot].record_bytes && count >= rules[slot].min &&
               count <= rules[slot].max;
    }
    return model->needs.minor > NN_MINOR || (count == 0 && record_bytes == 0);
}

static enum muster_nn_status check_directory(struct muster_nn_model *model,
                                             struct muster_nn_error *error)
{
    const uint8_t *file = model->file;
    uint64_t end = NN_HEADER_BYTES;
    for (unsigned slot = 0; slot < NN_SLOTS; slot++) {
        const uint8_t *at = file + NN_DIRECTORY_AT + slot * NN_SLOT_BYTES;
        uint64_t offset = le_u64(at);
        uint32_t count = le_u32(at + 8), record_bytes = le_u32(at + 12);
        if (!slot_may_be(model, slot, count, record_bytes)) {
            return INVALID("directory slot %u has %u records of %u bytes", slot, count,
                           record_bytes);
        }
        if (slot >= NN_SECTIONS && all_zero(at, NN_SLOT_BYTES)) {
            continue;
        }
        uint64_t begin = nn_align64(end);
        uint64_t bytes = (uint64_t)count * record_bytes;
        if (offset != begin || begin > model->file_bytes ||
            bytes > model->file_bytes - begin) {
            return INVALID("directory slot %u lies at %" PRIu64 ", not at %" PRIu64
                           " within the file",
                           slot, offset, begin);
        }
        if (!all_zero(file + end, begin - end)) {
            return INVALID("padding before directory slot %u is not zero", slot);
        }
        end = begin + bytes;
        if (slot < NN_SECTIONS) {
            model->sections[slot] = (struct nn_span){.offset = offset, .count = count};
        }
    }
    if (end != model->file_bytes) {
        return INVALID("%" PRIu64 " bytes behind the last section",
                       model->file_bytes - end);
    }
    return MUSTER_NN_OK;
}

/* UTF-8 without control characters; `at` ends with a NUL. Returns the length or -1. */
static int32_t text_length(const uint8_t *at)
{
    int32_t i = 0;
    while (at[i] != 0) {
        uint8_t c = at[i];
        unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        uint32_t code = more == 0 ? c : c & (0x3fu >> more);
        if (i > NN_MAX_TEXT || c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) ||
            c > 0xf4) {
            return -1;
        }
        i++;
        for (unsigned k = 0; k < more; k++, i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return -1;
            }
            code = code << 6 | (at[i] & 0x3fu);
        }
        if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) ||
            (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
            return -1;
        }
    }
    return i > NN_MAX_TEXT ? -1 : i;
}

static enum muster_nn_status check_strings(const struct muster_nn_model *model,
                                           struct muster_nn_error *error)
{
    const struct nn_span *strings = &model->sections[NN_S_STRINGS];
    const uint8_t *text = model->file + strings->offset;
    if (text[0] != 0 || text[strings->count - 1] != 0) {
        return INVALID("the strings do not begin and end with a zero byte");
    }
    for (uint32_t at = 0; at < strings->count; at++) {
        int32_t length = text_length(text + at);
        if (length < 0) {
            return INVALID("the text at %u of the strings is not plain UTF-8", at);
        }
        at += (uint32_t)length;
    }
    return MUSTER_NN_OK;
}

enum muster_nn_status nn_layout_check(struct muster_nn_model *model,
                                      struct muster_nn_error *error)
{
    enum muster_nn_status status = check_identity(model, error);
    if (status) {
        return status;
    }
    const uint8_t *file = model->file;
    model->needs.major = le_u16(file + NN_H_MAJOR);
    model->needs.minor = le_u16(file + NN_H_MINOR);
    model->needs.features = le_u64(file + NN_H_FEATURES);
    memcpy(model->needs.op_set, file + NN_H_OP_SET, sizeof model->needs.op_set);
    uint64_t lacking = model->needs.features & ~muster_nn_runtime().features;
    if (lacking != 0) {
        return nn_fail(error, MUSTER_NN_UNSUPPORTED,
                       "needs feature bits 0x%" PRIx64 " that this runtime lacks",
                       lacking);
    }
    status = check_arena(model, error);
    if (!status) {
        status = check_directory(model, error);
    }
    if (status) {
        return status;
    }
    if (le_u32(file + NN_H_BODY_CRC) !=
        crc32c(0, file + NN_HEADER_BYTES, model->file_bytes - NN_HEADER_BYTES)) {
        return INVALID("the body's checksum is wrong");
    }
    model->data = file + model->sections[NN_S_DATA].offset;
    return check_strings(model, error);
}

const char *nn_text(const struct muster_nn_model *model, uint32_t offset)
{
    const struct nn_span *strings = &model->sections[NN_S_STRINGS];
    const uint8_t *text = model->file + strings->offset;
    if (offset >= strings->count || (offset > 0 && text[offset - 1] != 0)) {
        return NULL;
    }
    return (const char *)text + offset;
}
