/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/pressure.h"

static const int64_t START_MS = 5000000;

static struct pressure make(void)
{
    struct pressure pressure = {0};
    (void)pthread_mutex_init(&pressure.lock, NULL);
    return pressure;
}

/* Refuses `count` clients at once; the seconds of the last. */
static unsigned refuse(struct pressure *pressure, int64_t now_ms, uint64_t served,
                       int count)
{
    unsigned seconds = 0;
    for (int i = 0; i < count; i++) {
        seconds = pressure_refuse(pressure, now_ms, served);
    }
    return seconds;
}

static void a_single_refusal_is_soon_forgotten(void **state)
{
    (void)state;
    struct pressure pressure = make();
    assert_int_equal(pressure_refuse(&pressure, START_MS, 0), 1);
    assert_int_equal(pressure_refuse(&pressure, START_MS + 60000, 1000), 1);
}

static void the_time_grows_with_the_number_that_were_refused(void **state)
{
    (void)state;
    struct pressure pressure = make();
    (void)pressure_refuse(&pressure, START_MS, 0);
    /* 2,000 a second are served: 10,000 more need five seconds. */
    unsigned early = refuse(&pressure, START_MS + 500, 1000, 1000);
    unsigned late = refuse(&pressure, START_MS + 500, 1000, 9000);
    assert_int_equal(early, 1);
    assert_int_equal(late, 6);
}

static void places_are_served_as_time_passes(void **state)
{
    (void)state;
    struct pressure pressure = make();
    (void)pressure_refuse(&pressure, START_MS, 0);
    assert_int_equal(refuse(&pressure, START_MS + 500, 1000, 10000), 6);
    assert_int_equal(refuse(&pressure, START_MS + 4500, 9000, 1), 2);
}

static void a_fleet_comes_back_no_faster_than_it_can_be_served(void **state)
{
    (void)state;
    struct pressure pressure = make();
    int returns[PRESSURE_MAX_S + 1] = {0};
    (void)pressure_refuse(&pressure, START_MS, 0);
    for (int i = 0; i < 100000; i++) {
        returns[pressure_refuse(&pressure, START_MS + 500, 2000)]++;
    }
    for (int s = 1; s <= PRESSURE_MAX_S; s++) {
        assert_true(returns[s] <= 4001); /* 4,000 a second are served */
    }
}

static void nobody_waits_longer_than_the_most(void **state)
{
    (void)state;
    struct pressure pressure = make();
    (void)pressure_refuse(&pressure, START_MS, 0);
    assert_int_equal(refuse(&pressure, START_MS + 500, 0, 100000), PRESSURE_MAX_S);
}

static void quiet_times_do_not_count_as_slow_ones(void **state)
{
    (void)state;
    struct pressure pressure = make();
    (void)pressure_refuse(&pressure, START_MS, 0);
    (void)refuse(&pressure, START_MS + 500, 5000, 1); /* 10 a millisecond */
    /* An hour later hardly anything was served; then 20,000 come at once. */
    assert_int_equal(refuse(&pressure, START_MS + 3600000, 5010, 20000), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_refusal_is_soon_forgotten),
        cmocka_unit_test(the_time_grows_with_the_number_that_were_refused),
        cmocka_unit_test(places_are_served_as_time_passes),
        cmocka_unit_test(a_fleet_comes_back_no_faster_than_it_can_be_served),
        cmocka_unit_test(nobody_waits_longer_than_the_most),
        cmocka_unit_test(quiet_times_do_not_count_as_slow_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
