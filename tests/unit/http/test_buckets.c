/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/buckets.h"

/* Any time of the monotonic clock will do. */
static const int64_t START_US = INT64_C(5000000000);
static const int64_t SECOND_US = 1000000;

static struct buckets *make(int64_t per_s, int64_t burst)
{
    struct buckets *buckets = NULL;
    assert_int_equal(buckets_new(per_s, burst, &buckets, NULL), OK);
    return buckets;
}

/* Takes tokens until there is none; returns how many. */
static int drain(struct buckets *buckets, uint64_t key, int64_t now_us)
{
    int taken = 0;
    while (buckets_take(buckets, key, now_us) == 0) {
        taken++;
    }
    return taken;
}

static void a_burst_is_let_through_and_then_the_rate(void **state)
{
    (void)state;
    struct buckets *buckets = make(10, 25);
    assert_int_equal(drain(buckets, 1, START_US), 25);
    assert_int_equal(drain(buckets, 1, START_US + SECOND_US), 10);
    assert_int_equal(drain(buckets, 1, START_US + SECOND_US + 99999), 0);
    assert_int_equal(drain(buckets, 1, START_US + SECOND_US + 100000), 1);
    buckets_free(buckets);
}

static void a_bucket_never_holds_more_than_the_burst(void **state)
{
    (void)state;
    struct buckets *buckets = make(10, 25);
    assert_int_equal(drain(buckets, 1, START_US), 25);
    assert_int_equal(drain(buckets, 1, START_US + 1000 * SECOND_US), 25);
    buckets_free(buckets);
}

static void a_refusal_tells_when_and_takes_nothing(void **state)
{
    (void)state;
    struct buckets *buckets = make(2, 3);
    (void)drain(buckets, 1, START_US);
    assert_int_equal(buckets_take(buckets, 1, START_US), 500000);
    assert_int_equal(buckets_take(buckets, 1, START_US + 100000), 400000);
    assert_int_equal(buckets_take(buckets, 1, START_US + 500000), 0);
    buckets_free(buckets);
}

static void keys_do_not_share_a_bucket(void **state)
{
    (void)state;
    struct buckets *buckets = make(1, 4);
    for (uint64_t key = 0; key < 1000; key++) {
        assert_int_equal(drain(buckets, key, START_US), 4);
    }
    assert_int_equal(drain(buckets, 7, START_US), 0);
    buckets_free(buckets);
}

static void without_a_rate_there_is_no_limit(void **state)
{
    (void)state;
    struct buckets *buckets = make(0, 1);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buckets_take(buckets, 1, START_US), 0);
    }
    buckets_free(buckets);
}

/* More keys than the table has room for: those that were used last are held to the rate
 * all the same, and a quarter of a million stay bounded. */
static void a_crowded_table_still_limits_those_who_send_most(void **state)
{
    (void)state;
    struct buckets *buckets = make(1, 50);
    assert_int_equal(drain(buckets, 1, START_US), 50);
    for (uint64_t key = 2; key < 250000; key++) {
        (void)buckets_take(buckets, key, START_US);
    }
    assert_int_equal(drain(buckets, 1, START_US), 0);
    buckets_free(buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_let_through_and_then_the_rate),
        cmocka_unit_test(a_bucket_never_holds_more_than_the_burst),
        cmocka_unit_test(a_refusal_tells_when_and_takes_nothing),
        cmocka_unit_test(keys_do_not_share_a_bucket),
        cmocka_unit_test(without_a_rate_there_is_no_limit),
        cmocka_unit_test(a_crowded_table_still_limits_those_who_send_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
