/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "format/transport.h"

enum { MAX_BYTES = 1 << 20 };

/* Bytes like weights: high bytes alike, low bytes noise. */
static void fill(uint8_t *data, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = i % 4 == 3 ? 0x3d : (uint8_t)(state >> 24);
    }
}

static void what_went_in_comes_out(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 1000, 131072, 300001};
    uint8_t *data = malloc(300001);
    uint8_t *result = malloc(300001);
    fill(data, 300001);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        BUF_AUTO transport = BUF_INIT(MAX_BYTES);
        assert_int_equal(transport_encode(data, lengths[i], &transport, NULL), OK);
        memset(result, 0, lengths[i]);
        assert_int_equal(
            transport_decode(transport.data, transport.len, result, lengths[i], NULL),
            OK);
        assert_memory_equal(result, data, lengths[i]);
    }
    free(data);
    free(result);
}

static void planes_pack_weights(void **state)
{
    (void)state;
    uint8_t *data = malloc(100000);
    fill(data, 100000);
    BUF_AUTO transport = BUF_INIT(MAX_BYTES);
    assert_int_equal(transport_encode(data, 100000, &transport, NULL), OK);
    assert_in_range(transport.len, 70000, 76000); /* three bytes of four are noise */
    assert_int_equal(transport.data[5], 4);
    free(data);
}

static void slices_of_any_size_give_the_same(void **state)
{
    (void)state;
    static const size_t slices[] = {1, 7, 47, 48, 49, 4096};
    uint8_t data[20000];
    uint8_t result[sizeof data];
    fill(data, sizeof data);
    BUF_AUTO transport = BUF_INIT(MAX_BYTES);
    assert_int_equal(transport_encode(data, sizeof data, &transport, NULL), OK);
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
        TRANSPORT_DECODER_AUTO decoder = {0};
        assert_int_equal(transport_decoder_init(&decoder, result, sizeof result, NULL),
                         OK);
        for (size_t at = 0; at < transport.len; at += slices[i]) {
            size_t left = transport.len - at;
            assert_int_equal(transport_decoder_feed(&decoder, transport.data + at,
                                                    left < slices[i] ? left : slices[i],
                                                    NULL),
                             OK);
        }
        assert_int_equal(transport_decoder_finish(&decoder, NULL), OK);
        assert_memory_equal(result, data, sizeof data);
    }
}

static void cut_and_lengthened_transports_are_refused(void **state)
{
    (void)state;
    uint8_t data[5000];
    uint8_t result[sizeof data];
    fill(data, sizeof data);
    BUF_AUTO transport = BUF_INIT(MAX_BYTES);
    assert_int_equal(transport_encode(data, sizeof data, &transport, NULL), OK);
    for (size_t len = 0; len < transport.len; len += 13) {
        assert_int_equal(
            transport_decode(transport.data, len, result, sizeof result, NULL),
            ERR_CONTENT_CORRUPT);
    }
    buf_addc(&transport, 'x');
    assert_int_equal(
        transport_decode(transport.data, transport.len, result, sizeof result, NULL),
        ERR_CONTENT_CORRUPT);
}

static void no_more_than_the_signed_length_comes_out(void **state)
{
    (void)state;
    uint8_t data[5000];
    uint8_t result[sizeof data];
    memset(data, 0, sizeof data);
    BUF_AUTO transport = BUF_INIT(MAX_BYTES);
    assert_int_equal(transport_encode(data, sizeof data, &transport, NULL), OK);
    assert_int_equal(transport_decode(transport.data, transport.len, result, 4999, NULL),
                     ERR_CONTENT_CORRUPT);
    transport.data[8] = 100; /* the header lies: 100 bytes */
    transport.data[9] = 0;
    assert_int_equal(transport_decode(transport.data, transport.len, result, 100, NULL),
                     ERR_CONTENT_TOO_LARGE);
}

static void unknown_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char value;
        enum status expected;
    } rows[] = {{0, 'X', ERR_CONTENT_CORRUPT}, {4, 2, ERR_UNSUPPORTED},
                {5, 0, ERR_CONTENT_CORRUPT},   {5, 3, ERR_CONTENT_CORRUPT},
                {6, 1, ERR_CONTENT_CORRUPT},   {16, 1, ERR_UNSUPPORTED},
                {15, 1, ERR_CONTENT_CORRUPT}};
    uint8_t data[100] = {0};
    uint8_t result[sizeof data];
    BUF_AUTO transport = BUF_INIT(MAX_BYTES);
    assert_int_equal(transport_encode(data, sizeof data, &transport, NULL), OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char kept = transport.data[rows[i].at];
        transport.data[rows[i].at] = rows[i].value;
        assert_int_equal(
            transport_decode(transport.data, transport.len, result, sizeof result, NULL),
            rows[i].expected);
        transport.data[rows[i].at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_in_comes_out),
        cmocka_unit_test(planes_pack_weights),
        cmocka_unit_test(slices_of_any_size_give_the_same),
        cmocka_unit_test(cut_and_lengthened_transports_are_refused),
        cmocka_unit_test(no_more_than_the_signed_length_comes_out),
        cmocka_unit_test(unknown_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
