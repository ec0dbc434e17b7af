/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment, sessions, labels, lists: what operators and nodes see of the registry. */
#include "tests/api/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

static struct site site;

static int setup(void **state)
{
    (void)state;
    site_start(&site, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

static void assert_body_has(const struct reply *reply, const char *text)
{
    if (!memmem(reply->answer.body, reply->answer.body_len, text, strlen(text))) {
        fail_msg("'%s' is not in %.*s", text, (int)reply->answer.body_len,
                 reply->answer.body);
    }
}

static void get_node(const struct site_node *node, struct reply *reply)
{
    char target[64];
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64, node->id);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, reply), 200);
}

static int patch_node(const struct site_node *node, const char *body, struct reply *reply)
{
    char target[64];
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64, node->id);
    return site_call(&site, "PATCH", target, site.admin, body, reply);
}

static void a_one_time_token_lets_in_one_node(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    struct site_node first;
    struct site_node second;
    site_enrollment_token(&site, "", token);
    node_generate(&first);
    node_generate(&second);
    assert_int_equal(node_enroll(&site, &first, token, "one-time 1", NULL), 200);
    assert_int_equal(node_enroll(&site, &second, token, "one-time 2", &reply), 401);
    assert_true(reply_has_code(&reply, "enroll.token"));
    /* the node whose answer got lost asks again */
    int64_t id = first.id;
    assert_int_equal(node_enroll(&site, &first, token, "one-time 1", NULL), 200);
    assert_int_equal(first.id, id);
}

static void a_group_token_lets_in_as_many_as_it_says(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_MAX];
    struct site_node node;
    site_enrollment_token(&site, ",\"max_uses\":2", token);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "group 1", NULL), 200);
    assert_int_equal(node_enroll(&site, &node, token, "group 1", NULL), 200);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "group 2", NULL), 200);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "group 3", NULL), 401);
}

static void a_revoked_enrolment_token_lets_nobody_in(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    char id[24];
    char target[64];
    struct site_node node;
    assert_int_equal(site_call(&site, "POST", "/v1/enrollment-tokens", site.admin,
                               "{\"name\":\"r\",\"max_uses\":5}", &reply),
                     201);
    reply_member(&reply, "token", token, sizeof token);
    reply_member(&reply, "id", id, sizeof id);
    (void)snprintf(target, sizeof target, "/v1/enrollment-tokens/%s", id);
    assert_int_equal(site_call(&site, "DELETE", target, site.admin, NULL, NULL), 204);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "revoked token", &reply), 401);
    assert_true(reply_has_code(&reply, "enroll.token"));
}

static void a_pending_node_waits_for_an_operator(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    struct site_node node;
    site_enrollment_token(&site, ",\"pending\":true", token);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "pending", &reply), 200);
    assert_body_has(&reply, "\"state\":\"pending\"");
    assert_int_equal(node_session(&site, &node, 0, &reply), 403);
    assert_true(reply_has_code(&reply, "node.pending"));
    assert_int_equal(patch_node(&node, "{\"state\":\"revoked\"}", NULL), 422);
    assert_int_equal(patch_node(&node, "{\"state\":\"active\"}", NULL), 200);
    assert_int_equal(node_session(&site, &node, 0, NULL), 200);
}

static void a_name_belongs_to_its_first_key(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    struct site_node first;
    struct site_node second;
    site_enrollment_token(&site, ",\"max_uses\":9", token);
    node_generate(&first);
    node_generate(&second);
    assert_int_equal(node_enroll(&site, &first, token, "taken", NULL), 200);
    assert_int_equal(node_enroll(&site, &second, token, "taken", &reply), 409);
    assert_true(reply_has_code(&reply, "enroll.name_taken"));
}

static void weak_and_malformed_keys_are_refused(void **state)
{
    (void)state;
    static const char *const KEYS[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "abcd",
        "zz00000000000000000000000000000000000000000000000000000000000000",
    };
    char token[TOKEN_TEXT_MAX];
    char body[512];
    site_enrollment_token(&site, ",\"max_uses\":99", token);
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        REPLY_AUTO reply = {0};
        (void)snprintf(body, sizeof body,
                       "{\"token\":\"%s\",\"name\":\"weak %zu\",\"public_key\":\"%s\"}",
                       token, i, KEYS[i]);
        assert_int_equal(site_call(&site, "POST", "/v1/enroll", NULL, body, &reply), 422);
        assert_true(reply_has_code(&reply, "enroll.key"));
    }
}

static void names_of_any_unicode_come_back_as_they_were(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "相机-3 线",
        "\xe2\x80\xaexcod.exe",
        "<script>alert(1)</script>",
        "'; DROP TABLE node;--",
        "\xf0\x9f\x93\xb7",
        "=cmd()",
        "a\x01\x1f\x7f z",
        "\"quoted\\\"",
    };
    char token[TOKEN_TEXT_MAX];
    site_enrollment_token(&site, ",\"max_uses\":99", token);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        REPLY_AUTO reply = {0};
        BUF_AUTO expected = BUF_INIT(1024);
        struct site_node node;
        node_generate(&node);
        assert_int_equal(node_enroll(&site, &node, token, NAMES[i], NULL), 200);
        get_node(&node, &reply);
        buf_addstr(&expected, "\"name\":");
        buf_add_json(&expected, NAMES[i]);
        assert_body_has(&reply, expected.data);
    }
    REPLY_AUTO reply = {0};
    struct site_node node;
    node_generate(&node);
    assert_int_equal(site_call(&site, "POST", "/v1/enroll", NULL,
                               "{\"token\":\"x\",\"name\":\"\xff\"}", &reply),
                     400);
    assert_int_equal(node_enroll(&site, &node, token, "", &reply), 422);
}

