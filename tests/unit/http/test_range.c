/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/range.h"

struct range_case {
    const char *text;
    enum range_kind kind;
    uint64_t offset, len;
};

static void every_form_is_read(void **state)
{
    (void)state;
    static const struct range_case cases[] = {
        {NULL, RANGE_WHOLE, 0, 100},
        {"items=0-1", RANGE_WHOLE, 0, 100},
        {"bytes=0-9", RANGE_PART, 0, 10},
        {"BYTES=0-9", RANGE_PART, 0, 10},
        {"bytes=90-", RANGE_PART, 90, 10},
        {"bytes=99-99", RANGE_PART, 99, 1},
        {"bytes=50-1000", RANGE_PART, 50, 50},
        {"bytes=-5", RANGE_PART, 95, 5},
        {"bytes=-1000", RANGE_PART, 0, 100},
        {"bytes=0-18446744073709551615", RANGE_PART, 0, 100},
        {"bytes=0-99999999999999999999999", RANGE_PART, 0, 100},
        {"bytes=100-", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-2", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-1,3-4", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=a-b", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=1", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", RANGE_UNSATISFIABLE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct range range = {0};
        assert_int_equal(range_parse(cases[i].text, 100, &range), cases[i].kind);
        assert_true(range.offset == cases[i].offset && range.len == cases[i].len);
    }
}

static void an_empty_resource_has_no_parts(void **state)
{
    (void)state;
    struct range range = {0};
    assert_int_equal(range_parse(NULL, 0, &range), RANGE_WHOLE);
    assert_int_equal(range_parse("bytes=0-", 0, &range), RANGE_UNSATISFIABLE);
    assert_int_equal(range_parse("bytes=-1", 0, &range), RANGE_UNSATISFIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(an_empty_resource_has_no_parts),
    };
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
