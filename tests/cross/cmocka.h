/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka: what the tests of nn/ and converter/ take from that library, for architectures
 * for which only a compiler and its libc are there.
 *
 * A test that fails prints where and why and is left by longjmp; its group goes on. One
 * thread. Included in place of Debian's header by builds with MUSTER_NN_ONLY. */
#ifndef MUSTER_TESTS_CROSS_CMOCKA_H
#define MUSTER_TESTS_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

enum cross_end { CROSS_PASSED, CROSS_FAILED, CROSS_SKIPPED };

static jmp_buf cross_leave;

#define cmocka_unit_test(test)                                                           \
    {                                                                                    \
#test, test                                                                      \
    }
#define cross_fail(...)                                                                  \
    do {                                                                                 \
        (void)printf("%s:%d: ", __FILE__, __LINE__);                                     \
        (void)printf(__VA_ARGS__);                                                       \
        (void)printf("\n");                                                              \
        longjmp(cross_leave, CROSS_FAILED);                                              \
    } while (0)
#define fail_msg(...) cross_fail(__VA_ARGS__)
#define skip() longjmp(cross_leave, CROSS_SKIPPED)
#define cross_check(condition, text)                                                     \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            cross_fail("%s", text);                                                      \
        }                                                                                \
    } while (0)
#define assert_true(condition) cross_check(condition, #condition)
#define assert_false(condition) cross_check(!(condition), "not " #condition)
#define assert_null(pointer) cross_check((pointer) == NULL, #pointer " is not NULL")
#define assert_non_null(pointer) cross_check((pointer) != NULL, #pointer " is NULL")
#define assert_int_equal(a, b)                                                           \
    do {                                                                                 \
        intmax_t cross_a = (intmax_t)(a), cross_b = (intmax_t)(b);                       \
        if (cross_a != cross_b) {                                                        \
            cross_fail("%s is %jd instead of %jd", #a, cross_a, cross_b);                \
        }                                                                                \
    } while (0)
#define assert_int_not_equal(a, b) cross_check((intmax_t)(a) != (intmax_t)(b), #a)
#define assert_string_equal(a, b) cross_check(strcmp(a, b) == 0, #a)
#define assert_memory_equal(a, b, bytes) cross_check(memcmp(a, b, bytes) == 0, #a)
#define assert_memory_not_equal(a, b, bytes) cross_check(memcmp(a, b, bytes) != 0, #a)

typedef int cross_step(void **state);

/* Runs `before` and `after` once, around all tests. */
static inline int cross_run_group(const char *group, const struct CMUnitTest *tests,
                                  size_t count, cross_step *before, cross_step *after)
{
    static const char *const ends[] = {"passed", "FAILED", "skipped"};
    static void *state;
    volatile int failed = before && before(&state) ? 1 : 0;
    for (volatile size_t i = 0; i < count; i++) {
        volatile int end = setjmp(cross_leave);
        if (end == CROSS_PASSED) {
            tests[i].run(&state);
        }
        failed += end == CROSS_FAILED;
        (void)printf("%s: %s: %s\n", group, tests[i].name, ends[end]);
        (void)fflush(stdout);
    }
    return failed + (after && after(&state) ? 1 : 0);
}

#define cmocka_run_group_tests_name(group, tests, before, after)                         \
    cross_run_group(group, tests, sizeof(tests) / sizeof((tests)[0]), before, after)
#define cmocka_run_group_tests(tests, before, after)                                     \
    cmocka_run_group_tests_name("tests", tests, before, after)

#endif
