/* SPDX-License-Identifier: Apache-2.0 */
/* Detail: an operator sets it, a node is told at its next poll, and what the node then
 * summarises comes out of analytics. */
#include "tests/api/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static struct site site;
static struct site_node node;

#define ARTIFACT "0100000000000000000000000000000000000000000000000000000000000000"

static int setup(void **state)
{
    (void)state;
    site_start(&site, NULL);
    site_seed(&site, NULL,
              "INSERT INTO model VALUES ('fashion', 'classify', 0), ('meter', 'regress', "
              "0); INSERT INTO model_version VALUES ('fashion', 1, '1.0.0', 0);"
              "INSERT INTO artifact VALUES ('fashion', 1, 'fp32', CAST(x'01' || "
              "zeroblob(31) AS BLOB), 9, 'fashion/1/fp32.mnet', 0, NULL, "
              "'[\"a\",\"b\"]', 1);");
    site_node(&site, "one", &node);
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"fashion\",\"version\":\"1.0.0\"}", NULL),
                     201);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

static bool has(const struct reply *reply, const char *text)
{
    return memmem(reply->answer.body, reply->answer.body_len, text, strlen(text)) != NULL;
}

static void assert_body_has(const struct reply *reply, const char *text)
{
    if (!has(reply, text)) {
        fail_msg("'%s' is not in %.*s", text, (int)reply->answer.body_len,
                 reply->answer.body);
    }
}

static int put(const char *token, const char *body, struct reply *reply)
{
    return site_call(&site, "PUT", "/v1/models/fashion/detail", token, body, reply);
}

static void poll(struct reply *reply, char ret_tag[static 128])
{
    assert_int_equal(site_call(&site, "GET", "/v1/assignment", node.session, NULL, reply),
                     200);
    assert_true(answer_header(&reply->answer, "ETag", ret_tag, 128));
}

static void without_a_setting_a_model_is_auto(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char tag[128];
    assert_int_equal(
        site_call(&site, "GET", "/v1/models/fashion", site.admin, NULL, &reply), 200);
    assert_body_has(&reply,
                    "\"detail\":{\"mode\":\"auto\",\"every\":10,\"interval_s\":60,"
                    "\"rows_per_day\":10000000,\"now\":{\"mode\":\"full\"},"
                    "\"rows_per_day_now\":null,\"predictions_per_day_now\":null,"
                    "\"changes_per_day_now\":null}");
    reply_release(&reply);
    poll(&reply, tag);
    assert_body_has(&reply, "\"arm\":\"none\",\"detail\":{\"mode\":\"full\"}}");
}

static void a_node_is_told_at_its_next_poll(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    REPLY_AUTO told = {0};
    REPLY_AUTO again = {0};
    char before[128];
    char after[128];
    char header[200];
    poll(&reply, before);
    reply_release(&reply);
    assert_int_equal(
        put(site.admin, "{\"mode\":\"sampled\",\"every\":20,\"interval_s\":30}", &reply),
        200);
    assert_body_has(&reply, "{\"model\":\"fashion\",\"mode\":\"sampled\",\"every\":20,"
                            "\"interval_s\":30,\"rows_per_day\":10000000,\"now\":{"
                            "\"mode\":\"sampled\",\"every\":20,\"interval_s\":30},");
    poll(&told, after);
    assert_string_not_equal(before, after);
    assert_body_has(&told, "\"detail\":{\"mode\":\"sampled\",\"every\":20,"
                           "\"interval_s\":30}}");
    (void)snprintf(header, sizeof header, "If-None-Match: %s\r\n", after);
    struct call call = {
        .target = "/v1/assignment", .token = node.session, .headers = header};
    assert_int_equal(http_send(site.server.port, &call, &again), 304);
    reply_release(&told);
    assert_int_equal(put(site.admin, "{\"mode\":\"changes\"}", NULL), 200);
    poll(&told, after);
    assert_body_has(&told, "\"detail\":{\"mode\":\"changes\",\"interval_s\":60}}");
}

static void a_setting_survives_a_restart_and_is_in_the_audit_log(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    BUF_AUTO text = BUF_INIT(4096);
    char tag[128];
    assert_int_equal(put(site.admin, "{\"mode\":\"summary\",\"interval_s\":10}", NULL),
                     200);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    assert_int_equal(node_session(&site, &node, 0, NULL), 200);
    poll(&reply, tag);
    assert_body_has(&reply, "\"detail\":{\"mode\":\"summary\",\"interval_s\":10}}");
    site_sql(&site,
             "SELECT actor, subject, detail FROM audit_log WHERE action = 'model.detail' "
             "ORDER BY id DESC LIMIT 1",
             &text);
    assert_string_equal(text.data, "init|fashion|{\"mode\":\"summary\",\"every\":10,"
                                   "\"interval_s\":10,\"rows_per_day\":10000000}\n");
}

