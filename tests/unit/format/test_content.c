/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "format/content.h"

enum { LIMIT = 256 * 1024 };

static const enum content_encoding encodings[] = {CONTENT_IDENTITY, CONTENT_ZSTD,
                                                  CONTENT_GZIP};

/* Text that packs, of `len` bytes. */
static void fill_text(struct buf *text, size_t len)
{
    while (text->len < len) {
        buf_addc(text, "0123456789,[]"[(text->len * 7 + text->len / 13) % 13]);
    }
}

static void what_was_packed_comes_out_again(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 1000, 16384, 100000, LIMIT};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t e = 0; e < 3; e++) {
            BUF_AUTO text = BUF_INIT(LIMIT);
            BUF_AUTO packed = BUF_INIT(2 * LIMIT);
            BUF_AUTO back = BUF_INIT(LIMIT);
            fill_text(&text, lengths[i]);
            buf_addstr(&back, "");
            assert_int_equal(
                content_encode(encodings[e], text.data, text.len, &packed, NULL), OK);
            assert_int_equal(
                content_decode(encodings[e], packed.data, packed.len, &back, NULL), OK);
            assert_int_equal(back.len, text.len);
            assert_true(text.len == 0 || memcmp(back.data, text.data, text.len) == 0);
        }
    }
}

static void one_byte_over_the_limit_is_too_large(void **state)
{
    (void)state;
    for (size_t e = 0; e < 3; e++) {
        BUF_AUTO text = BUF_INIT(2 * LIMIT);
        BUF_AUTO packed = BUF_INIT(4 * LIMIT);
        BUF_AUTO back = BUF_INIT(LIMIT);
        fill_text(&text, LIMIT + 1);
        assert_int_equal(content_encode(encodings[e], text.data, text.len, &packed, NULL),
                         OK);
        assert_int_equal(
            content_decode(encodings[e], packed.data, packed.len, &back, NULL),
            ERR_CONTENT_TOO_LARGE);
        assert_int_equal(back.len, 0);
    }
}

static void a_bomb_takes_no_more_than_the_limit(void **state)
{
    (void)state;
    enum { BOMB_BYTES = 64 * 1024 * 1024 };
    char *zeros = calloc(1, BOMB_BYTES);
    for (size_t e = 1; e < 3; e++) {
        BUF_AUTO packed = BUF_INIT(2 * BOMB_BYTES);
        BUF_AUTO back = BUF_INIT(LIMIT);
        assert_int_equal(content_encode(encodings[e], zeros, BOMB_BYTES, &packed, NULL),
                         OK);
        assert_true(packed.len < BOMB_BYTES / 500);
        assert_int_equal(
            content_decode(encodings[e], packed.data, packed.len, &back, NULL),
            ERR_CONTENT_TOO_LARGE);
        assert_true(back.cap <= LIMIT + 1);
    }
    free(zeros);
}

static void a_cut_or_continued_body_is_corrupt(void **state)
{
    (void)state;
    for (size_t e = 1; e < 3; e++) {
        BUF_AUTO text = BUF_INIT(LIMIT);
        BUF_AUTO packed = BUF_INIT(LIMIT);
        fill_text(&text, 3000);
        assert_int_equal(content_encode(encodings[e], text.data, text.len, &packed, NULL),
                         OK);
        for (size_t len = 0; len < packed.len; len++) {
            BUF_AUTO back = BUF_INIT(LIMIT);
            assert_int_equal(content_decode(encodings[e], packed.data, len, &back, NULL),
                             ERR_CONTENT_CORRUPT);
        }
        buf_addc(&packed, '\0');
        BUF_AUTO back = BUF_INIT(LIMIT);
        assert_int_equal(
            content_decode(encodings[e], packed.data, packed.len, &back, NULL),
            ERR_CONTENT_CORRUPT);
    }
}

static void a_second_frame_or_member_is_corrupt(void **state)
{
    (void)state;
    for (size_t e = 1; e < 3; e++) {
        BUF_AUTO packed = BUF_INIT(LIMIT);
        BUF_AUTO back = BUF_INIT(LIMIT);
        buf_addstr(&back, "kept");
        assert_int_equal(content_encode(encodings[e], "abc", 3, &packed, NULL), OK);
        assert_int_equal(content_encode(encodings[e], "def", 3, &packed, NULL), OK);
        assert_int_equal(
            content_decode(encodings[e], packed.data, packed.len, &back, NULL),
            ERR_CONTENT_CORRUPT);
        assert_string_equal(back.data, "kept");
    }
}

