/* SPDX-License-Identifier: Apache-2.0 */
/* docs/MNET.md and nn/format.h give the same numbers: each row that the code relies on
 * must stand in the document exactly as it follows from the constants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "nn/format.h"

enum { DOCUMENT_MAX = 1 << 20 };

static struct buf document = {.max = DOCUMENT_MAX};

static int load(void **state)
{
    struct err err = {0};
    (void)state;
    return file_read(SOURCE_DIR "/docs/MNET.md", &document, &err) == OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    buf_release(&document);
    return 0;
}

static void assert_says(const char *row)
{
    if (!strstr(document.data, row)) {
        fail_msg("docs/MNET.md has no '%s'", row);
    }
}

static void assert_field(int offset, const char *type, const char *field)
{
    char row[128];
    (void)snprintf(row, sizeof row, "\n| %d | %s | %s |", offset, type, field);
    assert_says(row);
}

static void the_header_is_where_the_document_says(void **state)
{
    (void)state;
    assert_field(0, "u8[8]", "magic");
    assert_field(NN_H_MAJOR, "u16", "major");
    assert_field(NN_H_MINOR, "u16", "minor");
    assert_field(NN_H_HEADER_BYTES, "u32", "header_bytes");
    assert_field(NN_H_FILE_BYTES, "u64", "file_bytes");
    assert_field(NN_H_HEADER_CRC, "u32", "header_crc32c");
    assert_field(NN_H_BODY_CRC, "u32", "body_crc32c");
    assert_field(NN_H_FEATURES, "u64", "features");
    assert_field(NN_H_OP_SET, "u8[32]", "op_set");
    assert_field(NN_H_ARENA_BYTES, "u64", "arena_bytes");
    assert_field(NN_H_WORKSPACE_OFFSET, "u64", "workspace_offset");
    assert_field(NN_H_WORKSPACE_BYTES, "u64", "workspace_bytes");
    assert_field(NN_H_MACS, "u64", "macs");
    assert_field(NN_H_ALIGNMENT, "u32", "alignment");
    assert_field(NN_H_RESERVED, "u32", "reserved");
}

static void magic_and_sizes_are_those_of_the_document(void **state)
{
    (void)state;
    char magic[64] = "| magic | `";
    size_t len = strlen(magic);
    for (size_t i = 0; i < NN_MAGIC_BYTES; i++) {
        len += (size_t)snprintf(magic + len, sizeof magic - len, "%02X%s",
                                (unsigned char)NN_MAGIC[i],
                                i + 1 < NN_MAGIC_BYTES ? " " : "`");
    }
    assert_says(magic);
    char row[96];
    (void)snprintf(row, sizeof row, "| header_bytes | %d |", NN_HEADER_BYTES);
    assert_says(row);
    (void)snprintf(row, sizeof row, "\n| %d | %d x %d | directory |", NN_DIRECTORY_AT,
                   NN_SLOTS, NN_SLOT_BYTES);
    assert_says(row);
    (void)snprintf(row, sizeof row, "| alignment | %d |", NN_ALIGN);
    assert_says(row);
}

static void assert_section(int slot, const char *name, int record_bytes, const char *most)
{
    char row[128];
    (void)snprintf(row, sizeof row, "\n| %d | %s | %d | %s", slot, name, record_bytes,
                   most);
    assert_says(row);
}

static void sections_have_the_document_s_order_records_and_limits(void **state)
{
    (void)state;
    assert_section(NN_S_TENSORS, "tensors", NN_TENSOR_BYTES, "16,384 ");
    assert_int_equal(NN_MAX_TENSORS, 16384);
    assert_section(NN_S_NODES, "nodes", NN_NODE_BYTES, "4,096 ");
    assert_int_equal(NN_MAX_NODES, 4096);
    assert_section(NN_S_REFS, "refs", 4, "65,536 ");
    assert_int_equal(NN_MAX_REFS, 65536);
    assert_section(NN_S_ATTRS, "attrs", 4, "65,536 ");
    assert_int_equal(NN_MAX_ATTRS, 65536);
    assert_section(NN_S_QUANTS, "quants", NN_QUANT_BYTES, "16,384 ");
    assert_section(NN_S_PORTS, "ports", NN_PORT_BYTES, "32 ");
    assert_int_equal(NN_MAX_PORTS, 32);
    assert_section(NN_S_METAS, "metas", NN_META_BYTES, "256 ");
    assert_int_equal(NN_MAX_METAS, 256);
    assert_section(NN_S_CLASSES, "classes", 4, "65,536 ");
    assert_int_equal(NN_MAX_CLASSES, 65536);
    assert_section(NN_S_TESTS, "tests", NN_TEST_BYTES, "256 ");
    assert_int_equal(NN_MAX_TESTS, 256);
    assert_section(NN_S_STRINGS, "strings", 1, "16,777,216 ");
    assert_int_equal(NN_MAX_STRINGS, 16777216);
    assert_section(NN_S_DATA, "data", NN_ALIGN, "2^26 ");
    assert_int_equal(NN_MAX_DATA, 1 << 26);
    assert_int_equal(NN_SECTIONS, 11);
}

static void operators_have_the_document_s_codes(void **state)
{
    (void)state;
    static const char *const names[NN_OP_CODES] = {[NN_CONV] = "Conv",
                                                   [NN_MAX_POOL] = "MaxPool",
                                                   [NN_AVERAGE_POOL] = "AveragePool",
                                                   [NN_GLOBAL_AVERAGE_POOL] =
                                                       "GlobalAveragePool",
                                                   [NN_GEMM] = "Gemm",
                                                   [NN_MAT_MUL] = "MatMul",
                                                   [NN_RELU] = "Relu",
                                                   [NN_CLIP] = "Clip",
                                                   [NN_ADD] = "Add",
                                                   [NN_MUL] = "Mul",
                                                   [NN_CONCAT] = "Concat",
                                                   [NN_RESHAPE] = "Reshape",
                                                   [NN_SOFTMAX] = "Softmax",
                                                   [NN_AFFINE] = "Affine",
                                                   [NN_PAD] = "Pad",
                                                   [NN_TRANSPOSE] = "Transpose",
                                                   [NN_UNARY] = "Unary",
                                                   [NN_BINARY] = "Binary",
                                                   [NN_REDUCE] = "Reduce",
                                                   [NN_SLICE] = "Slice",
                                                   [NN_RESIZE] = "Resize",
                                                   [NN_CONV_TRANSPOSE] = "ConvTranspose"};
    for (int code = 1; code < NN_OP_CODES; code++) {
        char row[64];
        (void)snprintf(row, sizeof row, "\n| %d | %s |", code, names[code]);
        assert_says(row);
    }
}

static void element_types_have_the_document_s_codes(void **state)
{
    (void)state;
    char row[128];
    (void)snprintf(row, sizeof row,
                   "| dtype | %d f32, %d f16, %d bf16, %d i8, %d u8, %d i32, %d i4 |",
                   NN_F32, NN_F16, NN_BF16, NN_I8, NN_U8, NN_I32, NN_I4);
    assert_says(row);
    (void)snprintf(row, sizeof row, "| place | %d arena, %d data ", NN_ARENA, NN_DATA);
    assert_says(row);
    (void)snprintf(row, sizeof row, "| activation | %d none, %d relu, %d clip ",
                   NN_NO_ACTIVATION, NN_ACT_RELU, NN_ACT_CLIP);
    assert_says(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_where_the_document_says),
        cmocka_unit_test(magic_and_sizes_are_those_of_the_document),
        cmocka_unit_test(sections_have_the_document_s_order_records_and_limits),
        cmocka_unit_test(operators_have_the_document_s_codes),
        cmocka_unit_test(element_types_have_the_document_s_codes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
