/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard's files as the server gives them. */
#include <stdio.h>
#include <string.h>

#include "tests/api/site.h"

static struct site site;

static int start(void **state)
{
    (void)state;
    site_start(&site, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

static int page(const char *headers, struct reply *reply)
{
    return http_send(site.server.port, &(struct call){.target = "/", .headers = headers},
                     reply);
}

static void assert_header(const struct reply *reply, const char *name, const char *value)
{
    char found[1024];
    assert_true(answer_header(&reply->answer, name, found, sizeof found));
    assert_string_equal(found, value);
}

static void the_page_comes_without_a_token_and_with_its_policy(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char policy[1024];
    assert_int_equal(page(NULL, &reply), 200);
    assert_header(&reply, "Content-Type", "text/html; charset=utf-8");
    assert_header(&reply, "X-Content-Type-Options", "nosniff");
    assert_header(&reply, "Referrer-Policy", "no-referrer");
    assert_header(&reply, "Cross-Origin-Opener-Policy", "same-origin");
    assert_header(&reply, "Vary", "Accept-Encoding");
    assert_header(&reply, "Cache-Control", "no-cache");
    assert_true(
        answer_header(&reply.answer, "Content-Security-Policy", policy, sizeof policy));
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_non_null(strstr(policy, "require-trusted-types-for 'script'"));
    assert_null(strstr(policy, "unsafe"));
}

static void a_known_page_is_not_sent_again(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char tag[128];
    char line[160];
    assert_int_equal(page(NULL, &reply), 200);
    assert_true(answer_header(&reply.answer, "ETag", tag, sizeof tag));
    (void)snprintf(line, sizeof line, "If-None-Match: %s\r\n", tag);
    assert_int_equal(page(line, &reply), 304);
    assert_int_equal(reply.answer.body_len, 0);
    assert_header(&reply, "ETag", tag);
}

static void gzip_comes_only_to_those_who_take_it(void **state)
{
    (void)state;
    REPLY_AUTO plain = {0};
    REPLY_AUTO refused = {0};
    REPLY_AUTO zipped = {0};
    char encoding[32];
    assert_int_equal(page(NULL, &plain), 200);
    assert_false(
        answer_header(&plain.answer, "Content-Encoding", encoding, sizeof encoding));
    assert_int_equal(page("Accept-Encoding: br, gzip;q=0.0\r\n", &refused), 200);
    assert_int_equal(refused.answer.body_len, plain.answer.body_len);
    assert_memory_equal(refused.answer.body, plain.answer.body, plain.answer.body_len);
    assert_int_equal(page("Accept-Encoding: br, gzip;q=0.5\r\n", &zipped), 200);
    if (answer_header(&zipped.answer, "Content-Encoding", encoding, sizeof encoding)) {
        assert_string_equal(encoding, "gzip");
        assert_memory_equal(zipped.answer.body, "\x1f\x8b", 2);
    } else { /* a build without the dashboard has nothing worth it */
        assert_int_equal(zipped.answer.body_len, plain.answer.body_len);
    }
}

static void only_files_of_the_build_are_served(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    assert_int_equal(site_call(&site, "GET", "/static/passwd", NULL, NULL, &reply), 404);
    assert_int_equal(
        site_call(&site, "GET", "/static/..%2fetc%2fpasswd", NULL, NULL, &reply), 400);
    assert_int_equal(site_call(&site, "POST", "/", NULL, "{}", &reply), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_comes_without_a_token_and_with_its_policy),
        cmocka_unit_test(a_known_page_is_not_sent_again),
        cmocka_unit_test(gzip_comes_only_to_those_who_take_it),
        cmocka_unit_test(only_files_of_the_build_are_served),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
