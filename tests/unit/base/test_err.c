/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void the_first_error_wins(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no '%s'", "a"), ERR_NOT_FOUND);
    assert_int_equal(err_set(&err, ERR_IO, "no '%s'", "b"), ERR_IO);
    assert_int_equal(err.status, ERR_NOT_FOUND);
    assert_string_equal(err.detail, "no 'a'");
}

static void a_missing_error_object_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
    errno = ENOENT;
    assert_int_equal(err_set_errno(NULL, "x"), ERR_IO);
    err_set_pointer(NULL, "/a");
    err_prefix(NULL, "x");
    err_clear(NULL);
}

static void errno_is_told_apart_and_kept(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum status status;
    } cases[] = {{ENOENT, ERR_IO}, {ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        errno = cases[i].number;
        assert_int_equal(err_set_errno(&err, "could not open 'x'"), cases[i].status);
        assert_int_equal(errno, cases[i].number);
        assert_int_equal(strncmp(err.detail, "could not open 'x': ", 20), 0);
        assert_true(strlen(err.detail) > 20);
    }
}

static void errno_does_not_replace_an_earlier_error(void **state)
{
    (void)state;
    struct err err = {0};
    (void)err_set(&err, ERR_LIMIT, "too long");
    errno = ENOSPC;
    assert_int_equal(err_set_errno(&err, "could not write"), ERR_DISK_FULL);
    assert_int_equal(err.status, ERR_LIMIT);
    assert_string_equal(err.detail, "too long");
}

static void a_long_detail_is_cut_and_terminated(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err err = {0};
    (void)err_set(&err, ERR_LIMIT, "%s", text);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    errno = EIO;
    struct err with_reason = {0};
    (void)err_set_errno(&with_reason, "%s", text);
    assert_int_equal(strlen(with_reason.detail), sizeof with_reason.detail - 1);
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
}

/* 'é' has two bytes: of 239 the last would be half a character. */
static void a_detail_is_never_cut_within_a_character(void **state)
{
    (void)state;
    char text[300] = "x";
    for (size_t i = 0; i < 140; i++) {
        memcpy(text + 1 + 2 * i, "\xc3\xa9", 3);
    }
    struct err err = {0};
    (void)err_set(&err, ERR_IO, "%s", text + 1);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 2);
    assert_memory_equal(err.detail, text + 1, sizeof err.detail - 2);
    err_prefix(&err, "%s", "a");
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    err_clear(&err);
    (void)err_set(&err, ERR_IO, "a name '%.3s' cut by its width", text + 1);
    assert_string_equal(err.detail, "a name '\xc3\xa9?' cut by its width");
    err_set_pointer(&err, "/%s", text);
    assert_int_equal(strlen(err.pointer), sizeof err.pointer - 2);
}

static void a_prefix_goes_before_a_recorded_detail_only(void **state)
{
    (void)state;
    struct err err = {0};
    err_prefix(&err, "file '%s'", "a");
    assert_string_equal(err.detail, "");
    (void)err_set(&err, ERR_LIMIT, "too long");
    err_prefix(&err, "file '%s'", "a");
    assert_string_equal(err.detail, "file 'a': too long");
    assert_int_equal(err.status, ERR_LIMIT);
}

static void a_pointer_is_set_once_and_only_on_an_error(void **state)
{
    (void)state;
    struct err err = {0};
    err_set_pointer(&err, "/early");
    assert_string_equal(err.pointer, "");
    (void)err_set(&err, ERR_JSON_TYPE, "not an integer");
    err_set_pointer(&err, "/class/%d", 3);
    err_set_pointer(&err, "/outer");
    assert_string_equal(err.pointer, "/class/3");
}

static void a_cleared_error_can_be_used_again(void **state)
{
    (void)state;
    struct err err = {0};
    (void)err_set(&err, ERR_LIMIT, "first");
    err_set_pointer(&err, "/a");
    err_clear(&err);
    assert_int_equal(err.status, OK);
    (void)err_set(&err, ERR_IO, "second");
    assert_string_equal(err.detail, "second");
    assert_string_equal(err.pointer, "");
}

static void every_status_has_a_unique_stable_name(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        const char *name = status_name((enum status)i);
        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_."), strlen(name));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(name, status_name((enum status)k));
        }
    }
}

static void every_error_has_an_http_error_status_and_a_meaning(void **state)
{
    (void)state;
    assert_int_equal(status_http(OK), 200);
    for (int i = 1; i < STATUS_COUNT; i++) {
        assert_in_range(status_http((enum status)i), 400, 599);
        const char *meaning = status_meaning((enum status)i);
        assert_true(strlen(meaning) > 8);
        assert_int_not_equal(meaning[strlen(meaning) - 1], '.');
    }
}

static void a_number_that_is_no_status_is_an_internal_error(void **state)
{
    (void)state;
    assert_string_equal(status_name(STATUS_COUNT), "internal");
    assert_int_equal(status_http(STATUS_COUNT), 500);
    assert_string_equal(status_meaning(STATUS_COUNT), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_missing_error_object_is_allowed),
        cmocka_unit_test(errno_is_told_apart_and_kept),
        cmocka_unit_test(errno_does_not_replace_an_earlier_error),
        cmocka_unit_test(a_long_detail_is_cut_and_terminated),
        cmocka_unit_test(a_detail_is_never_cut_within_a_character),
        cmocka_unit_test(a_prefix_goes_before_a_recorded_detail_only),
        cmocka_unit_test(a_pointer_is_set_once_and_only_on_an_error),
        cmocka_unit_test(a_cleared_error_can_be_used_again),
        cmocka_unit_test(every_status_has_a_unique_stable_name),
        cmocka_unit_test(every_error_has_an_http_error_status_and_a_meaning),
        cmocka_unit_test(a_number_that_is_no_status_is_an_internal_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
