/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/service/analytics.h"

/* What counters of 2^62 - 1 add up to stays a number, and its percentiles are right. */
static void percentiles_of_the_largest_counters_are_right(void **state)
{
    (void)state;
    static int64_t buckets[LATENCY_BUCKETS];
    buckets[10] = (INT64_C(1) << 62) - 1;
    buckets[20] = (INT64_C(1) << 62) - 1;
    int64_t total = buckets[10] + buckets[20];
    assert_int_equal(analytics_percentile(buckets, total, 50), 10);
    assert_int_equal(analytics_percentile(buckets, total, 51), 20);
    assert_int_equal(analytics_percentile(buckets, total, 100), 20);
}

static void a_percentile_is_of_the_nearest_rank(void **state)
{
    (void)state;
    for (int64_t total = 1; total < 300; total++) {
        int64_t buckets[LATENCY_BUCKETS] = {0};
        for (int64_t i = 0; i < total; i++) {
            buckets[i / 5]++;
        }
        for (int percent = 1; percent <= 100; percent++) {
            int64_t rank = (total * percent + 99) / 100;
            assert_int_equal(analytics_percentile(buckets, total, percent),
                             histogram_latency_middle((unsigned)((rank - 1) / 5)));
        }
    }
}

static void sums_stay_at_the_largest_number(void **state)
{
    (void)state;
    int64_t sum = INT64_MAX - 2;
    class_counts_sum(&sum, 1);
    assert_int_equal(sum, INT64_MAX - 1);
    class_counts_sum(&sum, INT64_MAX);
    assert_int_equal(sum, INT64_MAX);
}

static void a_class_has_the_name_on_which_artifacts_agree(void **state)
{
    (void)state;
    static const char *const one[] = {"cat", "dog"};
    static const char *const other[] = {"cat", "bird", "cow"};
    ARENA_AUTO arena = ARENA_INIT(10000);
    struct class_counts counts = {.arena = &arena, .steps = 2};
    for (int i = 39; i >= 0; i--) {
        assert_int_equal(class_counts_add(&counts, i % 20, (size_t)i % 2, i, NULL), OK);
    }
    class_counts_name(&counts, one, 2);
    class_counts_name(&counts, other, 3);
    class_counts_name(&counts, one, 2);
    class_counts_settle(&counts);
    assert_int_equal(counts.count, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(counts.classes[i]->class_index, i);
        assert_int_equal(counts.classes[i]->n[i % 2], 2 * i + 20);
        assert_int_equal(counts.classes[i]->n[1 - i % 2], 0);
        assert_int_equal(counts.classes[i]->total, 2 * i + 20);
    }
    assert_string_equal(counts.classes[0]->name, "cat");
    assert_null(counts.classes[1]->name);
    assert_string_equal(counts.classes[2]->name, "cow");
    assert_null(counts.classes[3]->name);
}

static void too_many_classes_are_refused(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(100000);
    struct class_counts counts = {.arena = &arena, .steps = 4000};
    struct err err = {0};
    enum status status = OK;
    for (int i = 0; i < 100 && status == OK; i++) {
        status = class_counts_add(&counts, i, 0, 1, &err);
    }
    assert_int_equal(status, ERR_LIMIT);
    assert_int_equal(counts.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_of_the_largest_counters_are_right),
        cmocka_unit_test(a_percentile_is_of_the_nearest_rank),
        cmocka_unit_test(sums_stay_at_the_largest_number),
        cmocka_unit_test(a_class_has_the_name_on_which_artifacts_agree),
        cmocka_unit_test(too_many_classes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
