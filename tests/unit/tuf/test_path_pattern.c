/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/path_pattern.h"

struct pattern_case {
    const char *pattern, *path;
    bool match;
};

/* Most of them are the examples of TUF 1.0 section 4.5 and of python-tuf's own tests. */
static const struct pattern_case CASES[] = {
    {"targets/*.tgz", "targets/foo.tgz", true},
    {"targets/*.tgz", "targets/bar.tgz", true},
    {"targets/*.tgz", "targets/foo.txt", false},
    {"foo-version-?.tgz", "foo-version-2.tgz", true},
    {"foo-version-?.tgz", "foo-version-a.tgz", true},
    {"foo-version-?.tgz", "foo-version-alpha.tgz", false},
    {"foo-version-?.tgz", "foo-version-.tgz", false},
    {"*", "anything", true},
    {"*", ".hidden", true},
    {"*", "a/b", false},
    {"*", "", true},
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*/*", "a/b", true},
    {"*/*", "a/b/c", false},
    {"*/*", "a", false},
    {"*/", "a/", true},
    {"*/", "a", false},
    {"/a", "a", false},
    {"a//b", "a//b", true},
    {"a/*/b", "a//b", true},
    {"fashion/*/*", "fashion/17/int8.mnet.zst", true},
    {"fashion/*/*", "fashion2/17/int8.mnet", false},
    {"**", "ab", true},
    {"a*b*c", "a12b34c", true},
    {"a*b*c", "a12b34d", false},
    {"*ab", "aab", true},
    {"*a*b*", "xaybz", true},
    {"a?c", "a/c", false},
    {"[abc]x", "bx", true},
    {"[abc]x", "dx", false},
    {"[a-c]x", "bx", true},
    {"[!a-c]x", "bx", false},
    {"[!a-c]x", "dx", true},
    {"[]]x", "]x", true},
    {"[!]]x", "]x", false},
    {"[a-]x", "-x", true},
    {"[ax", "[ax", true},
    {"[", "[", true},
    {"[!", "[!", true},
    {"a[]", "a[]", true},
    {"\\*", "\\anything", true},
    {"\\*", "*", false},
    {"A", "a", false},
    {"*[0-9]", "a1b2", true},
    {"*[0-9]", "a1b", false},
};

static void patterns_match_part_by_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        bool found = path_pattern_match(CASES[i].pattern, CASES[i].path);
        if (found != CASES[i].match) {
            print_message("pattern '%s', path '%s'\n", CASES[i].pattern, CASES[i].path);
        }
        assert_int_equal(found, CASES[i].match);
    }
}

/* With backtracking to every star this would take longer than the universe is old. */
static void many_stars_take_no_longer(void **state)
{
    (void)state;
    char pattern[400] = "";
    char path[400] = "";
    for (size_t i = 0; i + 2 < sizeof pattern; i += 2) {
        memcpy(pattern + i, "*a", 3);
    }
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 2] = 'b';
    path[sizeof path - 1] = '\0';
    assert_false(path_pattern_match(pattern, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_part_by_part),
        cmocka_unit_test(many_stars_take_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
