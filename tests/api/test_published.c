/* SPDX-License-Identifier: Apache-2.0 */
/* What stays of what was published, and who may download it. */
#include "tests/api/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "tuf/json.h"
#include "tuf/trusted_set.h"

enum { ROTATIONS = 5 };

static struct site site;
static struct publisher publisher;
static struct buf first_root;

static const struct publisher_model ONE = {
    .model = "fashion", .seq = 1, .bytes = "the first one"};
static const struct publisher_model TWO = {
    .model = "fashion", .seq = 2, .bytes = "the second one"};

static int setup(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    site_start(&site, NULL);
    publisher_init(&publisher, &site);
    first_root = BUF_INIT(65536);
    buf_add(&first_root, publisher.root.data, publisher.root.len);
    publisher_list(&publisher, "targets", &ONE);
    publisher_sign(&publisher, 1);
    assert_int_equal(publisher_push(&publisher, true, &reply), 200);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    publisher_release(&publisher);
    buf_release(&first_root);
    site_stop(&site);
    return 0;
}

static int get(const char *target, const char *token, struct reply *reply)
{
    return site_call(&site, "GET", target, token, NULL, reply);
}

/* ---- links and public models ---- */

static void make_link(const char *token, char *ret_url, size_t size)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(site_call(&site, "POST", "/v1/links", token,
                               "{\"path\":\"fashion/1/fp32.mnet\",\"expires_s\":60}",
                               &reply),
                     201);
    reply_member(&reply, "url", ret_url, size);
}

static void a_link_needs_no_token(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    struct site_node node;
    char url[300];
    char cache[80];
    site_node(&site, "asking", &node);
    make_link(node.session, url, sizeof url);
    assert_int_equal(get(url, NULL, &reply), 200);
    assert_memory_equal(reply.answer.body, ONE.bytes, strlen(ONE.bytes));
    assert_true(answer_header(&reply.answer, "Cache-Control", cache, sizeof cache));
    assert_int_equal(strncmp(cache, "public, max-age=", 16), 0);
    assert_true(strtol(cache + 16, NULL, 10) <= 60);
    make_link(site.admin, url, sizeof url);
    assert_int_equal(get(url, NULL, &reply), 200);
    *strchr(url, '?') = '\0';
    assert_int_equal(get(url, NULL, &reply), 401);
    assert_true(reply_has_code(&reply, "auth.required"));
    assert_int_equal(site_call(&site, "POST", "/v1/links", site.admin,
                               "{\"path\":\"fashion/9/fp32.mnet\"}", &reply),
                     404);
}

static void the_log_does_not_show_links(void **state)
{
    (void)state;
    BUF_AUTO log = BUF_INIT(1 << 20);
    char path[300];
    (void)snprintf(path, sizeof path, "%s/log", site.folder);
    assert_int_equal(file_read(path, &log, NULL), OK);
    assert_non_null(strstr(log.data, "event=link_signed"));
    assert_non_null(strstr(log.data, "target=/tuf/targets/fashion/1/"));
    assert_null(strstr(log.data, "signature="));
}

static void assert_no_link(const char *url)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(get(url, NULL, &reply), 403);
    assert_true(reply_has_code(&reply, "artifact.link"));
}

static void a_link_is_for_one_file_and_one_time(void **state)
{
    (void)state;
    char url[300];
    char other[400];
    make_link(site.admin, url, sizeof url);
    char *query = strchr(url, '?');
    publisher_target(&TWO, other, 300);
    (void)snprintf(other + strlen(other), 100, "%s", query);
    assert_no_link(other);
    char *last = url + strlen(url) - 2;
    char good = *last;
    *last = good == 'A' ? 'B' : 'A';
    assert_no_link(url);
    *last = good;
    char *digit = strchr(query, '=') + 1;
    *digit = '9'; /* many years later */
    assert_no_link(url);
    *strchr(url, '&') = '\0';
    assert_no_link(url); /* no signature */
}

static void a_link_of_another_session_key_is_refused(void **state)
{
    (void)state;
    char url[300];
    char path[400];
    char key[66];
    make_link(site.admin, url, sizeof url);
    assert_int_equal(program_stop(&site.server), 0);
    (void)snprintf(path, sizeof path, "%s/keys/session.key", site.data);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fread(key, 1, 65, file), 65);
    rewind(file);
    assert_int_equal(fputc(key[0] == '0' ? '1' : '0', file), key[0] == '0' ? '1' : '0');
    assert_int_equal(fclose(file), 0);
    site_restart(&site, NULL);
    assert_no_link(url);
    assert_int_equal(program_stop(&site.server), 0);
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fputc(key[0], file), key[0]);
    assert_int_equal(fclose(file), 0);
    site_restart(&site, NULL);
}

