/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void every_kind_of_character_has_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3", 0},
        {"\xe2\x82", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = rows[i].text;
        if (utf8_length(text, text + strlen(text)) != rows[i].length) {
            fail_msg("row %zu", i);
        }
    }
}

static void a_text_becomes_whole_characters(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"", ""},
        {"plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac"},
        {"cut \xc3", "cut "},
        {"cut \xe2\x82", "cut "},
        {"cut \xf0\x9f\x98", "cut "},
        {"\xe2\x82' in the middle", "?\?' in the middle"},
        {"\xff\xfe", "?\?"},
        {"\x80 behind", "? behind"},
        {"surrogate \xed\xa0\x80", "surrogate ?\?\?"},
        {"\xe2\xc3\xa9", "?\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s", rows[i].before);
        utf8_mend(text);
        assert_string_equal(text, rows[i].after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_character_has_its_length),
        cmocka_unit_test(a_text_becomes_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
