/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what: every row of the route table without credentials and with too weak
 * ones, tokens that are malformed, expired or revoked, and what a stolen database holds.
 */
#include "tests/api/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/api/routes.h"

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

/* A target that the row's path matches: every parameter becomes 1. */
static void target_of(const struct route *route, char *ret_target, size_t size)
{
    size_t len = 0;
    for (const char *at = route->path; *at; at++) {
        assert_true(len + 2 < size);
        if (*at == '{') {
            at = strchr(at, '}');
            ret_target[len++] = '1';
        } else {
            ret_target[len++] = *at;
        }
    }
    ret_target[len] = '\0';
}

static int call_row(const struct route *route, const char *token, struct reply *reply)
{
    char target[256];
    target_of(route, target, sizeof target);
    reply_release(reply);
    memset(reply, 0, sizeof *reply);
    struct call call = {.method = route->method, .target = target, .token = token};
    if (route->body_max > 0) {
        call.body = "{}";
        call.headers = strcmp(route->content_type, "application/json") == 0
                           ? NULL
                           : "Content-Type: application/octet-stream\r\n";
    }
    return http_send(site.server.port, &call, reply);
}

/* The token of the strongest role that is still too weak for the row; NULL: none. */
static const char *too_weak(const struct route *route, const char *const *roles,
                            const char *node)
{
    switch (route->access) {
    case ACCESS_NODE:
        return site.admin;
    case ACCESS_VIEWER:
        return node;
    case ACCESS_OPERATOR:
        return roles[0];
    case ACCESS_PUBLISHER:
        return roles[1];
    case ACCESS_ADMIN:
        return roles[2];
    case ACCESS_PUBLIC:
    case ACCESS_ANY_TOKEN:
    case ACCESS_TOKEN_OR_LINK:
        break;
    }
    return NULL;
}

static void every_row_wants_its_credentials(void **state)
{
    (void)state;
    char tokens[3][TOKEN_TEXT_MAX];
    const char *roles[3] = {tokens[0], tokens[1], tokens[2]};
    struct site_node node;
    site_api_token(&site, "viewer", tokens[0]);
    site_api_token(&site, "operator", tokens[1]);
    site_api_token(&site, "publisher", tokens[2]);
    site_node(&site, "weak", &node);
    for (size_t i = 0; i < api_routes_count; i++) {
        REPLY_AUTO reply = {0};
        const struct route *route = &api_routes[i];
        int anonymous = call_row(route, NULL, &reply);
        if (route->access == ACCESS_PUBLIC) {
            assert_int_not_equal(anonymous, 403);
            continue;
        }
        if (anonymous != 401) {
            fail_msg("%s %s answers %d without credentials", route->method, route->path,
                     anonymous);
        }
        const char *weak = too_weak(route, roles, node.session);
        int refused = weak ? call_row(route, weak, &reply) : 403;
        if (refused != 403) {
            fail_msg("%s %s answers %d to a weak token", route->method, route->path,
                     refused);
        }
        if (route->access >= ACCESS_OPERATOR && route->access <= ACCESS_ADMIN) {
            assert_int_equal(call_row(route, node.session, &reply), 403);
        }
    }
}

/* The body without what differs in every answer. */
static void body_without_id(const struct reply *reply, char *ret_text, size_t size)
{
    (void)snprintf(ret_text, size, "%.*s", (int)reply->answer.body_len,
                   reply->answer.body);
    char *id = strstr(ret_text, "\"request_id\"");
    assert_non_null(id);
    *id = '\0';
}

static void assert_same_refusal(const char *token, const char *expected)
{
    REPLY_AUTO reply = {0};
    char text[1024];
    char challenge[128];
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", token, NULL, &reply), 401);
    assert_true(
        answer_header(&reply.answer, "WWW-Authenticate", challenge, sizeof challenge));
    body_without_id(&reply, text, sizeof text);
    assert_string_equal(text, expected);
}

static void all_bad_tokens_get_one_answer(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char expected[1024];
    char changed[TOKEN_TEXT_MAX];
    char long_token[2001];
    struct site_node node;
    site_node(&site, "malformed", &node);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", NULL, NULL, &reply), 401);
    body_without_id(&reply, expected, sizeof expected);
    memset(long_token, 'a', sizeof long_token - 1);
    long_token[sizeof long_token - 1] = '\0';
    assert_same_refusal("x", expected);
    assert_same_refusal("mat_", expected);
    assert_same_refusal("mns_", expected);
    assert_same_refusal("mat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", expected);
    assert_same_refusal(long_token, expected);
    /* a flipped character at every place of a good token */
    for (size_t i = 0; i < strlen(node.session); i++) {
        memcpy(changed, node.session, sizeof changed);
        changed[i] = changed[i] == 'B' ? 'C' : 'B';
        assert_same_refusal(changed, expected);
    }
    memcpy(changed, site.admin, sizeof changed);
    changed[strlen(changed) - 1] = '\0';
    assert_same_refusal(changed, expected);
}

