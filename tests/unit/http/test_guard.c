/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/guard.h"

static const struct guard_limits limits = {.head_bytes = 3072, .max_fields = 64};

/* Checks a head made of name, value pairs (NULL ends). */
static enum status check(const char *method, const char *version,
                         const char *const *pairs, struct framing *ret_framing)
{
    struct head_field fields[16];
    struct head head = {
        .method = method, .version = version, .fields = fields, .bytes = 100};
    for (; pairs[2 * head.field_count]; head.field_count++) {
        const char *name = pairs[2 * head.field_count];
        const char *value = pairs[2 * head.field_count + 1];
        fields[head.field_count] = (struct head_field){
            .name = name,
            .name_len = strlen(name),
            .value = value,
            .value_len = strlen(value),
        };
    }
    return guard_check(&head, &limits, ret_framing, NULL);
}

#define CHECK(...)                                                                       \
    check("POST", "HTTP/1.1", (const char *const[]){__VA_ARGS__, NULL}, &got)

static void a_length_is_read(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(CHECK("Host", "x", "content-length", "123456789012345"), OK);
    assert_true(got.has_length);
    assert_true(got.length == 123456789012345U);
    assert_false(got.chunked);
}

static void chunked_is_read_in_any_case(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(CHECK("Host", "x", "TRANSFER-ENCODING", "Chunked"), OK);
    assert_true(got.chunked);
    assert_false(got.has_length);
}

static void a_refused_head_leaves_the_output_alone(void **state)
{
    (void)state;
    struct framing got = {.length = 7};
    assert_int_equal(CHECK("Host", "x", "Content-Length", "1", "Content-Length", "1"),
                     ERR_HTTP_FRAMING);
    assert_true(got.length == 7);
}

static void two_framings_are_refused(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(
        CHECK("Host", "x", "Content-Length", "1", "Transfer-Encoding", "chunked"),
        ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "x", "Transfer-Encoding", "gzip"),
                     ERR_HTTP_NOT_IMPLEMENTED);
    assert_int_equal(CHECK("Host", "x", "Transfer-Encoding", "chunked, chunked"),
                     ERR_HTTP_NOT_IMPLEMENTED);
}

static void lengths_that_are_not_digits_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "+1", "-1",  "1 ",  " 1",
                                      "0x1", "1e", "1,1", "1.0", "1234567890123456"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct framing got = {0};
        assert_int_equal(CHECK("Host", "x", "Content-Length", bad[i]), ERR_HTTP_FRAMING);
    }
}

static void a_name_that_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "Content-Length ", "A B",
                                      "A(", "\xc3\xa4",        "A\t"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct framing got = {0};
        assert_int_equal(CHECK("Host", "x", bad[i], "1"), ERR_HTTP_FRAMING);
    }
}

static void a_nul_in_a_field_is_refused(void **state)
{
    (void)state;
    struct framing got = {0};
    const struct head_field fields[] = {{"Host", 4, "x", 1}, {"A", 1, "b", 3}};
    const struct head head = {"GET", "HTTP/1.1", fields, 2, 100};
    assert_int_equal(guard_check(&head, &limits, &got, NULL), ERR_HTTP_FRAMING);
}

static void control_characters_in_a_value_are_refused(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(CHECK("Host", "x", "A", "b\nC: d"), ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "x", "A", "b\x7f"), ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "x", "A", "b\tc \xc3\xa4"), OK);
}

static void host_is_needed_once_and_well_formed(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(CHECK("A", "b"), ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "x", "host", "x"), ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "a/b"), ERR_HTTP_FRAMING);
    assert_int_equal(CHECK("Host", "[::1]:8080"), OK);
    assert_int_equal(check("GET", "HTTP/1.0", (const char *const[]){NULL}, &got), OK);
}

static void methods_are_known_words(void **state)
{
    (void)state;
    struct framing got = {0};
    const char *const host[] = {"Host", "x", NULL};
    assert_int_equal(check("G@T", "HTTP/1.1", host, &got), ERR_HTTP_FRAMING);
    assert_int_equal(check("TRACE", "HTTP/1.1", host, &got), ERR_HTTP_NOT_IMPLEMENTED);
    assert_int_equal(check("", "HTTP/1.1", host, &got), ERR_HTTP_NOT_IMPLEMENTED);
    assert_int_equal(check("PATCH", "HTTP/1.1", host, &got), OK);
    assert_int_equal(check("GET", "HTTP/1.2", host, &got), ERR_HTTP_FRAMING);
}

static void transfer_encoding_needs_1_1(void **state)
{
    (void)state;
    struct framing got = {0};
    const char *const pairs[] = {"Transfer-Encoding", "chunked", NULL};
    assert_int_equal(check("POST", "HTTP/1.0", pairs, &got), ERR_HTTP_FRAMING);
}

static void only_100_continue_is_expected(void **state)
{
    (void)state;
    struct framing got = {0};
    assert_int_equal(CHECK("Host", "x", "Expect", "100-Continue"), OK);
    assert_true(got.expects_continue);
    assert_int_equal(CHECK("Host", "x", "Expect", "200-ok"), ERR_HTTP_EXPECTATION);
}

static void size_and_count_of_the_head_are_bounded(void **state)
{
    (void)state;
    struct framing got = {0};
    struct head_field fields[65];
    for (size_t i = 0; i < 65; i++) {
        fields[i] = (struct head_field){i ? "A" : "Host", i ? 1 : 4, "x", 1};
    }
    struct head head = {"GET", "HTTP/1.1", fields, 64, 3072};
    assert_int_equal(guard_check(&head, &limits, &got, NULL), OK);
    head.field_count = 65;
    assert_int_equal(guard_check(&head, &limits, &got, NULL), ERR_HTTP_HEADERS_TOO_LARGE);
    head.field_count = 64;
    head.bytes = 3073;
    assert_int_equal(guard_check(&head, &limits, &got, NULL), ERR_HTTP_HEADERS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_read),
        cmocka_unit_test(chunked_is_read_in_any_case),
        cmocka_unit_test(a_refused_head_leaves_the_output_alone),
        cmocka_unit_test(two_framings_are_refused),
        cmocka_unit_test(lengths_that_are_not_digits_are_refused),
        cmocka_unit_test(a_name_that_is_no_token_is_refused),
        cmocka_unit_test(a_nul_in_a_field_is_refused),
        cmocka_unit_test(control_characters_in_a_value_are_refused),
        cmocka_unit_test(host_is_needed_once_and_well_formed),
        cmocka_unit_test(methods_are_known_words),
        cmocka_unit_test(transfer_encoding_needs_1_1),
        cmocka_unit_test(only_100_continue_is_expected),
        cmocka_unit_test(size_and_count_of_the_head_are_bounded),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
