/* SPDX-License-Identifier: Apache-2.0 */
/* A model file is hostile until every rule of docs/MNET.md holds. */
#include "tests/unit/nn/model_bytes.h"

#include <fcntl.h>
#include <unistd.h>

static void a_whole_file_is_accepted_and_passes_its_test(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    size_t tests = 0;
    assert_int_equal(muster_nn_open_memory(bytes.data, bytes.len, NULL, &model, NULL), 0);
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    assert_int_equal(muster_nn_verify(context, &tests, NULL), 0);
    assert_int_equal(tests, 1);
    muster_nn_context_free(context);
    muster_nn_close(model);
    free(bytes.data);
}

/* Each prefix in memory of exactly its size, so that the sanitizer sees one byte too far.
 */
static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    for (size_t len = 0; len < bytes.len; len++) {
        for (int honest = 0; honest < 2; honest++) {
            void *memory = NULL;
            assert_int_equal(posix_memalign(&memory, 64, len ? len : 1), 0);
            struct model_bytes part = {.data = memory, .len = len};
            memcpy(part.data, bytes.data, len);
            if (honest && len >= NN_HEADER_BYTES) {
                memcpy(part.data + NN_H_FILE_BYTES, &(uint64_t){len}, 8);
                seal(&part);
            }
            assert_int_equal(open_bytes(&part, NULL), MUSTER_NN_INVALID);
            free(memory);
        }
    }
    free(bytes.data);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    for (size_t at = 0; at < bytes.len; at++) {
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
        assert_int_not_equal(open_bytes(&bytes, NULL), MUSTER_NN_OK);
        bytes.data[at] ^= (uint8_t)(1u << at % 8);
    }
    free(bytes.data);
}

/* Whether a field holds data that has no rule: weights, texts' letters, tolerances,
 * names. What is accepted must still run without reading outside. */
static void run_if_accepted(const struct model_bytes *bytes, unsigned *accepted)
{
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    const struct muster_nn_limits limits = {.arena_bytes = 1 << 20, .macs = 1 << 20};
    if (muster_nn_open_memory(bytes->data, bytes->len, &limits, &model, NULL)) {
        return;
    }
    assert_int_equal(muster_nn_context_new(model, &context, NULL), 0);
    (void)muster_nn_verify(context, NULL, NULL);
    muster_nn_context_free(context);
    muster_nn_close(model);
    *accepted += 1;
}

static void sealed_damage_never_reads_outside(void **state)
{
    (void)state;
    static const uint32_t values[] = {
        0, 1, 2, 7, 64, 0xffff, 0x40000001, 0x7fffffff, 0x80000000, 0xffffffff};
    struct model_bytes bytes = make_model();
    size_t strings = (size_t)(record(&bytes, NN_S_STRINGS, 0) - bytes.data);
    unsigned accepted = 0;
    for (size_t at = 8; at + 4 <= strings; at += 2) {
        uint8_t kept[4];
        memcpy(kept, bytes.data + at, 4);
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            memcpy(bytes.data + at, &values[v], 4);
            seal(&bytes);
            run_if_accepted(&bytes, &accepted);
        }
        memcpy(bytes.data + at, kept, 4);
    }
    /* Nearly every field has a rule; only names, texts and tolerances may change. */
    assert_true(accepted < 1500);
    free(bytes.data);
}

/* Puts `value` at `at`, seals, expects a refusal that says `words`, and puts it back. */
static void expect_refused(struct model_bytes *bytes, uint8_t *at, uint32_t value,
                           const char *words)
{
    struct muster_nn_error error = {0};
    uint8_t kept[4];
    memcpy(kept, at, 4);
    memcpy(at, &value, 4);
    seal(bytes);
    assert_int_not_equal(open_bytes(bytes, &error), MUSTER_NN_OK);
    if (!strstr(error.detail, words)) {
        fail_msg("'%s' does not say '%s'", error.detail, words);
    }
    memcpy(at, kept, 4);
    seal(bytes);
    assert_int_equal(open_bytes(bytes, NULL), MUSTER_NN_OK);
}

/* The first tensor is the input, the second the same with its channels last, the third
 * the convolution's weights in panels. */
static void layouts_have_rules(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    uint8_t *input = record(&b, NN_S_TENSORS, 0) + 4, *last = input + NN_TENSOR_BYTES;
    uint8_t *panels = last + NN_TENSOR_BYTES;
    assert_int_equal(last[3], NN_LAST);
    assert_int_equal(panels[3], NN_PANELS);
    const uint32_t layout = UINT32_C(1) << 24;
    expect_refused(&b, b.data + NN_H_FEATURES, 0, "needs a feature");
    expect_refused(&b, b.data + NN_H_FEATURES, NN_FEATURE_PACKED | NN_FEATURE_HALF,
                   "not those that the tensors need");
    expect_refused(&b, panels, le_u32(panels) + NN_F16 - NN_F32, "needs a feature");
    expect_refused(&b, b.data + NN_H_FEATURES, NN_FEATURE_PACKED | NN_FEATURE_FUNCTIONS,
                   "feature bits");
    expect_refused(&b, last, le_u32(last) + (NN_LAYOUTS - NN_LAST) * layout, "a feature");
    expect_refused(&b, last, le_u32(last) - (NN_LAST - NN_BLOCKED) * layout, "bytes for");
    expect_refused(&b, last, le_u32(last) - NN_LAST * layout, "in these layouts");
    expect_refused(&b, last, le_u32(last) + layout, "bytes for");
    expect_refused(&b, panels, le_u32(panels) - NN_PANELS * layout, "bytes for");
    expect_refused(&b, input, le_u32(input) + NN_LAST * layout, "in rows");
    expect_refused(&b, record(&b, NN_S_DATA, 0) + 15 * 4, 1, "past its outputs");
    free(b.data);
}