static void a_revoked_api_token_is_dead_at_once_and_after_a_restart(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_MAX];
    char id[24];
    char target[64];
    REPLY_AUTO reply = {0};
    assert_int_equal(site_call(&site, "POST", "/v1/api-tokens", site.admin,
                               "{\"name\":\"x\",\"role\":\"admin\"}", &reply),
                     201);
    reply_member(&reply, "token", token, sizeof token);
    reply_member(&reply, "id", id, sizeof id);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", token, NULL, NULL), 200);
    (void)snprintf(target, sizeof target, "/v1/api-tokens/%s", id);
    assert_int_equal(site_call(&site, "DELETE", target, site.admin, NULL, NULL), 204);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", token, NULL, NULL), 401);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", token, NULL, NULL), 401);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", site.admin, NULL, NULL), 200);
    assert_int_equal(site_call(&site, "DELETE", target, site.admin, NULL, NULL), 404);
}

static void a_revoked_node_is_out_at_once_and_after_a_restart(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    struct site_node node;
    struct site_node other;
    char target[64];
    site_node(&site, "revoked", &node);
    site_node(&site, "other", &other);
    assert_int_equal(site_call(&site, "GET", "/v1/assignment", node.session, NULL, NULL),
                     200);
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64 "/revoke", node.id);
    assert_int_equal(site_call(&site, "POST", target, site.admin, NULL, NULL), 204);
    assert_int_equal(site_call(&site, "GET", "/v1/assignment", node.session, NULL, NULL),
                     401);
    assert_int_equal(node_session(&site, &node, 0, &reply), 401);
    assert_true(reply_has_code(&reply, "node.revoked"));
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    assert_int_equal(site_call(&site, "GET", "/v1/assignment", node.session, NULL, NULL),
                     401);
    assert_int_equal(node_session(&site, &node, 0, NULL), 401);
    assert_int_equal(site_call(&site, "GET", "/v1/assignment", other.session, NULL, NULL),
                     200);
}

static void tokens_expire(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char token[TOKEN_TEXT_MAX];
    struct site_node node;
    assert_int_equal(site_call(&site, "POST", "/v1/api-tokens", site.admin,
                               "{\"name\":\"brief\",\"role\":\"viewer\",\"expires_s\":1}",
                               &reply),
                     201);
    reply_member(&reply, "token", token, sizeof token);
    site_enrollment_token(&site, ",\"expires_s\":1", node.session);
    assert_int_equal(usleep(1100000), 0);
    assert_int_equal(site_call(&site, "GET", "/v1/nodes", token, NULL, NULL), 401);
    char expired[TOKEN_TEXT_MAX];
    memcpy(expired, node.session, sizeof expired);
    node_generate(&node);
    assert_int_equal(node_enroll(&site, &node, expired, "late", &reply), 401);
    assert_true(reply_has_code(&reply, "enroll.token"));
}

static void the_last_admin_token_stays(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    assert_int_equal(
        site_call(&site, "DELETE", "/v1/api-tokens/1", site.admin, NULL, &reply), 409);
    assert_int_equal(site_call(&site, "GET", "/v1/whoami", site.admin, NULL, NULL), 200);
}

static void assert_not_in_file(const char *name, const char *secret)
{
    BUF_AUTO data = BUF_INIT(256 * 1024 * 1024);
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", site.data, name);
    assert_int_equal(file_read(path, &data, NULL), OK);
    if (memmem(data.data, data.len, secret, strlen(secret))) {
        fail_msg("%s holds a secret that begins with %.4s", name, secret);
    }
}

static void a_stolen_database_holds_no_secret(void **state)
{
    (void)state;
    char secrets[4][TOKEN_TEXT_MAX];
    struct site_node node;
    site_node(&site, "stolen", &node);
    memcpy(secrets[0], site.admin, TOKEN_TEXT_MAX);
    site_api_token(&site, "operator", secrets[1]);
    site_enrollment_token(&site, "", secrets[2]);
    memcpy(secrets[3], node.session, TOKEN_TEXT_MAX);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        /* the random part alone too: without its prefix */
        assert_not_in_file("muster.db", secrets[i] + 4);
        assert_not_in_file("muster.db-wal", secrets[i] + 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_wants_its_credentials),
        cmocka_unit_test(all_bad_tokens_get_one_answer),
        cmocka_unit_test(a_revoked_api_token_is_dead_at_once_and_after_a_restart),
        cmocka_unit_test(a_revoked_node_is_out_at_once_and_after_a_restart),
        cmocka_unit_test(tokens_expire),
        cmocka_unit_test(the_last_admin_token_stays),
        cmocka_unit_test(a_stolen_database_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
