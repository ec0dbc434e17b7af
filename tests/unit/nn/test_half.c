/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of 16 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "nn/half.h"

static void every_finite_half_survives_both_ways(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        uint16_t half = (uint16_t)bits;
        if (nn_half_is_finite(half) && nn_half_narrow(nn_half_widen(half)) != half) {
            fail_msg("%#x becomes %#x", half, nn_half_narrow(nn_half_widen(half)));
        }
    }
}

static void known_values_have_the_standards_bits(void **state)
{
    (void)state;
    assert_int_equal(nn_half_narrow(1.0f), 0x3c00);
    assert_int_equal(nn_half_narrow(-2.0f), 0xc000);
    assert_int_equal(nn_half_narrow(NN_HALF_MAX), 0x7bff);
    assert_int_equal(nn_half_narrow(0x1p-24f), 0x0001);
    assert_int_equal(nn_half_narrow(0x1p-14f), 0x0400);
    assert_false(nn_half_is_finite(0x7c00));
    assert_false(nn_half_is_finite(0xfe00));
}

static void what_lies_between_goes_to_the_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(nn_half_narrow(1.0f + 0x1p-11f), 0x3c00);
    assert_int_equal(nn_half_narrow(1.0f + 0x3p-11f), 0x3c02);
    assert_int_equal(nn_half_narrow(1.0f + 0x1.8p-11f), 0x3c01);
    assert_int_equal(nn_half_narrow(0x1p-25f), 0x0000);
    assert_int_equal(nn_half_narrow(0x3p-25f), 0x0002);
    assert_int_equal(nn_half_narrow(0x1.ffffp-15f), 0x0400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finite_half_survives_both_ways),
        cmocka_unit_test(known_values_have_the_standards_bits),
        cmocka_unit_test(what_lies_between_goes_to_the_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