static void what_is_no_setting_is_refused_and_named(void **state)
{
    (void)state;
    static const struct {
        const char *model, *body;
        int status;
        const char *code, *pointer;
    } cases[] = {
        {"fashion", "{}", 422, "json.missing", "/mode"},
        {"fashion", "{\"mode\":\"some\"}", 422, "json.range", "/mode"},
        {"fashion", "{\"mode\":1}", 422, "json.type", "/mode"},
        {"fashion", "{\"mode\":\"auto\",\"every\":0}", 422, "json.range", "/every"},
        {"fashion", "{\"mode\":\"auto\",\"every\":1000001}", 422, "json.range", "/every"},
        {"fashion", "{\"mode\":\"auto\",\"interval_s\":9}", 422, "json.range",
         "/interval_s"},
        {"fashion", "{\"mode\":\"auto\",\"interval_s\":61}", 422, "json.range",
         "/interval_s"},
        {"fashion", "{\"mode\":\"auto\",\"rows_per_day\":-1}", 422, "json.range",
         "/rows_per_day"},
        {"fashion", "{\"mode\":\"auto\",\"rows_per_day\":1.5}", 422, "json.type",
         "/rows_per_day"},
        {"meter", "{\"mode\":\"summary\"}", 422, "unsupported", "/mode"},
        {"nobody", "{\"mode\":\"auto\"}", 404, "model.unknown", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO reply = {0};
        char target[64];
        char pointer[64];
        (void)snprintf(target, sizeof target, "/v1/models/%s/detail", cases[i].model);
        (void)snprintf(pointer, sizeof pointer, "{\"pointer\":\"%s\"}", cases[i].pointer);
        assert_int_equal(
            site_call(&site, "PUT", target, site.admin, cases[i].body, &reply),
            cases[i].status);
        assert_true(reply_has_code(&reply, cases[i].code));
        assert_true(has(&reply, pointer) == (cases[i].pointer[0] != '\0'));
    }
}

static void only_an_operator_sets_it(void **state)
{
    (void)state;
    char viewer[TOKEN_TEXT_MAX];
    char operator[TOKEN_TEXT_MAX];
    site_api_token(&site, "viewer", viewer);
    site_api_token(&site, "operator", operator);
    assert_int_equal(put(viewer, "{\"mode\":\"auto\"}", NULL), 403);
    assert_int_equal(put(node.session, "{\"mode\":\"auto\"}", NULL), 403);
    assert_int_equal(put(operator, "{\"mode\":\"auto\"}", NULL), 200);
}

/* 1,800 predictions as a summary with one sample, and twice the same. */
static void a_summary_comes_out_of_analytics(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    BUF_AUTO body = BUF_INIT(4096);
    char target[200];
    int64_t from_ms = (clock_wall_ms() / 60000 - 2) * 60000;
    buf_addf(&body,
             "{\"stream\":1,\"seq\":1,\"sent_ms\":%" PRId64 ",\"model\":\"fashion\","
             "\"artifact\":\"" ARTIFACT "\",\"summary\":{\"from_ms\":%" PRId64
             ",\"to_ms\":%" PRId64 ",\"mode\":\"sampled\",\"every\":1800,\"n\":1800,"
             "\"changes\":9,\"class\":{\"index\":[0,1],\"n\":[1700,100],"
             "\"sum\":[16150000,950000]},\"confidence\":{\"bin\":[19],\"n\":[1800],"
             "\"over\":[0]},\"latency\":{\"bucket\":[331],\"n\":[1800],"
             "\"sum_us\":2169000}},\"predictions\":{\"at_ms\":[%" PRId64
             "],\"class\":[1],\"confidence\":[0.95],\"latency_us\":[1205]}}",
             from_ms, from_ms, from_ms + 60000, from_ms);
    for (int i = 0; i < 2; i++) {
        reply_release(&reply);
        assert_int_equal(
            site_call(&site, "POST", "/v1/reports", node.session, body.data, &reply),
            200);
        assert_body_has(&reply, "\"rows\":1,");
    }
    (void)snprintf(target, sizeof target,
                   "/v1/analytics/volume?from=%" PRId64 "&to=%" PRId64 "&model=fashion",
                   from_ms, from_ms + 60000);
    reply_release(&reply);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_body_has(&reply, "\"total\":1800,");
    reply_release(&reply);
    (void)snprintf(target, sizeof target, "/v1/nodes/%" PRId64, node.id);
    assert_int_equal(site_call(&site, "GET", target, site.admin, NULL, &reply), 200);
    assert_body_has(&reply, "\"predictions\":1800");
    reply_release(&reply);
    char *bad = strstr(body.data, "\"index\":[0,1]");
    assert_non_null(bad);
    bad[strlen("\"index\":[0,")] = '2';
    memcpy(strstr(body.data, "\"seq\":1"), "\"seq\":2", strlen("\"seq\":2"));
    assert_int_equal(
        site_call(&site, "POST", "/v1/reports", node.session, body.data, &reply), 422);
    assert_true(reply_has_code(&reply, "report.class"));
    assert_body_has(&reply, "/summary/class/index/1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_setting_a_model_is_auto),
        cmocka_unit_test(a_node_is_told_at_its_next_poll),
        cmocka_unit_test(a_setting_survives_a_restart_and_is_in_the_audit_log),
        cmocka_unit_test(what_is_no_setting_is_refused_and_named),
        cmocka_unit_test(only_an_operator_sets_it),
        cmocka_unit_test(a_summary_comes_out_of_analytics),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
