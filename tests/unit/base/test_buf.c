/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void what_is_appended_stays_in_order_and_terminated(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(1000);
    buf_addstr(&buf, "ab");
    buf_addc(&buf, 'c');
    buf_add(&buf, "def", 2);
    buf_addf(&buf, "-%03d-", 7);
    buf_addi(&buf, 42);
    assert_string_equal(buf.data, "abcde-007-42");
    assert_int_equal(buf.len, strlen(buf.data));
    assert_int_equal(buf_status(&buf, NULL), OK);
}

static void appending_nothing_is_allowed(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(0);
    buf_add(&buf, NULL, 0);
    buf_addstr(&buf, "");
    assert_int_equal(buf.len, 0);
    assert_false(buf.failed);
}

static void bytes_with_zeros_are_kept(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(8);
    buf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b\0", 4);
}

static void the_ceiling_itself_fits_and_one_more_byte_does_not(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(510);
    for (int i = 0; i < 510; i++) {
        buf_addc(&buf, 'x');
    }
    assert_int_equal(buf.len, 510);
    assert_int_equal(buf_status(&buf, NULL), OK);
    assert_true(buf.cap <= 511);
    buf_addc(&buf, 'y');
    struct err err = {0};
    assert_int_equal(buf_status(&buf, &err), ERR_LIMIT);
    assert_int_equal(buf.len, 510);
}

static void after_a_dropped_write_later_ones_are_dropped_too(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(4);
    buf_addstr(&buf, "ab");
    buf_addstr(&buf, "cde");
    buf_addstr(&buf, "f");
    buf_addf(&buf, "%d", 1);
    assert_string_equal(buf.data, "ab");
    assert_null(buf_reserve(&buf, 1));
    buf_reset(&buf);
    buf_addstr(&buf, "cdef");
    assert_string_equal(buf.data, "cdef");
}

static void a_huge_reserve_does_not_overflow(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(SIZE_MAX / 2);
    buf_addstr(&buf, "ab");
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
}

static void reserved_room_may_be_filled_by_hand(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(1000);
    buf_addstr(&buf, "ab");
    char *room = buf_reserve(&buf, 500);
    assert_non_null(room);
    memset(room, 'c', 500);
    buf.len += 500;
    buf_addc(&buf, 'd');
    assert_int_equal(buf.len, 503);
    assert_int_equal(buf.data[501], 'c');
    assert_string_equal(buf.data + 502, "d");
}

static void integers_are_written_up_to_both_ends(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-1, "-1"},
                 {1000, "1000"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO buf = BUF_INIT(32);
        buf_addi(&buf, cases[i].value);
        assert_string_equal(buf.data, cases[i].text);
    }
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(200);
    buf_add_json(&buf, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f é");
    assert_string_equal(buf.data,
                        "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f \xc3\xa9\"");
}

static void taken_memory_belongs_to_the_taker(void **state)
{
    (void)state;
    BUF_AUTO buf = BUF_INIT(10);
    buf_addstr(&buf, "abc");
    char *taken = buf_take(&buf);
    assert_string_equal(taken, "abc");
    assert_null(buf.data);
    assert_int_equal(buf.max, 10);
    free(taken);
    taken = buf_take(&buf);
    assert_string_equal(taken, "");
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_stays_in_order_and_terminated),
        cmocka_unit_test(appending_nothing_is_allowed),
        cmocka_unit_test(bytes_with_zeros_are_kept),
        cmocka_unit_test(the_ceiling_itself_fits_and_one_more_byte_does_not),
        cmocka_unit_test(after_a_dropped_write_later_ones_are_dropped_too),
        cmocka_unit_test(a_huge_reserve_does_not_overflow),
        cmocka_unit_test(reserved_room_may_be_filled_by_hand),
        cmocka_unit_test(integers_are_written_up_to_both_ends),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(taken_memory_belongs_to_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