/* The first port is a grey image. */
static void preprocessing_has_rules(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    uint8_t *port = record(&b, NN_S_PORTS, 0), *output = record(&b, NN_S_PORTS, 1);
    expect_refused(&b, port + 4, 3u << 8 | 1u << 16, "content");
    expect_refused(&b, port + 4, 1u << 8 | 4u << 16, "colour");
    expect_refused(&b, port + 4, 1u << 8 | 2u << 16, "another shape than its colour");
    expect_refused(&b, port + 4, 1u << 8 | 1u << 16 | 2u << 24, "layout");
    expect_refused(&b, port + 4, 2u << 8, "window or hop");
    expect_refused(&b, port + 8, 1, "bad fit");
    expect_refused(&b, port + 8, 3u << 8, "bad fit");
    expect_refused(&b, port + 8, 2 | 2u << 8, "bad fit");
    expect_refused(&b, port + 8, 4 | 2u << 8, "bad fit");
    expect_refused(&b, port + 8, 1 | 4u << 8, "bad fit");
    expect_refused(&b, port + 8, 5u << 16, "bad fit");
    expect_refused(&b, port + 8, 1 | 2u << 8, "feature bit 'fit'");
    expect_refused(&b, port + 8, 3u << 16, "feature bit 'fit'");
    expect_refused(&b, b.data + NN_H_FEATURES, NN_FEATURE_PACKED | NN_FEATURE_FIT,
                   "'fit'");
    expect_refused(&b, port + 48, 8, "bad fit");
    expect_refused(&b, port + 52, 4, "bad fit");
    expect_refused(&b, port + 56, 4, "bad fit");
    expect_refused(&b, port + 60, 1, "bad fit");
    expect_refused(&b, port + 60, 1u << 8, "bad fit");
    expect_refused(&b, port + 60, 1u << 16, "reserved");
    expect_refused(&b, port + 64, 0x3f800000, "scale, mean or std");
    expect_refused(&b, port + 124, 0x3f800000, "scale, mean or std");
    expect_refused(&b, output + 60, 1, "content or preprocessing");
    free(b.data);
}

static void each_rule_has_its_own_words(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    uint8_t *slots = b.data + NN_DIRECTORY_AT;
    expect_refused(&b, b.data + NN_H_MAJOR, 2, "format 2.0");
    expect_refused(&b, b.data + NN_H_FEATURES, 1, "feature bits 0x1");
    expect_refused(&b, b.data + NN_H_MACS, 5, "multiply-accumulates");
    expect_refused(&b, b.data + NN_H_OP_SET, 0, "operator set");
    expect_refused(&b, b.data + NN_H_RESERVED, 1, "reserved");
    expect_refused(&b, b.data + NN_H_ARENA_BYTES, 64, "does not lie in the arena");
    expect_refused(&b, b.data + NN_H_WORKSPACE_OFFSET, 0x7fffffc0, "workspace");
    expect_refused(&b, b.data + NN_H_WORKSPACE_BYTES, 64, "does not lie in the arena");
    expect_refused(&b, slots + 8, 0x40000001, "slot 0");
    expect_refused(&b, slots + 16 + 8, 0x40000001, "slot 1");
    expect_refused(&b, slots + 10 * 16 + 8, 0x4000000, "slot 10");
    expect_refused(&b, slots + 11 * 16, 64, "slot 11");
    expect_refused(&b, record(&b, NN_S_TENSORS, 0), 0x7fffffff, "name");
    expect_refused(&b, record(&b, NN_S_TENSORS, 0) + 8, 0, "dimension");
    expect_refused(&b, record(&b, NN_S_TENSORS, 0) + 8, 0xffffffff, "dimension");
    expect_refused(&b, record(&b, NN_S_TENSORS, 0) + 40, 32, "arena");
    expect_refused(&b, record(&b, NN_S_TENSORS, 0) + 44, 0xffffffff, "arena");
    expect_refused(&b, record(&b, NN_S_REFS, 0), 9999, "does not exist");
    expect_refused(&b, record(&b, NN_S_REFS, 0), NN_ABSENT, "lacks input");
    expect_refused(&b, record(&b, NN_S_ATTRS, NN_W_STRIDE_H), 0, "out of range");
    expect_refused(&b, record(&b, NN_S_ATTRS, NN_W_STRIDE_H), 2, "another output shape");
    expect_refused(&b, record(&b, NN_S_ATTRS, NN_W_GROUP), 0, "groups");
    expect_refused(&b, record(&b, NN_S_PORTS, 0) + 16, 0x7fc00000, "scale, mean or std");
    expect_refused(&b, record(&b, NN_S_PORTS, 0) + 32, 0, "scale, mean or std");
    expect_refused(&b, record(&b, NN_S_PORTS, 1), 0, "same tensor");
    expect_refused(&b, record(&b, NN_S_CLASSES, 0), 1u << 20, "class 0");
    expect_refused(&b, record(&b, NN_S_TESTS, 0), 1, "out of order");
    expect_refused(&b, record(&b, NN_S_TESTS, 1) + 24, 0x7fc00000, "tolerance");
    expect_refused(&b, record(&b, NN_S_DATA, 0), 0x7fc00000, "not finite");
    expect_refused(&b, record(&b, NN_S_DATA, 0), 0x7f800000, "not finite");
    expect_refused(&b, record(&b, NN_S_STRINGS, 1), 0x0a0a0a0a, "UTF-8");
    free(b.data);
}

