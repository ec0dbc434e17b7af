/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "nn/crc32c.h"
#include "nn/isa.h"

static void the_check_value_is_the_published_one(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void zeros_of_rfc_3720_have_their_checksum(void **state)
{
    (void)state;
    static const char zeros[32];
    assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
}

static void it_does_not_matter_how_bytes_are_cut(void **state)
{
    (void)state;
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = crc32c(0, text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, sizeof text - cut),
                         whole);
    }
}

/* Lengths around the three stretches that the instruction works on side by side. */
static void the_instruction_and_the_tables_agree(void **state)
{
    (void)state;
    static uint8_t bytes[6 * 4096 + 100];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
    if (!nn_isa_has_crc32c()) {
        skip();
    }
    for (size_t len = 0; len < 200; len++) {
        size_t longer = len < 100 ? len : sizeof bytes - len;
        assert_int_equal(crc32c_instruction((uint32_t)len, bytes + len % 9, longer),
                         crc32c_portable((uint32_t)len, bytes + len % 9, longer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_is_the_published_one),
        cmocka_unit_test(zeros_of_rfc_3720_have_their_checksum),
        cmocka_unit_test(it_does_not_matter_how_bytes_are_cut),
        cmocka_unit_test(the_instruction_and_the_tables_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