static int set_public(const char *token, const char *body, struct reply *reply)
{
    return site_call(&site, "PUT", "/v1/models/fashion/access", token, body, reply);
}

static void artifacts_of_a_public_model_are_everybody_s(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char target[300];
    char cache[80];
    char viewer[TOKEN_TEXT_MAX];
    BUF_AUTO audit = BUF_INIT(65536);
    site_api_token(&site, "viewer", viewer);
    publisher_target(&ONE, target, sizeof target);
    assert_int_equal(set_public(viewer, "{\"public\":true}", &reply), 403);
    assert_int_equal(set_public(site.admin, "{}", &reply), 422);
    assert_int_equal(get(target, NULL, &reply), 401);
    assert_int_equal(set_public(site.admin, "{\"public\":true}", &reply), 200);
    assert_int_equal(get(target, NULL, &reply), 200);
    assert_true(answer_header(&reply.answer, "Cache-Control", cache, sizeof cache));
    assert_string_equal(cache, "public, max-age=31536000, immutable");
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    assert_int_equal(get(target, NULL, &reply), 200);
    assert_int_equal(get("/v1/models/fashion", site.admin, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"public\":true"));
    assert_int_equal(set_public(site.admin, "{\"public\":false}", &reply), 200);
    assert_int_equal(get(target, NULL, &reply), 401);
    site_sql(&site,
             "SELECT group_concat(detail) FROM audit_log WHERE action = 'model.access'",
             &audit);
    assert_non_null(strstr(audit.data, "{\"public\":true},{\"public\":false}"));
    assert_int_equal(site_call(&site, "PUT", "/v1/models/nobody/access", site.admin,
                               "{\"public\":true}", &reply),
                     404);
}

/* ---- history ---- */

static void the_history_tells_what_was_live_when(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char next[32];
    publisher_list(&publisher, "targets", &TWO);
    (void)json_object_del(json_object_get(publisher.roles[0].body, "targets"),
                          "fashion/1/fp32.mnet");
    publisher_version(&publisher, "targets", 2, 1);
    publisher_sign(&publisher, 2);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200); /* no new entry */
    assert_int_equal(get("/v1/repository/history?limit=1", site.admin, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"id\":2,"));
    assert_non_null(strstr(reply.answer.body, "\"published_by\":\"init"));
    assert_non_null(strstr(reply.answer.body, "{\"role\":\"targets\",\"version\":2,"));
    assert_non_null(strstr(reply.answer.body, "\"listed\":1,\"unlisted\":1,"));
    assert_non_null(
        strstr(reply.answer.body, "\"came\":[{\"path\":\"fashion/2/fp32.mnet\""));
    assert_non_null(
        strstr(reply.answer.body, "\"went\":[{\"path\":\"fashion/1/fp32.mnet\""));
    reply_member(&reply, "next", next, sizeof next);
    assert_string_equal(next, "2");
    assert_int_equal(get("/v1/repository/history?cursor=2", site.admin, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"id\":1,"));
    assert_non_null(strstr(reply.answer.body, "\"next\":null"));
}

static void the_views_tell_the_same(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(65536);
    site_sql(&site,
             "SELECT path || ' ' || (until_ms IS NULL) FROM v_target_history ORDER BY 1",
             &text);
    assert_string_equal(text.data, "fashion/1/fp32.mnet 0\nfashion/2/fp32.mnet 1\n");
    buf_reset(&text);
    site_sql(&site,
             "SELECT count(*), count(DISTINCT sha256), sum(until_ms IS NULL)"
             " FROM v_publication WHERE role <> 'root'",
             &text);
    assert_string_equal(text.data, "4|4|2\n");
}

/* ---- roots ---- */

