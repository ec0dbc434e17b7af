/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"

static void bytes_become_lower_case_digits(void **state)
{
    (void)state;
    const uint8_t data[] = {0x00, 0x0f, 0xf0, 0xab, 0xff};
    char text[11];
    hex_encode(data, sizeof data, text);
    assert_string_equal(text, "000ff0abff");
    hex_encode(data, 0, text);
    assert_string_equal(text, "");
}

static void digits_of_either_case_are_read(void **state)
{
    (void)state;
    uint8_t data[3];
    assert_int_equal(hex_decode("00aBfF", data, 3, NULL), OK);
    assert_memory_equal(data, "\x00\xab\xff", 3);
}

static void a_bad_text_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "00",     "00000",  "0000000",  "00000g",
                                      "00000G", "0x0000", "00 000", "00000\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t data[3] = {1, 2, 3};
        struct err err = {0};
        assert_int_equal(hex_decode(bad[i], data, 3, &err), ERR_INVALID_ARGUMENT);
        assert_memory_equal(data, "\x01\x02\x03", 3);
        assert_true(err.detail[0] != '\0');
    }
}

static void base64url_goes_both_ways_for_every_length(void **state)
{
    (void)state;
    uint8_t data[64];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 37 + 250);
    }
    for (size_t len = 0; len <= sizeof data; len++) {
        char text[90];
        uint8_t again[64] = {0};
        base64url_encode(data, len, text);
        assert_int_equal(strlen(text), (len * 4 + 2) / 3);
        assert_null(strpbrk(text, "+/="));
        assert_int_equal(base64url_decode(text, again, len, NULL), OK);
        assert_memory_equal(again, data, len);
    }
}

static void base64url_of_another_length_or_alphabet_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "AAA", "AAAAA", "AA+A", "AA/A", "AA=A", "AA A"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t data[3];
        assert_int_equal(base64url_decode(bad[i], data, 3, NULL), ERR_INVALID_ARGUMENT);
    }
}

static void every_character_of_no_alphabet_is_refused_at_every_place(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t at = 0; at < 10; at++) {
        for (int c = 1; c < 256; c++) {
            char text[] = "AAAAAAAAAAA"; /* 8 bytes: two groups of four and three more */
            uint8_t data[8];
            text[at] = (char)c;
            bool good = strchr(alphabet, c) != NULL;
            assert_int_equal(base64url_decode(text, data, sizeof data, NULL),
                             good ? OK : ERR_INVALID_ARGUMENT);
        }
    }
}

static void base64url_with_set_spare_bits_is_refused(void **state)
{
    (void)state;
    uint8_t data[1];
    assert_int_equal(base64url_decode("AA", data, 1, NULL), OK);
    assert_int_equal(base64url_decode("AB", data, 1, NULL), ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_lower_case_digits),
        cmocka_unit_test(digits_of_either_case_are_read),
        cmocka_unit_test(a_bad_text_changes_nothing),
        cmocka_unit_test(base64url_goes_both_ways_for_every_length),
        cmocka_unit_test(base64url_of_another_length_or_alphabet_is_refused),
        cmocka_unit_test(every_character_of_no_alphabet_is_refused_at_every_place),
        cmocka_unit_test(base64url_with_set_spare_bits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
