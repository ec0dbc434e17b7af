/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "tuf/canonical.h"
#include "tuf/json.h"

/* JSON text and its canonical form; NULL where there is none. */
struct canonical_case {
    const char *json;
    const char *canonical;
};

static const struct canonical_case cases[] = {
    {"{}", "{}"},
    {"{ \"b\" : 2 , \"a\" : [ 1 , 2 ] }", "{\"a\":[1,2],\"b\":2}"},
    {"{\"a\":[]}", "{\"a\":[]}"},
    {"{\"t\":true,\"f\":false,\"n\":null}", "{\"f\":false,\"n\":null,\"t\":true}"},
    {"{\"i\":-7}", "{\"i\":-7}"},
    {"{\"i\":9223372036854775807}", "{\"i\":9223372036854775807}"},
    {"{\"i\":-9223372036854775808}", "{\"i\":-9223372036854775808}"},
    {"{\"q\":\"say \\\"x\\\" \\\\ y\"}", "{\"q\":\"say \\\"x\\\" \\\\ y\"}"},
    {"{\"nl\":\"a\\nb\\tc\\u007f\\u0001\"}", "{\"nl\":\"a\nb\tc\x7f\x01\"}"},
    {"{\"slash\":\"a\\/b\"}", "{\"slash\":\"a/b\"}"},
    {"{\"e\":\"\\u00e9\"}", "{\"e\":\"\xc3\xa9\"}"},
    {"{\"B\":1,\"a\":2,\"_\":3,\"A\":4}", "{\"A\":4,\"B\":1,\"_\":3,\"a\":2}"},
    {"{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}"},
    /* U+FF61 sorts before U+10000 by code point, after it by UTF-16 units */
    {"{\"\\ud800\\udc00\":1,\"\\uff61\":2}",
     "{\"\xef\xbd\xa1\":2,\"\xf0\x90\x80\x80\":1}"},
};

static void json_has_one_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        JSON_AUTO *tree = NULL;
        BUF_AUTO bytes = BUF_INIT(4096);
        assert_int_equal(
            tuf_json_parse(cases[i].json, strlen(cases[i].json), 4096, &tree, &err), OK);
        assert_int_equal(canonical_json(tree, &bytes, &err), OK);
        assert_string_equal(bytes.data, cases[i].canonical);
    }
}

static void reals_have_no_canonical_form(void **state)
{
    (void)state;
    JSON_AUTO *real = json_pack("{s:f}", "a", 1.5);
    BUF_AUTO bytes = BUF_INIT(4096);
    struct err err = {0};
    assert_int_equal(canonical_json(real, &bytes, &err), ERR_TUF_FORMAT);
}

static void nesting_beyond_the_limit_has_no_canonical_form(void **state)
{
    (void)state;
    JSON_AUTO *tree = json_array();
    for (int i = 0; i < TUF_JSON_DEPTH_MAX + 1; i++) {
        json_t *outer = json_array();
        (void)json_array_append_new(outer, tree);
        tree = outer;
    }
    BUF_AUTO bytes = BUF_INIT(4096);
    struct err err = {0};
    assert_int_equal(canonical_json(tree, &bytes, &err), ERR_TUF_FORMAT);
}

static void canonical_bytes_respect_the_ceiling(void **state)
{
    (void)state;
    JSON_AUTO *tree = json_pack("{s:s}", "a", "0123456789");
    BUF_AUTO bytes = BUF_INIT(8);
    struct err err = {0};
    assert_int_equal(canonical_json(tree, &bytes, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_one_canonical_form),
        cmocka_unit_test(reals_have_no_canonical_form),
        cmocka_unit_test(nesting_beyond_the_limit_has_no_canonical_form),
        cmocka_unit_test(canonical_bytes_respect_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
