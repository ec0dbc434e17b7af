/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/flights.h"

static void a_sender_has_its_most_at_once_and_others_theirs(void **state)
{
    (void)state;
    struct flights *flights = NULL;
    assert_int_equal(flights_new(3, &flights, NULL), OK);
    for (int64_t key = 1; key <= 5000; key++) {
        assert_true(flights_enter(flights, key));
        assert_true(flights_enter(flights, key));
        assert_true(flights_enter(flights, key));
        assert_false(flights_enter(flights, key));
    }
    flights_leave(flights, 17);
    assert_true(flights_enter(flights, 17));
    assert_false(flights_enter(flights, 17));
    for (int64_t key = 1; key <= 5000; key++) {
        flights_leave(flights, key);
        flights_leave(flights, key);
        flights_leave(flights, key);
    }
    assert_true(flights_enter(flights, 17)); /* as if it were new */
    flights_leave(flights, 17);
    flights_free(flights);
}

static void without_a_limit_nothing_is_counted(void **state)
{
    (void)state;
    struct flights *flights = NULL;
    assert_int_equal(flights_new(0, &flights, NULL), OK);
    for (int i = 0; i < 100; i++) {
        assert_true(flights_enter(flights, 1));
    }
    flights_leave(flights, 1);
    flights_free(flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_has_its_most_at_once_and_others_theirs),
        cmocka_unit_test(without_a_limit_nothing_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
