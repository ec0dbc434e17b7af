/* SPDX-License-Identifier: Apache-2.0 */
/* What a Content-Range says, and which ones answer a request, a row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge/content_range.h"

static void what_is_a_range_is_read(void **state)
{
    (void)state;
    struct content_range range;
    content_range_parse("bytes 5-9/100", &range);
    assert_true(range.present);
    assert_int_equal(range.first, 5);
    assert_int_equal(range.last, 9);
    assert_int_equal(range.total, 100);
    content_range_parse("Bytes 0-0/*", &range);
    assert_true(range.present);
    assert_int_equal(range.total, -1);
}

static void anything_else_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "bytes",
        "bytes 5-9",
        "bytes 5-9/",
        "bytes 5-9/100 ",
        "bytes 5-9/**",
        "bytes */100",
        "bytes 9-5/100",
        "bytes 5-100/100",
        "bytes -5-9/100",
        "bytes +5-9/100",
        "bytes 5-9/-1",
        "bytes 5 -9/100",
        "items 5-9/100",
        "bytes 5-9223372036854775808/*",
        "bytes 0x5-9/100",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct content_range range;
        content_range_parse(texts[i], &range);
        if (range.present) {
            fail_msg("'%s' is taken for a range", texts[i]);
        }
    }
}

static const struct {
    struct content_range range;
    int64_t from, count, length;
    bool answers;
} rows[] = {
    {{true, 5, 9, 100}, 5, 5, 100, true},
    {{true, 5, 9, -1}, 5, 95, 100, true}, /* fewer than asked for */
    {{false, 5, 9, 100}, 5, 5, 100, false},
    {{true, 4, 9, 100}, 5, 5, 100, false},
    {{true, 6, 9, 100}, 5, 5, 100, false},
    {{true, 5, 10, 100}, 5, 5, 100, false},
    {{true, 5, 9, 101}, 5, 5, 100, false},
    {{true, 0, INT64_MAX - 1, -1}, 0, 100, 100, false},
    {{true, INT64_MAX - 1, INT64_MAX - 1, INT64_MAX}, INT64_MAX - 1, 1, INT64_MAX, true},
};

static void only_what_was_asked_for_is_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (content_range_answers(&rows[i].range, rows[i].from, rows[i].count,
                                  rows[i].length) != rows[i].answers) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_range_is_read),
        cmocka_unit_test(anything_else_is_none),
        cmocka_unit_test(only_what_was_asked_for_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
