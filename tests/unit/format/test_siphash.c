/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "format/report.h"
#include "format/siphash.h"

/* The first outputs of the reference implementation: key 00 … 0f, input 00 01 02 …. */
static const uint64_t reference[] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
};

static void fill_counting(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)i;
    }
}

static void gives_the_outputs_of_the_reference(void **state)
{
    (void)state;
    uint8_t key[16];
    uint8_t input[16];
    fill_counting(key, sizeof key);
    fill_counting(input, sizeof input);
    for (size_t len = 0; len < sizeof input; len++) {
        assert_true(siphash_2_4(key, input, len) == reference[len]);
    }
}

static void agrees_with_libsodium_at_every_length(void **state)
{
    (void)state;
    uint8_t key[16];
    uint8_t input[1024];
    randombytes_buf(key, sizeof key);
    randombytes_buf(input, sizeof input);
    for (size_t len = 0; len <= sizeof input; len++) {
        uint8_t wanted[8];
        uint64_t hash = siphash_2_4(key, input, len);
        crypto_shorthash_siphash24(wanted, input, len, key);
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(wanted[i], (uint8_t)(hash >> (8 * i)));
        }
    }
}

static void the_body_hash_is_the_low_half_under_a_zero_key(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    static const char body[] = "{\"stream\":1}";
    assert_true(report_body_hash(body, strlen(body)) ==
                (uint32_t)siphash_2_4(zero, body, strlen(body)));
    /* Written down, so that a change of the rule is seen. */
    assert_true(report_body_hash("", 0) == 0x737700d7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_outputs_of_the_reference),
        cmocka_unit_test(agrees_with_libsodium_at_every_length),
        cmocka_unit_test(the_body_hash_is_the_low_half_under_a_zero_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
