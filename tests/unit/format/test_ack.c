/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/ack.h"

static enum status decode(const char *body, struct ack *ret_ack, struct err *err)
{
    return ack_decode(body, strlen(body), ret_ack, err);
}

static void writes_what_the_protocol_shows(void **state)
{
    (void)state;
    BUF_AUTO body = BUF_INIT(4096);
    struct ack ack = {7354040320503808, 100, false, 1795420000150};
    ack_encode(&ack, &body);
    assert_string_equal(body.data, "{\"first_id\":7354040320503808,\"rows\":100,"
                                   "\"duplicate\":false,\"server_ms\":1795420000150}");
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    BUF_AUTO body = BUF_INIT(4096);
    struct ack ack = {INT64_MAX, 0, true, -1};
    struct ack back = {0};
    ack_encode(&ack, &body);
    assert_int_equal(ack_decode(body.data, body.len, &back, NULL), OK);
    assert_true(back.first_id == INT64_MAX && back.rows == 0 && back.duplicate &&
                back.server_ms == -1);
}

static void ignores_unknown_members(void **state)
{
    (void)state;
    struct ack ack = {0};
    assert_int_equal(decode("{\"new\":[1],\"first_id\":1,\"rows\":2,\"duplicate\":false,"
                            "\"server_ms\":3}",
                            &ack, NULL),
                     OK);
    assert_int_equal(ack.rows, 2);
}

static void names_the_member_that_is_wrong(void **state)
{
    (void)state;
    struct ack ack = {.rows = 77};
    struct err err = {0};
    assert_int_equal(
        decode("{\"rows\":2,\"duplicate\":false,\"server_ms\":3}", &ack, &err),
        ERR_JSON_MISSING);
    assert_string_equal(err.pointer, "/first_id");
    err_clear(&err);
    assert_int_equal(
        decode("{\"first_id\":1,\"rows\":2,\"duplicate\":0,\"server_ms\":3}", &ack, &err),
        ERR_JSON_TYPE);
    assert_string_equal(err.pointer, "/duplicate");
    assert_int_equal(decode("{\"first_id\":1,\"rows\":2.5,\"duplicate\":true,"
                            "\"server_ms\":3}",
                            &ack, NULL),
                     ERR_JSON_TYPE);
    assert_int_equal(decode("[]", &ack, NULL), ERR_JSON_TYPE);
    assert_int_equal(decode("<html>", &ack, NULL), ERR_JSON_SYNTAX);
    assert_int_equal(decode("", &ack, NULL), ERR_JSON_SYNTAX);
    assert_int_equal(ack.rows, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_the_protocol_shows),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(ignores_unknown_members),
        cmocka_unit_test(names_the_member_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
