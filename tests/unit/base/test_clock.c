/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void the_wall_clock_counts_milliseconds_since_the_epoch(void **state)
{
    (void)state;
    int64_t now = clock_wall_ms();
    assert_true(now > INT64_C(1600000000000));
    assert_true(now < INT64_C(4102444800000));
}

static void the_monotonic_clocks_never_go_back(void **state)
{
    (void)state;
    int64_t last_us = clock_mono_us();
    int64_t last_ms = clock_mono_ms();
    for (int i = 0; i < 1000; i++) {
        int64_t us = clock_mono_us();
        int64_t ms = clock_mono_ms();
        assert_true(us >= last_us);
        assert_true(ms >= last_ms);
        last_us = us;
        last_ms = ms;
    }
}

static void a_shift_moves_the_wall_clock_and_not_the_monotonic_one(void **state)
{
    (void)state;
    const int64_t year_ms = INT64_C(365) * 86400 * 1000;
    int64_t before = clock_wall_ms();
    int64_t mono = clock_mono_ms();
    clock_shift_wall(-year_ms);
    assert_true(clock_wall_ms() < before - year_ms / 2);
    assert_true(clock_mono_ms() >= mono);
    clock_shift_wall(year_ms);
    assert_true(clock_wall_ms() >= before);
}

static void times_become_texts_and_come_back(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {INT64_C(951782400000), "2000-02-29T00:00:00Z"},
                 {INT64_C(1795420799000), "2026-11-23T07:59:59Z"},
                 {INT64_C(253402300799000), "9999-12-31T23:59:59Z"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[RFC3339_BYTES];
        int64_t at_ms = -1;
        clock_format_utc(cases[i].at_ms, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(clock_parse_utc(text, &at_ms, NULL), OK);
        assert_int_equal(at_ms, cases[i].at_ms);
    }
}

static void times_outside_the_years_are_clamped_and_milliseconds_cut(void **state)
{
    (void)state;
    char text[RFC3339_BYTES];
    clock_format_utc(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    clock_format_utc(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    clock_format_utc(1999, text);
    assert_string_equal(text, "1970-01-01T00:00:01Z");
}

static void only_exactly_that_form_of_a_real_time_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23T07:59:59",
        "2026-11-23T07:59:59z",
        "2026-11-23 07:59:59Z",
        "2026-11-23T07:59:59Z ",
        " 2026-11-23T07:59:59Z",
        "2026-11-23T07:59:59.0Z",
        "2026-11-23T07:59:59+00:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T23:60:00Z",
        "2026-11-23T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "2026-1-023T07:59:59Z",
        "+026-11-23T07:59:59Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t at_ms = 77;
        struct err err = {0};
        assert_int_equal(clock_parse_utc(bad[i], &at_ms, &err), ERR_INVALID_ARGUMENT);
        assert_int_equal(at_ms, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_counts_milliseconds_since_the_epoch),
        cmocka_unit_test(the_monotonic_clocks_never_go_back),
        cmocka_unit_test(a_shift_moves_the_wall_clock_and_not_the_monotonic_one),
        cmocka_unit_test(times_become_texts_and_come_back),
        cmocka_unit_test(times_outside_the_years_are_clamped_and_milliseconds_cut),
        cmocka_unit_test(only_exactly_that_form_of_a_real_time_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