/* A damaged gzip body is always seen (CRC); zstd frames of ours have no checksum, so a
 * flipped byte may give other bytes, but never more than the limit. */
static void a_flipped_byte_of_gzip_is_seen(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(LIMIT);
    BUF_AUTO packed = BUF_INIT(LIMIT);
    fill_text(&text, 3000);
    assert_int_equal(content_encode(CONTENT_GZIP, text.data, text.len, &packed, NULL),
                     OK);
    for (size_t i = 10; i < packed.len; i++) {
        BUF_AUTO back = BUF_INIT(LIMIT);
        packed.data[i] = (char)(packed.data[i] ^ 0x10);
        assert_int_not_equal(
            content_decode(CONTENT_GZIP, packed.data, packed.len, &back, NULL), OK);
        packed.data[i] = (char)(packed.data[i] ^ 0x10);
    }
}

static void a_zstd_window_over_8_mib_is_refused(void **state)
{
    (void)state;
    static const int window_logs[] = {23, 24};
    for (int i = 0; i < 2; i++) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_logs[i]);
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
        char packed[256];
        ZSTD_inBuffer in = {"abc", 3, 0};
        ZSTD_outBuffer out = {packed, sizeof packed, 0};
        size_t left = ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
        assert_false(ZSTD_isError(left));
        left = ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
        assert_int_equal(left, 0);
        (void)ZSTD_freeCCtx(context);
        BUF_AUTO back = BUF_INIT(LIMIT);
        assert_int_equal(content_decode(CONTENT_ZSTD, packed, out.pos, &back, NULL),
                         window_logs[i] == 23 ? OK : ERR_CONTENT_CORRUPT);
    }
}

static void random_bytes_never_decode(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char noise[64];
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525u + 1013904223u;
            noise[i] = (char)(seed >> 24);
        }
        BUF_AUTO back = BUF_INIT(LIMIT);
        assert_int_not_equal(
            content_decode(CONTENT_ZSTD, noise, sizeof noise, &back, NULL), OK);
        assert_int_not_equal(
            content_decode(CONTENT_GZIP, noise, sizeof noise, &back, NULL), OK);
    }
}

static enum status decode_again(const struct buf *packed, size_t len,
                                struct buf *ret_back)
{
    ret_back->len = 0;
    return content_decode(CONTENT_ZSTD, packed->data, len, ret_back, NULL);
}

/* What is kept of one body for the next is neither its state nor its window. */
static void a_body_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    enum { LARGE_BYTES = 8 * 1024 * 1024, TURNS = 20 };
    BUF_AUTO text = BUF_INIT(LIMIT);
    BUF_AUTO packed = BUF_INIT(LIMIT);
    BUF_AUTO large = BUF_INIT(LARGE_BYTES);
    BUF_AUTO large_packed = BUF_INIT(2 * LARGE_BYTES);
    BUF_AUTO back = BUF_INIT(LIMIT);
    fill_text(&text, 3000);
    fill_text(&large, LARGE_BYTES);
    assert_int_equal(content_encode(CONTENT_ZSTD, text.data, text.len, &packed, NULL),
                     OK);
    assert_int_equal(
        content_encode(CONTENT_ZSTD, large.data, large.len, &large_packed, NULL), OK);
    assert_int_equal(decode_again(&packed, packed.len, &back), OK);
    struct mallinfo2 before = mallinfo2();
    for (int turn = 0; turn < TURNS; turn++) {
        assert_int_equal(decode_again(&packed, packed.len - 1, &back),
                         ERR_CONTENT_CORRUPT);
        assert_int_equal(decode_again(&large_packed, large_packed.len, &back),
                         ERR_CONTENT_TOO_LARGE);
        assert_int_equal(decode_again(&packed, packed.len, &back), OK);
        assert_int_equal(back.len, text.len);
        assert_memory_equal(back.data, text.data, text.len);
    }
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks + after.hblkhd <=
                before.uordblks + before.hblkhd + LIMIT + 384 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_leaves_nothing_to_the_next), /* first: nothing is kept */
        cmocka_unit_test(what_was_packed_comes_out_again),
        cmocka_unit_test(one_byte_over_the_limit_is_too_large),
        cmocka_unit_test(a_bomb_takes_no_more_than_the_limit),
        cmocka_unit_test(a_cut_or_continued_body_is_corrupt),
        cmocka_unit_test(a_second_frame_or_member_is_corrupt),
        cmocka_unit_test(a_flipped_byte_of_gzip_is_seen),
        cmocka_unit_test(a_zstd_window_over_8_mib_is_refused),
        cmocka_unit_test(random_bytes_never_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
