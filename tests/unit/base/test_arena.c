/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(100000);
    for (size_t size = 1; size < 200; size += 7) {
        unsigned char *at = arena_alloc(&arena, size);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(at[i], 0);
        }
        memset(at, 0xff, size);
        if (size % 2 == 0) {
            arena_release(&arena); /* so that the next block is used memory */
        }
    }
}

static void allocations_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 100 };
    ARENA_AUTO arena = ARENA_INIT(COUNT * 112);
    unsigned char *at[COUNT];
    for (int i = 0; i < COUNT; i++) {
        at[i] = arena_alloc(&arena, SIZE);
        assert_non_null(at[i]);
        memset(at[i], i, SIZE);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(at[i][0], i);
        assert_int_equal(at[i][SIZE - 1], i);
    }
}

static void the_ceiling_bounds_the_sum(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(64);
    assert_non_null(arena_alloc(&arena, 32));
    assert_non_null(arena_alloc(&arena, 32));
    assert_null(arena_alloc(&arena, 1));
    assert_int_equal(arena.used, 64);
    arena_release(&arena);
    assert_non_null(arena_alloc(&arena, 64));
}

static void one_allocation_may_be_larger_than_a_block(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(1 << 20);
    unsigned char *large = arena_alloc(&arena, 100000);
    assert_non_null(large);
    large[99999] = 1;
    assert_non_null(arena_alloc(&arena, 10));
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 16));
    assert_null(arena_array(&arena, SIZE_MAX / 2 + 1, 2));
    assert_null(arena_strndup(&arena, "", SIZE_MAX));
    assert_non_null(arena_array(&arena, 3, 5));
}

static void a_reset_gives_zeroed_memory_and_the_whole_ceiling_again(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(20000);
    for (int round = 0; round < 3; round++) {
        unsigned char *small = arena_alloc(&arena, 100);
        unsigned char *large = arena_alloc(&arena, 12000);
        assert_non_null(small);
        assert_non_null(large);
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(small[i], 0);
            small[i] = 0xEE;
        }
        assert_null(arena_alloc(&arena, 10000));
        arena_reset(&arena);
    }
    assert_non_null(arena_alloc(&arena, 20000));
}

static void texts_are_copied_and_terminated(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(1000);
    char from[] = "abcdef";
    char *whole = arena_strdup(&arena, from);
    char *part = arena_strndup(&arena, from, 3);
    from[0] = 'x';
    assert_string_equal(whole, "abcdef");
    assert_string_equal(part, "abc");
    assert_string_equal(arena_strndup(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", whole, 7), "abcdef-7");
}

static void a_text_beyond_the_ceiling_is_null(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(16);
    assert_null(arena_printf(&arena, "%040d", 1));
    assert_null(arena_strdup(&arena, "0123456789abcdef"));
    assert_string_equal(arena_strdup(&arena, "0123456789abcde"), "0123456789abcde");
}

static void a_list_grows_and_keeps_its_items(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(3000);
    int64_t *list = NULL;
    size_t room = 0;
    for (int64_t i = 0; i < 100; i++) {
        list = arena_grow(&arena, list, (size_t)i, sizeof *list, &room);
        assert_non_null(list);
        list[i] = i;
    }
    for (int64_t i = 0; i < 100; i++) {
        assert_int_equal(list[i], i);
    }
    assert_int_equal(room, 128);
    assert_null(arena_grow(&arena, list, room, sizeof *list, &room));
    assert_int_equal(room, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(allocations_do_not_overlap),
        cmocka_unit_test(the_ceiling_bounds_the_sum),
        cmocka_unit_test(one_allocation_may_be_larger_than_a_block),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(a_reset_gives_zeroed_memory_and_the_whole_ceiling_again),
        cmocka_unit_test(texts_are_copied_and_terminated),
        cmocka_unit_test(a_text_beyond_the_ceiling_is_null),
        cmocka_unit_test(a_list_grows_and_keeps_its_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
