/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/target.h"

enum { MAX_BYTES = 64 };

static enum status parse(const char *raw, struct arena *arena, struct target *ret_target)
{
    return target_parse(raw, MAX_BYTES, arena, ret_target, NULL);
}

static void path_and_query_are_decoded(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct target target;
    assert_int_equal(parse("/a%20b/%C3%A4+?x=1%2b+2&&y&z=", &arena, &target), OK);
    assert_string_equal(target.path, "/a b/\xc3\xa4+");
    assert_int_equal(target.query_count, 3);
    assert_string_equal(target.query[0].name, "x");
    assert_string_equal(target.query[0].value, "1+ 2");
    assert_string_equal(target.query[1].name, "y");
    assert_string_equal(target.query[1].value, "");
    assert_string_equal(target.query[2].name, "z");
    assert_string_equal(target.query[2].value, "");
}

static void what_could_leave_its_folder_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "a",        "*",        "http://x/", "//",         "/a//b",
        "/.",        "/..",      "/a/../b",  "/a/./b",    "/%2e",       "/a%2E%2e",
        "/a%2fb",    "/a%5Cb",   "/a\\b",    "/a%00",     "/a%0a",      "/a%7f",
        "/a%",       "/a%4",     "/a%zz",    "/a b",      "/a#b",       "/a\tb",
        "/\xc3\xa4", "/%c3",     "/%ff",     "/%c0%80",   "/%ed%a0%80", "/%f4%90%80%80",
        "/a?x=%00",  "/a?%zz=1", "/a?x=%ff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ARENA_AUTO arena = ARENA_INIT(4096);
        struct target target;
        if (parse(bad[i], &arena, &target) != ERR_HTTP_BAD_PATH) {
            fail_msg("'%s' was not refused", bad[i]);
        }
    }
}

static void dots_that_are_harmless_pass(void **state)
{
    (void)state;
    static const char *const good[] = {
        "/",          "/a.b",        "/...", "/.a",          "/a..", "/a/",
        "/a?b=../..", "/a?b=%2e%2f", "/%25", "/1.root.json", "/a?"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ARENA_AUTO arena = ARENA_INIT(4096);
        struct target target;
        if (parse(good[i], &arena, &target) != OK) {
            fail_msg("'%s' was refused", good[i]);
        }
    }
}

static void the_length_is_bounded(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct target target;
    char raw[MAX_BYTES + 2] = "/";
    for (size_t i = 1; i < MAX_BYTES; i++) {
        raw[i] = 'a';
    }
    assert_int_equal(parse(raw, &arena, &target), OK);
    raw[MAX_BYTES] = 'a';
    assert_int_equal(parse(raw, &arena, &target), ERR_HTTP_URI_TOO_LONG);
}

static void the_number_of_parameters_is_bounded(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(8192);
    struct target target;
    char raw[3 + 2 * (TARGET_QUERY_MAX + 1)] = "/?";
    for (size_t i = 0; i < TARGET_QUERY_MAX; i++) {
        raw[2 + 2 * i] = 'a';
        raw[3 + 2 * i] = '&';
    }
    assert_int_equal(target_parse(raw, 1000, &arena, &target, NULL), OK);
    assert_int_equal(target.query_count, TARGET_QUERY_MAX);
    raw[2 + 2 * TARGET_QUERY_MAX] = 'a';
    assert_int_equal(target_parse(raw, 1000, &arena, &target, NULL), ERR_HTTP_BAD_PATH);
}

static void without_memory_it_fails_and_leaves_the_output_alone(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(8);
    struct target target = {.query_count = 5};
    assert_int_equal(parse("/abcdefghijklmnop", &arena, &target), ERR_NO_MEMORY);
    assert_int_equal(target.query_count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_and_query_are_decoded),
        cmocka_unit_test(what_could_leave_its_folder_is_refused),
        cmocka_unit_test(dots_that_are_harmless_pass),
        cmocka_unit_test(the_length_is_bounded),
        cmocka_unit_test(the_number_of_parameters_is_bounded),
        cmocka_unit_test(without_memory_it_fails_and_leaves_the_output_alone),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
