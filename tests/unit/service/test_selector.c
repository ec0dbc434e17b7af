/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/service/selector.h"

/* The node of these tests. */
static const char *lookup(const void *context, const char *key)
{
    (void)context;
    if (strcmp(key, "site") == 0) {
        return "lyon";
    }
    if (strcmp(key, "arch") == 0) {
        return "aarch64";
    }
    return strcmp(key, "note") == 0 ? "a \"b\" \\ (c), d=e" : NULL;
}

static bool matches(const char *text)
{
    struct selector selector;
    struct err err = {0};
    if (selector_parse(text, &selector, &err) != OK) {
        fail_msg("'%s': %s", text, err.detail);
    }
    return selector_matches(&selector, lookup, NULL);
}

static void terms_hold_as_the_protocol_says(void **state)
{
    (void)state;
    static const char *const HOLD[] = {
        "",
        "  ",
        "site=lyon",
        " site = lyon , arch = aarch64 ",
        "site!=paris",
        "site in (paris,lyon)",
        "site in(lyon)",
        "site not in (paris)",
        "arch not in(paris , x)",
        "missing!=x",
        "missing not in (x,y)",
        "note=\"a \\\"b\\\" \\\\ (c), d=e\"",
        "site=\"lyon\",arch in (\"aarch64\",armhf)",
    };
    static const char *const FAIL[] = {
        "site=paris", "site!=lyon",         "site in (paris,nice)",
        "missing=x",  "missing in (x)",     "site=lyon,arch=x86_64",
        "site=\"\"",  "site not in (lyon)", "site=lyon,site=paris",
    };
    for (size_t i = 0; i < sizeof HOLD / sizeof HOLD[0]; i++) {
        if (!matches(HOLD[i])) {
            fail_msg("'%s' should match", HOLD[i]);
        }
    }
    for (size_t i = 0; i < sizeof FAIL / sizeof FAIL[0]; i++) {
        if (matches(FAIL[i])) {
            fail_msg("'%s' should not match", FAIL[i]);
        }
    }
}

static void bad_selectors_are_refused_and_touch_nothing(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "site",         "site=",          "=lyon",
        "site==lyon",   "site=a b",       "site=lyon,",
        ",site=lyon",   "site in",        "site in ()",
        "site in (a",   "site in (a,)",   "site in a",
        "site not (a)", "site=\"a",       "site=\"a\\x\"",
        "site=a)",      "Site=lyon",      "si te=lyon",
        "site!lyon",    "site=a,,b=c",    "site=(a)",
        "site inn (a)", "site notin (a)", "abcdefghijklmnopqrstuvwxyz0123456789=x",
        "\n",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct selector selector = {.count = 77};
        struct err err = {0};
        enum status status = selector_parse(BAD[i], &selector, &err);
        if (status != ERR_SELECTOR_SYNTAX) {
            fail_msg("'%s' was taken", BAD[i]);
        }
        assert_int_equal(selector.count, 77);
    }
}

static void limits_are_exact(void **state)
{
    (void)state;
    char text[SELECTOR_BYTES_MAX + 2];
    struct selector selector;
    memset(text, 'v', sizeof text);
    memcpy(text, "k=", 2);
    text[SELECTOR_BYTES_MAX] = '\0';
    assert_int_equal(selector_parse(text, &selector, NULL), OK);
    text[SELECTOR_BYTES_MAX] = 'v';
    text[SELECTOR_BYTES_MAX + 1] = '\0';
    assert_int_equal(selector_parse(text, &selector, NULL), ERR_SELECTOR_SYNTAX);
    size_t len = 0;
    for (int i = 0; i < SELECTOR_TERMS_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%sk=v", i ? "," : "");
    }
    assert_int_equal(selector_parse(text, &selector, NULL), OK);
    (void)snprintf(text + len, sizeof text - len, ",k=v");
    assert_int_equal(selector_parse(text, &selector, NULL), ERR_SELECTOR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_hold_as_the_protocol_says),
        cmocka_unit_test(bad_selectors_are_refused_and_touch_nothing),
        cmocka_unit_test(limits_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
