/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/histogram.h"

/* docs/PROTOCOL.md word by word, with a loop for the logarithm. */
static unsigned bucket_by_formula(uint32_t v)
{
    if (v < 64) {
        return v;
    }
    unsigned e = 0;
    while (e < 31 && v >> (e + 1) != 0) {
        e++;
    }
    return 64 * (e - 5) + (v >> (e - 6)) - 64;
}

static void every_confidence_falls_into_its_bin(void **state)
{
    (void)state;
    for (unsigned c = 0; c <= 10000; c++) {
        unsigned bin = c / 500 < 19 ? c / 500 : 19;
        assert_int_equal(histogram_confidence_bin(c), bin);
    }
    assert_int_equal(histogram_confidence_bin(9999), 19);
    assert_int_equal(histogram_confidence_bin(10000), 19);
}

static void every_bucket_begins_where_the_last_one_ends(void **state)
{
    (void)state;
    uint64_t next = 0;
    for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
        uint32_t lower = histogram_latency_lower(b);
        uint32_t width = histogram_latency_width(b);
        assert_true(lower == next);
        assert_int_equal(histogram_latency_bucket(lower), b);
        assert_int_equal(histogram_latency_bucket(lower + (width - 1)), b);
        next = (uint64_t)lower + width;
    }
    assert_true(next == (uint64_t)1 << 32);
}

static void latencies_follow_the_formula(void **state)
{
    (void)state;
    for (uint32_t v = 0; v < 1u << 20; v++) {
        assert_int_equal(histogram_latency_bucket(v), bucket_by_formula(v));
    }
    for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
        for (int off = -2; off <= 2; off++) {
            uint32_t v = histogram_latency_lower(b) + (uint32_t)off;
            assert_int_equal(histogram_latency_bucket(v), bucket_by_formula(v));
        }
    }
    assert_int_equal(histogram_latency_bucket(64), 64);
    assert_int_equal(histogram_latency_bucket(UINT32_MAX), 1727);
}

static void the_middle_is_within_0_8_percent(void **state)
{
    (void)state;
    for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
        uint32_t lower = histogram_latency_lower(b);
        uint32_t last = lower + (histogram_latency_width(b) - 1);
        uint32_t middle = histogram_latency_middle(b);
        assert_true(middle >= lower && middle <= last);
        assert_true((double)(last - middle) <= 0.008 * (double)last);
        assert_true((double)(middle - lower) <= 0.008 * (double)lower);
    }
}

static void time_buckets_never_have_a_negative_remainder(void **state)
{
    (void)state;
    assert_true(histogram_time_bucket(0, 60000) == 0);
    assert_true(histogram_time_bucket(59999, 60000) == 0);
    assert_true(histogram_time_bucket(60000, 60000) == 60000);
    assert_true(histogram_time_bucket(-1, 60000) == -60000);
    assert_true(histogram_time_bucket(-60000, 60000) == -60000);
    assert_true(histogram_time_bucket(-60001, 60000) == -120000);
    assert_true(histogram_time_bucket(1795420000123, 900000) ==
                1795420000123 - 1795420000123 % 900000);
    assert_true(histogram_time_bucket(INT64_MIN, 900000) == INT64_MIN);
    assert_true(histogram_time_bucket(INT64_MAX, 900000) <= INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_confidence_falls_into_its_bin),
        cmocka_unit_test(every_bucket_begins_where_the_last_one_ends),
        cmocka_unit_test(latencies_follow_the_formula),
        cmocka_unit_test(the_middle_is_within_0_8_percent),
        cmocka_unit_test(time_buckets_never_have_a_negative_remainder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
