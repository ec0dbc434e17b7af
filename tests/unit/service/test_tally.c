/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void plausible_is_ten_minutes_ahead_to_366_days_behind(void **state)
{
    (void)state;
    assert_true(tally_is_plausible(-600000));
    assert_false(tally_is_plausible(-600001));
    assert_true(tally_is_plausible(INT64_C(31622400000)));
    assert_false(tally_is_plausible(INT64_C(31622400001)));
    assert_false(tally_is_plausible(INT64_MIN));
    assert_false(tally_is_plausible(INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plausible_is_ten_minutes_ahead_to_366_days_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
