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

#include "base/digest.h"
#include "base/hex.h"
#include "format/content.h"
#include "format/report.h"

enum { LIMIT = 256 * 1024 };

static const enum content_encoding encodings[] = {CONTENT_IDENTITY, CONTENT_ZSTD,
                                                  CONTENT_GZIP};

extern const unsigned char muster_report_dictionary[];
extern const size_t muster_report_dictionary_len;

/* Text that packs, of `len` bytes. */
static void fill_text(struct buf *text, size_t len)
{
    for (uint32_t random = 1; text->len < len; random = random * 1664525 + 1013904223) {
        buf_addc(text, "0123456789,[]"[(random >> 16) % 13]);
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

/* The longest run of zeros behind 100 bytes that do not pack which a zstd body may have.
 */
static size_t pack_at_the_ratio(struct buf *packed, const char *data, size_t more)
{
    size_t len = CONTENT_FREE_BYTES;
    size_t before = 0;
    while (packed->len != before || before == 0) {
        before = packed->len;
        len = before ? CONTENT_FREE_BYTES + CONTENT_RATIO_MAX * before : len;
        buf_reset(packed);
        assert_int_equal(content_encode(CONTENT_ZSTD, data, len + more, packed, NULL),
                         OK);
    }
    return len + more;
}

static void a_body_may_grow_to_the_ratio_and_not_a_byte_more(void **state)
{
    (void)state;
    enum { ROOM = 1024 * 1024 };
    char *data = calloc(1, ROOM);
    BUF_AUTO text = BUF_INIT(LIMIT);
    fill_text(&text, 100);
    memcpy(data, text.data, text.len);
    for (size_t more = 0; more < 2; more++) {
        BUF_AUTO packed = BUF_INIT(ROOM);
        BUF_AUTO back = BUF_INIT(ROOM);
        buf_addstr(&back, "kept");
        size_t len = pack_at_the_ratio(&packed, data, more);
        assert_int_equal(
            content_decode(CONTENT_ZSTD, packed.data, packed.len, &back, NULL),
            more ? ERR_CONTENT_TOO_LARGE : OK);
        assert_int_equal(back.len, 4 + (more ? 0 : len));
    }
    free(data);
}

/* Nothing that packs as well as a node's body can: all rows alike. */
static void reports_of_equal_rows_stay_below_the_ratio(void **state)
{
    (void)state;
    static const char row[] = "{\"at_ms\":1795457479591,\"class\":999,\"confidence\":"
                              "0.9999,\"latency_us\":4294967295},";
    static int64_t at_ms[REPORT_ROWS_MAX];
    static uint16_t class_index[REPORT_ROWS_MAX], confidence[REPORT_ROWS_MAX];
    static uint32_t latency_us[REPORT_ROWS_MAX];
    struct report report = {.stream = 1,
                            .seq = 1,
                            .rows = REPORT_ROWS_MAX,
                            .at_ms = at_ms,
                            .class_index = class_index,
                            .confidence = confidence,
                            .latency_us = latency_us,
                            .model = "m"};
    BUF_AUTO columns = BUF_INIT(LIMIT);
    BUF_AUTO rows = BUF_INIT(LIMIT);
    report_encode(&report, &columns);
    for (int i = 0; i < REPORT_ROWS_MAX; i++) {
        buf_addstr(&rows, row);
    }
    const struct buf *bodies[] = {&columns, &rows};
    for (size_t i = 0; i < 4; i++) {
        const struct buf *body = bodies[i / 2];
        BUF_AUTO packed = BUF_INIT(LIMIT);
        BUF_AUTO back = BUF_INIT(LIMIT);
        assert_int_equal(
            content_encode(encodings[1 + i % 2], body->data, body->len, &packed, NULL),
            OK);
        assert_int_equal(
            content_decode(encodings[1 + i % 2], packed.data, packed.len, &back, NULL),
            OK);
        assert_int_equal(back.len, body->len);
    }
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

/* Other bytes under the same id would part old nodes from new servers. */
static void the_dictionary_is_what_the_protocol_says(void **state)
{
    (void)state;
    uint8_t bytes[SHA256_BYTES];
    char digest[2 * SHA256_BYTES + 1];
    assert_int_equal(
        sha256_of(muster_report_dictionary, muster_report_dictionary_len, bytes, NULL),
        OK);
    hex_encode(bytes, sizeof bytes, digest);
    assert_string_equal(
        digest, "c7ea7429f766554665ee5508bebd94ef8119b7faac8bc52f66f08c62a39725b2");
    assert_int_equal(
        ZSTD_getDictID_fromDict(muster_report_dictionary, muster_report_dictionary_len),
        CONTENT_DICTIONARY_ID);
}

static void frames_with_and_without_the_dictionary_come_in_any_order(void **state)
{
    (void)state;
    static const char text[] = "{\"stream\":1,\"seq\":2,\"summary\":{\"from_ms\":3}}";
    struct buf packed[] = {BUF_INIT(LIMIT), BUF_INIT(LIMIT)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(content_encode(i ? CONTENT_ZSTD_DICTIONARY : CONTENT_ZSTD, text,
                                        sizeof text, &packed[i], NULL),
                         OK);
    }
    assert_true(packed[1].len < packed[0].len);
    for (int i = 0; i < 6; i++) {
        BUF_AUTO back = BUF_INIT(LIMIT);
        const struct buf *frame = &packed[i % 3 == 0];
        assert_int_equal(decode_again(frame, frame->len, &back), OK);
        assert_int_equal(back.len, sizeof text);
        assert_memory_equal(back.data, text, sizeof text);
    }
    buf_release(&packed[0]);
    buf_release(&packed[1]);
}

static void a_frame_with_another_dictionary_is_refused(void **state)
{
    (void)state;
    BUF_AUTO packed = BUF_INIT(LIMIT);
    BUF_AUTO back = BUF_INIT(LIMIT);
    assert_int_equal(
        content_encode(CONTENT_ZSTD_DICTIONARY, "{\"seq\":1}", 9, &packed, NULL), OK);
    packed.data[5] ^= 1; /* behind magic number and descriptor: the id */
    assert_int_equal(decode_again(&packed, packed.len, &back), ERR_CONTENT_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_leaves_nothing_to_the_next), /* first: nothing is kept */
        cmocka_unit_test(what_was_packed_comes_out_again),
        cmocka_unit_test(one_byte_over_the_limit_is_too_large),
        cmocka_unit_test(a_bomb_takes_no_more_than_the_limit),
        cmocka_unit_test(a_body_may_grow_to_the_ratio_and_not_a_byte_more),
        cmocka_unit_test(reports_of_equal_rows_stay_below_the_ratio),
        cmocka_unit_test(a_cut_or_continued_body_is_corrupt),
        cmocka_unit_test(a_second_frame_or_member_is_corrupt),
        cmocka_unit_test(a_flipped_byte_of_gzip_is_seen),
        cmocka_unit_test(a_zstd_window_over_8_mib_is_refused),
        cmocka_unit_test(random_bytes_never_decode),
        cmocka_unit_test(the_dictionary_is_what_the_protocol_says),
        cmocka_unit_test(frames_with_and_without_the_dictionary_come_in_any_order),
        cmocka_unit_test(a_frame_with_another_dictionary_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
