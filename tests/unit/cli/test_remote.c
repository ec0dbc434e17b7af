/* SPDX-License-Identifier: Apache-2.0 */
/* Requests against a server of canned answers, and the tables that come of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/remote.h"

enum { REQUEST_BYTES = 4096, ANSWERS_MAX = 4 };

/* Answers each connection with the next text and keeps what was asked. */
struct canned {
    int listener;
    char url[64];
    const char *answers[ANSWERS_MAX];
    size_t count;
    char asked[ANSWERS_MAX][REQUEST_BYTES];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct canned *canned = context;
    for (size_t i = 0; i < canned->count; i++) {
        int peer = accept(canned->listener, NULL, NULL);
        size_t used = 0;
        while (used < REQUEST_BYTES - 1) {
            ssize_t got = read(peer, canned->asked[i] + used, REQUEST_BYTES - 1 - used);
            used += got > 0 ? (size_t)got : 0;
            canned->asked[i][used] = '\0';
            const char *body = strstr(canned->asked[i], "\r\n\r\n");
            const char *length = strcasestr(canned->asked[i], "Content-Length: ");
            if (got <= 0 ||
                (body && (!length ||
                          strlen(body + 4) >= (size_t)strtol(length + 16, NULL, 10)))) {
                break;
            }
        }
        (void)!write(peer, canned->answers[i], strlen(canned->answers[i]));
        (void)close(peer);
    }
    return NULL;
}

static void canned_start(struct canned *canned)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    canned->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(bind(canned->listener, (struct sockaddr *)&address, len), 0);
    assert_return_code(listen(canned->listener, 4), 0);
    assert_return_code(getsockname(canned->listener, (struct sockaddr *)&address, &len),
                       0);
    (void)snprintf(canned->url, sizeof canned->url, "http://127.0.0.1:%d/",
                   ntohs(address.sin_port));
    assert_int_equal(pthread_create(&canned->thread, NULL, serve, canned), 0);
}

static void canned_stop(struct canned *canned)
{
    (void)pthread_join(canned->thread, NULL);
    (void)close(canned->listener);
}

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"

static void sends_the_token_and_the_body(void **state)
{
    (void)state;
    struct canned canned = {.answers = {HEAD("200 OK") "{\"id\":3}"}, .count = 1};
    canned_start(&canned);
    struct connection connection = {.server = canned.url, .token = "mat_x"};
    HTTP_JSON_AUTO *body = json_pack("{s:s}", "a", "b");
    HTTP_JSON_AUTO *answer = NULL;
    assert_int_equal(http_json(&connection, "POST", "/v1/x", body, &answer, NULL), OK);
    canned_stop(&canned);
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 3);
    assert_non_null(strstr(canned.asked[0], "POST /v1/x HTTP/1.1\r\n"));
    assert_non_null(strstr(canned.asked[0], "Authorization: Bearer mat_x\r\n"));
    assert_non_null(strstr(canned.asked[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(canned.asked[0], "\r\n\r\n{\"a\":\"b\"}"));
}

static void a_problem_becomes_its_code_and_detail(void **state)
{
    (void)state;
    struct canned canned = {
        .answers = {HEAD("422 x") "{\"code\":\"json.range\",\"detail\":\"too much\","
                                  "\"errors\":[{\"pointer\":\"/a/0\"}]}",
                    HEAD("502 x") "<html>"},
        .count = 2};
    canned_start(&canned);
    struct connection connection = {.server = canned.url};
    HTTP_JSON_AUTO *answer = NULL;
    struct err err = {0};
    struct err other = {0};
    assert_int_equal(http_json(&connection, "GET", "/", NULL, &answer, &err),
                     ERR_NET_STATUS);
    assert_int_equal(http_json(&connection, "GET", "/", NULL, &answer, &other),
                     ERR_NET_STATUS);
    canned_stop(&canned);
    assert_string_equal(err.detail,
                        "the server answered 422 json.range: too much at /a/0");
    assert_string_equal(err.pointer, "/a/0");
    assert_non_null(strstr(other.detail, "502"));
}

static void lists_are_fetched_page_after_page(void **state)
{
    (void)state;
    struct canned canned = {
        .answers = {HEAD("200 OK") "{\"items\":[{\"id\":1},{\"id\":2}],\"next\":\"a b\"}",
                    HEAD("200 OK") "{\"items\":[{\"id\":3}],\"next\":null}"},
        .count = 2};
    canned_start(&canned);
    struct connection connection = {.server = canned.url};
    HTTP_JSON_AUTO *items = NULL;
    assert_int_equal(http_list(&connection, "/v1/nodes?state=active", &items, NULL), OK);
    canned_stop(&canned);
    assert_int_equal(json_array_size(items), 3);
    assert_non_null(strstr(canned.asked[0], "GET /v1/nodes?state=active&limit=1000 "));
    assert_non_null(strstr(canned.asked[1], "&cursor=a%20b "));
}

static void an_answer_that_is_no_json_is_an_error(void **state)
{
    (void)state;
    struct canned canned = {.answers = {HEAD("200 OK") "hello"}, .count = 1};
    canned_start(&canned);
    struct connection connection = {.server = canned.url};
    HTTP_JSON_AUTO *answer = NULL;
    assert_int_equal(http_json(&connection, "GET", "/", NULL, &answer, NULL), ERR_NET);
    canned_stop(&canned);
}

static void labels_are_set_and_removed(void **state)
{
    (void)state;
    static const char *const good[] = {"site=lyon", "empty=", "old-"};
    static const char *const bad[] = {"site", "=x", "", "-"};
    HTTP_JSON_AUTO *labels = json_object();
    assert_int_equal(remote_labels(good, 3, true, labels, NULL), OK);
    assert_string_equal(json_string_value(json_object_get(labels, "site")), "lyon");
    assert_string_equal(json_string_value(json_object_get(labels, "empty")), "");
    assert_true(json_is_null(json_object_get(labels, "old")));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(remote_labels(&bad[i], 1, true, labels, NULL), ERR_USAGE);
    }
    assert_int_equal(remote_labels(&good[2], 1, false, labels, NULL), ERR_USAGE);
}