static void the_first_root_leads_to_the_newest_one(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    for (int64_t version = 2; version <= ROTATIONS + 1; version++) {
        publisher_root(&publisher, version);
        assert_int_equal(publisher_push(&publisher, true, &reply), 200);
    }
    assert_int_equal(get("/v1/repository/history?limit=1", site.admin, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"listed\":0,\"unlisted\":0,"));
    TRUSTED_SET_AUTO set = {0};
    struct tuf_wanted wanted;
    char target[600];
    bool changed = false;
    assert_int_equal(
        trusted_set_init(&set, first_root.data, first_root.len, clock_wall_ms(), NULL),
        OK);
    for (int i = 0; i < ROTATIONS; i++) {
        assert_int_equal(trusted_set_wanted(&set, TUF_ROLE_ROOT, &wanted, NULL), OK);
        (void)snprintf(target, sizeof target, "/tuf/metadata/%s", wanted.name);
        assert_int_equal(get(target, NULL, &reply), 200);
        assert_int_equal(
            trusted_set_update_root(&set, reply.answer.body, reply.answer.body_len, NULL),
            OK);
    }
    assert_int_equal(set.root->envelope.version, ROTATIONS + 1);
    assert_int_equal(trusted_set_root_done(&set, NULL), OK);
    assert_int_equal(get("/tuf/metadata/timestamp.json", NULL, &reply), 200);
    assert_int_equal(trusted_set_update_timestamp(&set, reply.answer.body,
                                                  reply.answer.body_len, &changed, NULL),
                     OK);
    assert_int_equal(get("/tuf/metadata/7.root.json", NULL, &reply), 404);
}

/* ---- timestamps ---- */

static const char FAKETIME[] = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/* Starts again with a clock that is off by so much; "" is the right time. */
static void restart_at(const char *offset)
{
    assert_int_equal(program_stop(&site.server), 0);
    if (offset[0]) {
        assert_int_equal(setenv("FAKETIME", offset, 1), 0);
        assert_int_equal(setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1), 0);
        assert_int_equal(setenv("LD_PRELOAD", FAKETIME, 1), 0);
    }
    site_restart(&site, NULL);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
}

struct stamp {
    int64_t version;
    char expires[40];
};

static struct stamp timestamp_now(void)
{
    REPLY_AUTO reply = {0};
    struct stamp stamp;
    char version[32];
    assert_int_equal(get("/tuf/metadata/timestamp.json", NULL, &reply), 200);
    reply_member(&reply, "expires", stamp.expires, sizeof stamp.expires);
    assert_int_equal(get("/v1/repository", site.admin, &reply), 200);
    const char *role = strstr(reply.answer.body, "\"role\":\"timestamp\",\"version\":");
    assert_non_null(role);
    (void)snprintf(version, sizeof version, "%.20s",
                   role + strlen("\"role\":\"timestamp\",\"version\":"));
    stamp.version = strtoll(version, NULL, 10);
    return stamp;
}

static void assert_fresh(const struct stamp *stamp)
{
    char now[RFC3339_BYTES];
    clock_format_utc(clock_wall_ms() + (int64_t)3 * 86400000, now);
    assert_true(strcmp(stamp->expires, now) > 0);
}

static void a_wrong_clock_stops_no_timestamps(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    if (SANITIZER_FACTOR > 1 || access(FAKETIME, R_OK) != 0) {
        print_message("without libfaketime, or with sanitizers: not tried\n");
        skip();
    }
    struct stamp before = timestamp_now();
    restart_at("-400d");
    publisher_version(&publisher, "targets", 3, 1);
    publisher_sign(&publisher, 3);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200);
    struct stamp old = timestamp_now(); /* it has expired for all others */
    assert_true(old.version > before.version);
    assert_true(strcmp(old.expires, before.expires) < 0);
    restart_at("");
    struct stamp right = timestamp_now();
    assert_true(right.version > old.version);
    assert_fresh(&right);
    restart_at("+5d"); /* less than half of its life is left */
    struct stamp later = timestamp_now();
    assert_true(later.version > right.version);
    restart_at("");
    publisher_sign(&publisher, 4);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200);
    struct stamp last = timestamp_now();
    assert_true(last.version > later.version); /* though the clock is behind */
    assert_fresh(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_needs_no_token),
        cmocka_unit_test(the_log_does_not_show_links),
        cmocka_unit_test(a_link_is_for_one_file_and_one_time),
        cmocka_unit_test(a_link_of_another_session_key_is_refused),
        cmocka_unit_test(artifacts_of_a_public_model_are_everybody_s),
        cmocka_unit_test(the_history_tells_what_was_live_when),
        cmocka_unit_test(the_views_tell_the_same),
        cmocka_unit_test(the_first_root_leads_to_the_newest_one),
        cmocka_unit_test(a_wrong_clock_stops_no_timestamps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
