/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/service/keys.h"
#include "server/service/links.h"

static const char PATH[] = "/tuf/targets/fashion/1/00.fp32.mnet";
static const int64_t UNTIL_S = 1795420000;

static struct keys keys = {.link = {1, 2, 3}};

static enum status check(const char *path, const char *expires, const char *signature,
                         int64_t now_s)
{
    struct link_claim claim = {.path = path, .expires = expires, .signature = signature};
    int64_t left_s = 0;
    return link_check(&keys, &claim, now_s * 1000, &left_s, NULL);
}

static void a_link_works_until_it_expires(void **state)
{
    (void)state;
    char signature[LINK_SIGNATURE_BYTES];
    struct link_claim claim = {
        .path = PATH, .expires = "1795420000", .signature = signature};
    int64_t left_s = 0;
    link_sign(&keys, PATH, UNTIL_S, signature);
    assert_int_equal(link_check(&keys, &claim, (UNTIL_S - 1) * 1000, &left_s, NULL), OK);
    assert_int_equal(left_s, 1);
    assert_int_equal(check(PATH, "1795420000", signature, UNTIL_S), ERR_ARTIFACT_LINK);
}

static void a_link_is_for_one_path_and_one_time(void **state)
{
    (void)state;
    char signature[LINK_SIGNATURE_BYTES];
    link_sign(&keys, PATH, UNTIL_S, signature);
    assert_int_equal(check(PATH, "1795420001", signature, 1), ERR_ARTIFACT_LINK);
    assert_int_equal(
        check("/tuf/targets/fashion/2/00.fp32.mnet", "1795420000", signature, 1),
        ERR_ARTIFACT_LINK);
    assert_int_equal(check(PATH, "1795420000", signature, 1), OK);
}

static void every_changed_character_of_a_signature_is_seen(void **state)
{
    (void)state;
    char signature[LINK_SIGNATURE_BYTES];
    link_sign(&keys, PATH, UNTIL_S, signature);
    for (size_t i = 0; i < sizeof signature - 1; i++) {
        char old = signature[i];
        signature[i] = old == 'A' ? 'B' : 'A';
        assert_int_equal(check(PATH, "1795420000", signature, 1), ERR_ARTIFACT_LINK);
        signature[i] = old;
    }
    struct keys other = {.link = {9}};
    link_sign(&other, PATH, UNTIL_S, signature);
    assert_int_equal(check(PATH, "1795420000", signature, 1), ERR_ARTIFACT_LINK);
}

static void what_is_missing_or_malformed_is_refused(void **state)
{
    (void)state;
    static const char *const EXPIRES[] = {"",    "0",   "01795420000",     "+1795420000",
                                          "1e9", "-1",  "1795420000 ",     "1795420000.0",
                                          NULL,  "0x1", "9999999999999999"};
    for (size_t i = 0; i < sizeof EXPIRES / sizeof EXPIRES[0]; i++) {
        char signature[LINK_SIGNATURE_BYTES];
        link_sign(&keys, PATH, UNTIL_S, signature);
        assert_int_equal(check(PATH, EXPIRES[i], signature, 1), ERR_ARTIFACT_LINK);
    }
    assert_int_equal(check(PATH, "1795420000", NULL, 1), ERR_ARTIFACT_LINK);
    assert_int_equal(check(PATH, "1795420000", "", 1), ERR_ARTIFACT_LINK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_works_until_it_expires),
        cmocka_unit_test(a_link_is_for_one_path_and_one_time),
        cmocka_unit_test(every_changed_character_of_a_signature_is_seen),
        cmocka_unit_test(what_is_missing_or_malformed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