/* Catches what `output_list` prints. */
static void print_table(const json_t *items, char *ret_text, size_t room)
{
    static const struct column columns[] = {
        {"NAME", "name", CELL_PLAIN},
        {"SEEN", "seen_ms", CELL_TIME},
        {"NEWEST", "newest.version", CELL_PLAIN},
        {"LABELS", "labels", CELL_PLAIN},
    };
    struct output output = {.table = true};
    (void)fflush(stdout);
    int out = dup(STDOUT_FILENO);
    FILE *sink = tmpfile();
    assert_non_null(sink);
    (void)dup2(fileno(sink), STDOUT_FILENO);
    int code = output_list(&output, items, columns, 4);
    (void)dup2(out, STDOUT_FILENO);
    (void)close(out);
    rewind(sink);
    ret_text[fread(ret_text, 1, room - 1, sink)] = '\0';
    (void)fclose(sink);
    assert_int_equal(code, CLI_OK);
}

static void tables_are_aligned_and_cannot_drive_the_terminal(void **state)
{
    (void)state;
    char text[1024];
    HTTP_JSON_AUTO *items =
        json_pack("[{s:s,s:i,s:{s:s},s:{s:s,s:i}},{s:s,s:n}]", "name",
                  "\x1b[2J\xc3\xa9\xe2\x80\xae", "seen_ms", 0, "newest", "version",
                  "1.1.0", "labels", "site", "lyon", "line", 3, "name", "b", "seen_ms");
    assert_non_null(items);
    print_table(items, text, sizeof text);
    assert_string_equal(text, "NAME    SEEN                  NEWEST  LABELS\n"
                              "?[2J\xc3\xa9?  1970-01-01T00:00:00Z  1.1.0   "
                              "site=lyon,line=3\n"
                              "b       -                     -       -\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_the_token_and_the_body),
        cmocka_unit_test(a_problem_becomes_its_code_and_detail),
        cmocka_unit_test(lists_are_fetched_page_after_page),
        cmocka_unit_test(an_answer_that_is_no_json_is_an_error),
        cmocka_unit_test(labels_are_set_and_removed),
        cmocka_unit_test(tables_are_aligned_and_cannot_drive_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
