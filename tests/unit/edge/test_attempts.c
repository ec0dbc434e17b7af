/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge/attempts.h"

static const uint8_t one[32] = {1}, other[32] = {2};

static void eight_failures_in_a_row_are_a_pause(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct attempt nothing = {.backoff_max_ms = 1000, .now_ms = 5};
    for (int i = 1; i < ATTEMPTS_MAX; i++) {
        assert_false(attempts_failed(&attempts, one, &nothing));
        assert_int_equal(attempts_wait_ms(&attempts, one, 5), 0);
    }
    assert_false(attempts_failed(&attempts, one, &nothing));
    assert_int_equal(attempts_wait_ms(&attempts, one, 5), 12000);
    assert_int_equal(attempts_wait_ms(&attempts, one, 12005), 0);
    assert_int_equal(attempts_wait_ms(&attempts, other, 5), 0);
    assert_false(attempts_failed(&attempts, one, &nothing));
    assert_int_equal(attempts_wait_ms(&attempts, one, 5), 0);
}

static void progress_begins_the_count_anew(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct attempt nothing = {.brought = 65535, .backoff_max_ms = 1000};
    struct attempt much = {.brought = 65536, .backoff_max_ms = 1000};
    for (int i = 0; i < 3 * ATTEMPTS_MAX; i++) {
        bool progress = i % ATTEMPTS_MAX == ATTEMPTS_MAX - 1;
        assert_int_equal(attempts_failed(&attempts, one, progress ? &much : &nothing),
                         progress);
        assert_int_equal(attempts_wait_ms(&attempts, one, 0), 0);
    }
}

static void another_artifact_begins_the_count_anew(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct attempt nothing = {.backoff_max_ms = 1000};
    for (int i = 0; i < 3 * ATTEMPTS_MAX; i++) {
        const uint8_t *artifact = i % ATTEMPTS_MAX == ATTEMPTS_MAX - 1 ? other : one;
        (void)attempts_failed(&attempts, artifact, &nothing);
        assert_int_equal(attempts_wait_ms(&attempts, artifact, 0), 0);
    }
}

static void retry_after_is_kept_to_an_hour(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct attempt busy = {.retry_after_ms = 90000, .backoff_max_ms = 1};
    (void)attempts_failed(&attempts, one, &busy);
    assert_int_equal(attempts_wait_ms(&attempts, one, 0), 90000);
    busy.retry_after_ms = INT64_C(365) * 86400000;
    (void)attempts_failed(&attempts, one, &busy);
    assert_int_equal(attempts_wait_ms(&attempts, one, 0), 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_failures_in_a_row_are_a_pause),
        cmocka_unit_test(progress_begins_the_count_anew),
        cmocka_unit_test(another_artifact_begins_the_count_anew),
        cmocka_unit_test(retry_after_is_kept_to_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
