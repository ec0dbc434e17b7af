/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "nn/crc32c.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_is_the_published_one),
        cmocka_unit_test(zeros_of_rfc_3720_have_their_checksum),
        cmocka_unit_test(it_does_not_matter_how_bytes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
