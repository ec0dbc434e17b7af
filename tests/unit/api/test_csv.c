/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/api/csv.h"

static void texts_are_quoted_and_guarded(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"a b", "a b"},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=1+1", "'=1+1"},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\tx", "'\tx"},
        {"\rx", "\"'\rx\""},
        {"\nx", "\"'\nx\""},
        {"=\"a\",1", "\"'=\"\"a\"\",1\""},
        {"a=b", "a=b"},
        {"", ""},
        {"上衣", "上衣"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct csv csv = {.text = BUF_INIT(1000)};
        csv_text(&csv, cases[i][0]);
        assert_string_equal(csv.text.data ? csv.text.data : "", cases[i][1]);
        buf_release(&csv.text);
    }
}

static void fields_and_rows_are_told_apart(void **state)
{
    (void)state;
    struct csv csv = {.text = BUF_INIT(1000)};
    csv_null(&csv);
    csv_integer(&csv, -7);
    csv_text(&csv, NULL);
    csv_real(&csv, 0.05);
    csv_end(&csv);
    csv_text(&csv, "");
    csv_integer(&csv, INT64_MAX);
    csv_null(&csv);
    csv_end(&csv);
    assert_string_equal(csv.text.data, ",-7,,0.05\r\n,9223372036854775807,\r\n");
    buf_release(&csv.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_and_guarded),
        cmocka_unit_test(fields_and_rows_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