static void bytes_behind_the_last_section_are_refused(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    struct muster_nn_error error = {0};
    struct model_bytes longer = {.data = aligned_alloc(64, b.len + 64),
                                 .len = b.len + 64};
    assert_non_null(longer.data);
    memset(longer.data, 0, longer.len);
    memcpy(longer.data, b.data, b.len);
    memcpy(longer.data + NN_H_FILE_BYTES, &(uint64_t){longer.len}, 8);
    seal(&longer);
    assert_int_equal(open_bytes(&longer, &error), MUSTER_NN_INVALID);
    assert_non_null(strstr(error.detail, "64 bytes behind the last section"));
    free(longer.data);
    free(b.data);
}

/* Places the image over the convolution's output, which is made while the image lives. */
static void tensors_that_live_together_may_not_overlap(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    struct muster_nn_error error = {0};
    /* Node 0 reads the image and makes the convolution; node 1 reads both. */
    uint32_t image = le_u32(record(&b, NN_S_REFS, 0));
    uint32_t conv = le_u32(record(&b, NN_S_REFS, 3));
    memcpy(record(&b, NN_S_TENSORS, image) + 40, record(&b, NN_S_TENSORS, conv) + 40, 8);
    seal(&b);
    assert_int_equal(open_bytes(&b, &error), MUSTER_NN_INVALID);
    assert_non_null(strstr(error.detail, "share memory"));
    free(b.data);
}

static void a_node_may_not_read_what_comes_later(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    struct muster_nn_error error = {0};
    uint32_t last = le_u32(record(&b, NN_S_REFS, record_count(&b, NN_S_REFS) - 1));
    memcpy(record(&b, NN_S_REFS, 0), &last, sizeof last);
    seal(&b);
    assert_int_equal(open_bytes(&b, &error), MUSTER_NN_INVALID);
    assert_non_null(strstr(error.detail, "before it is made"));
    free(b.data);
}

static void limits_of_the_caller_hold(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    static const struct muster_nn_limits limits[] = {
        {.file_bytes = 500}, {.arena_bytes = 64}, {.macs = 10}};
    for (size_t i = 0; i < 3; i++) {
        struct muster_nn_model *model = NULL;
        assert_int_equal(muster_nn_open_memory(b.data, b.len, &limits[i], &model, NULL),
                         MUSTER_NN_LIMIT);
        assert_null(model);
    }
    free(b.data);
}

static void files_are_mapped_and_need_not_be_files(void **state)
{
    (void)state;
    struct model_bytes b = make_model();
    char path[] = "/tmp/muster-nn-XXXXXX";
    int fd = mkstemp(path);
    struct muster_nn_model *model = NULL;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.data, b.len), b.len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(muster_nn_open(path, NULL, &model, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(muster_nn_meta(model, "name"), "pets");
    muster_nn_close(muster_nn_retain(model));
    assert_int_equal(muster_nn_input_count(model), 1);
    muster_nn_close(model);
    assert_int_equal(muster_nn_open(path, NULL, &model, NULL), MUSTER_NN_IO);
    assert_int_equal(muster_nn_open("/tmp", NULL, &model, NULL), MUSTER_NN_INVALID);
    assert_int_equal(muster_nn_open("/dev/null", NULL, &model, NULL), MUSTER_NN_INVALID);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_accepted_and_passes_its_test),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(sealed_damage_never_reads_outside),
        cmocka_unit_test(layouts_have_rules),
        cmocka_unit_test(preprocessing_has_rules),
        cmocka_unit_test(each_rule_has_its_own_words),
        cmocka_unit_test(bytes_behind_the_last_section_are_refused),
        cmocka_unit_test(tensors_that_live_together_may_not_overlap),
        cmocka_unit_test(a_node_may_not_read_what_comes_later),
        cmocka_unit_test(limits_of_the_caller_hold),
        cmocka_unit_test(files_are_mapped_and_need_not_be_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
