/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "tuf/json.h"

enum { MAX_BYTES = 256 };

static enum status parse(const char *text)
{
    JSON_AUTO *tree = NULL;
    return tuf_json_parse(text, strlen(text), MAX_BYTES, &tree, NULL);
}

static void ambiguous_or_malformed_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "\"text\"",
        "{",
        "{} {}",
        "{}x",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":[[{\"b\":-0.5}]]}",
        "{\"a\":9223372036854775808}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000\":1}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":NaN}",
        "{\"a\":01}",
        "{'a':1}",
        "{\"a\":1,}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (parse(texts[i]) != ERR_TUF_FORMAT) {
            fail_msg("accepted: %s", texts[i]);
        }
    }
}

static void depth_is_bounded_before_parsing(void **state)
{
    (void)state;
    /* an object and 15 lists are 16 deep */
    assert_int_equal(parse("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"), OK);
    assert_int_equal(parse("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"),
                     ERR_TUF_TOO_LARGE);
    assert_int_equal(parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"}"), OK);
}

static void size_is_bounded(void **state)
{
    (void)state;
    char text[MAX_BYTES + 2];
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    JSON_AUTO *tree = NULL;
    assert_int_equal(tuf_json_parse(text, MAX_BYTES + 1, MAX_BYTES, &tree, NULL),
                     ERR_TUF_TOO_LARGE);
    assert_null(tree);
    assert_int_equal(tuf_json_parse(text, MAX_BYTES, MAX_BYTES, &tree, NULL), OK);
}

static void a_member_of_the_wrong_type_is_named(void **state)
{
    (void)state;
    JSON_AUTO *tree = json_pack("{s:s}", "version", "7");
    int64_t version = 0;
    struct err err = {0};
    assert_int_equal(tuf_json_integer(tree, "version", 1, &version, &err),
                     ERR_TUF_FORMAT);
    assert_string_equal(err.detail, "'version': an integer expected, a text found");
    assert_string_equal(err.pointer, "/version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_or_malformed_texts_are_refused),
        cmocka_unit_test(depth_is_bounded_before_parsing),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(a_member_of_the_wrong_type_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