static void an_administrators_label_wins(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    struct site_node node;
    site_enrollment_token(&site, ",\"labels\":{\"site\":\"lyon\"},\"max_uses\":2", token);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, token, "labelled", NULL), 200);
    get_node(&node, &reply);
    assert_body_has(&reply, "\"labels\":{\"line\":\"3\",\"site\":\"lyon\"}");
    assert_int_equal(
        patch_node(&node, "{\"labels\":{\"line\":\"4\",\"x\":\"y\"}}", &reply), 200);
    assert_body_has(&reply, "\"labels\":{\"line\":\"4\",\"site\":\"lyon\",\"x\":\"y\"}");
    /* the node declares line=3 again and changes nothing */
    assert_int_equal(node_enroll(&site, &node, token, "labelled", NULL), 200);
    assert_int_equal(patch_node(&node, "{\"labels\":{\"x\":null}}", &reply), 200);
    assert_body_has(&reply, "\"labels\":{\"line\":\"4\",\"site\":\"lyon\"}");
    assert_int_equal(patch_node(&node, "{\"labels\":{\"Bad Key\":\"\"}}", &reply), 422);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    get_node(&node, &reply);
    assert_body_has(&reply, "\"labels\":{\"line\":\"4\",\"site\":\"lyon\"}");
}

static void a_session_wants_the_right_clock_key_and_a_new_nonce(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char server_ms[32];
    struct site_node node;
    struct site_node thief;
    site_node(&site, "session", &node);
    site_node(&site, "thief", &thief);
    assert_int_equal(node_session(&site, &node, -400000, &reply), 401);
    assert_true(reply_has_code(&reply, "session.clock"));
    reply_member(&reply, "server_ms", server_ms, sizeof server_ms);
    assert_int_equal(node_session(&site, &node, 400000, &reply), 401);
    assert_int_equal(node_session(&site, &node, 200000, &reply), 200);
    thief.id = node.id;
    assert_int_equal(node_session(&site, &thief, 0, &reply), 401);
    assert_true(reply_has_code(&reply, "session.signature"));
    thief.id = 999999;
    assert_int_equal(node_session(&site, &thief, 0, &reply), 401);
    assert_true(reply_has_code(&reply, "session.signature"));
}

static void lists_come_in_pages(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    char name[32];
    char target[128];
    char next[32];
    struct site_node node;
    site_enrollment_token(&site, ",\"max_uses\":99,\"labels\":{\"page\":\"yes\"}", token);
    for (int i = 0; i < 5; i++) {
        node_generate(&node);
        (void)snprintf(name, sizeof name, "page %d", i);
        assert_int_equal(node_enroll(&site, &node, token, name, NULL), 200);
    }
    (void)snprintf(target, sizeof target, "/v1/nodes?selector=page%%3Dyes&limit=3");
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_body_has(&reply, "page 0");
    assert_body_has(&reply, "page 2");
    reply_member(&reply, "next", next, sizeof next);
    (void)snprintf(target, sizeof target,
                   "/v1/nodes?selector=page%%3Dyes&limit=3&cursor=%s", next);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_body_has(&reply, "page 3");
    assert_body_has(&reply, "\"next\":null");
    assert_int_equal(
        site_call(&site, "GET", "/v1/nodes?limit=0", site.admin, NULL, &reply), 422);
    assert_int_equal(
        site_call(&site, "GET", "/v1/nodes?selector=a%3D", site.admin, NULL, &reply),
        422);
    assert_true(reply_has_code(&reply, "selector.syntax"));
}

static void an_assignment_is_empty_and_not_modified_without_deployments(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    REPLY_AUTO again = {0};
    struct site_node node;
    char tag[128];
    char header[200];
    site_node(&site, "poll", &node);
    assert_int_equal(
        site_call(&site, "GET", "/v1/assignment", node.session, NULL, &reply), 200);
    assert_body_has(&reply, "{\"models\":[],\"poll_s\":30,");
    assert_true(answer_header(&reply.answer, "ETag", tag, sizeof tag));
    (void)snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
    struct call call = {
        .target = "/v1/assignment", .token = node.session, .headers = header};
    assert_int_equal(http_send(site.server.port, &call, &again), 304);
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"none\",\"version\":\"1\"}", &reply),
                     404);
    assert_true(reply_has_code(&reply, "model.unknown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_one_time_token_lets_in_one_node),
        cmocka_unit_test(a_group_token_lets_in_as_many_as_it_says),
        cmocka_unit_test(a_revoked_enrolment_token_lets_nobody_in),
        cmocka_unit_test(a_pending_node_waits_for_an_operator),
        cmocka_unit_test(a_name_belongs_to_its_first_key),
        cmocka_unit_test(weak_and_malformed_keys_are_refused),
        cmocka_unit_test(names_of_any_unicode_come_back_as_they_were),
        cmocka_unit_test(an_administrators_label_wins),
        cmocka_unit_test(a_session_wants_the_right_clock_key_and_a_new_nonce),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(an_assignment_is_empty_and_not_modified_without_deployments),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
