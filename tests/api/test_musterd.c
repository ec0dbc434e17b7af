/* SPDX-License-Identifier: Apache-2.0 */
/* musterd itself: its commands, its listeners, and every route without credentials. */
#include "tests/api/harness.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 512, TEXT_BYTES_MAX = 1024 * 1024 };

static char folder[PATH_BYTES];
static char data[PATH_BYTES + 8];

static int set_up(void **state)
{
    (void)state;
    folder_make(folder, sizeof folder);
    (void)snprintf(data, sizeof data, "%s/data", folder);
    const char *argv[] = {program_path("musterd"), "init", "--data", data, NULL};
    BUF_AUTO out = BUF_INIT(TEXT_BYTES_MAX);
    assert_int_equal(program_run(argv, &out, NULL), 0);
    assert_non_null(strstr(out.data, "server-id: "));
    assert_non_null(strstr(out.data, "\ntimestamp-key: "));
    assert_non_null(strstr(out.data, "\nadmin-token: mat_"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void start(struct program *server)
{
    const char *argv[] = {program_path("musterd"),
                          "--data",
                          data,
                          "--listen",
                          "127.0.0.1:0",
                          "--metrics-listen",
                          "127.0.0.1:0",
                          "--log-requests=0",
                          NULL};
    program_start(server, argv, NULL);
}

/* Runs musterd, which must fail with one line that has `message`. */
static void assert_fails(const char *const *arguments, const char *message)
{
    const char *argv[8] = {program_path("musterd")};
    for (int i = 0; arguments[i]; i++) {
        argv[i + 1] = arguments[i];
    }
    BUF_AUTO out = BUF_INIT(TEXT_BYTES_MAX);
    BUF_AUTO problems = BUF_INIT(TEXT_BYTES_MAX);
    assert_int_not_equal(program_run(argv, &out, &problems), 0);
    assert_int_equal(out.len, 0);
    assert_non_null(problems.data);
    if (!strstr(problems.data, message)) {
        fail_msg("expected '%s', found '%s'", message, problems.data);
    }
    assert_ptr_equal(strchr(problems.data, '\n'), problems.data + problems.len - 1);
}

static void what_cannot_start_says_why_in_one_line(void **state)
{
    (void)state;
    struct program server;
    start(&server);
    char address[32];
    char other[PATH_BYTES + 8];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", server.port);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    const char *init[] = {program_path("musterd"), "init", "--data", other, NULL};
    assert_int_equal(program_run(init, NULL, NULL), 0);
    assert_fails((const char *[]){"--data", data, "--listen", "127.0.0.1:0", NULL},
                 "another server");
    assert_fails((const char *[]){"--data", other, "--listen", address, NULL},
                 "Address already in use");
    assert_fails((const char *[]){"--data", other, "--listen", "nonsense", NULL},
                 "HOST:PORT");
    assert_fails((const char *[]){"--data", other, "--listen", "127.0.0.1:65536", NULL},
                 "not a port");
    assert_fails((const char *[]){"--data", "/nonexistent/muster", NULL},
                 "no folder '/nonexistent/muster': run musterd init");
    assert_fails((const char *[]){"--data", data, "--threads", "none", NULL},
                 "--threads: must be an integer");
    assert_fails((const char *[]){"--dota", data, NULL}, "unknown option '--dota'");
    assert_fails((const char *[]){"--listen", "127.0.0.1:0", NULL}, "--data is needed");
    assert_fails((const char *[]){"init", "--data", data, NULL}, "already");
    assert_int_equal(program_stop(&server), 0);
}

static void health_metrics_and_interface_are_served(void **state)
{
    (void)state;
    struct program server;
    start(&server);
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(server.port, "/healthz", NULL, &reply), 200);
    assert_int_equal(http_get(server.port, "/readyz", NULL, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"tuf\":\"none\""));
    assert_int_equal(http_get(server.port, "/metrics", NULL, &reply), 404);
    assert_int_equal(http_get(server.metrics_port, "/metrics", NULL, &reply), 200);
    char type[64];
    assert_true(answer_header(&reply.answer, "Content-Type", type, sizeof type));
    assert_string_equal(type, "text/plain; version=0.0.4");
    assert_non_null(
        strstr(reply.answer.body, "\nmuster_http_answers_total{class=\"2xx\"} 2\n"));
    assert_non_null(strstr(reply.answer.body, "\nmuster_store_healthy 1\n"));
    assert_non_null(
        strstr(reply.answer.body, "{method=\"GET\",route=\"/v1/nodes/{id}\"} 0\n"));
    assert_int_equal(http_get(server.metrics_port, "/v1/nodes", NULL, &reply), 404);
    assert_int_equal(program_stop(&server), 0);
}

/* One request without credentials, as docs/openapi.yaml describes the operation. */
static void try_operation(const struct program *server, const char *template,
                          const char *method, json_t *operation)
{
    char target[128];
    size_t used = 0;
    for (const char *p = template; *p && used + 1 < sizeof target; p++) {
        if (*p == '{') {
            target[used++] = '1';
            p = strchr(p, '}');
        } else {
            target[used++] = *p;
        }
    }
    target[used] = '\0';
    struct call call = {.method = method, .target = target};
    char upper[8] = "";
    for (size_t i = 0; method[i] && i < sizeof upper - 1; i++) {
        upper[i] = (char)(method[i] & ~0x20);
    }
    call.method = upper;
    call.body = json_object_get(operation, "requestBody") ? "{}" : NULL;
    REPLY_AUTO reply = {0};
    int status = http_send(server->port, &call, &reply);
    const char *access = json_string_value(json_object_get(operation, "x-access"));
    bool is_public = strcmp(access, "public") == 0;
    char challenge[64];
    if ((status == 401) == is_public && !strstr(target, "/v1/session") &&
        !strstr(target, "/v1/enroll")) {
        fail_msg("%s %s without credentials: %d", upper, target, status);
    }
    assert_true(status != 500 && status != 405);
    assert_true(status != 401 || answer_header(&reply.answer, "WWW-Authenticate",
                                               challenge, sizeof challenge));
}

static void without_credentials_only_public_routes_answer(void **state)
{
    (void)state;
    struct program server;
    start(&server);
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(server.port, "/v1/openapi.json", NULL, &reply), 200);
    json_t *document = json_loadb(reply.answer.body, reply.answer.body_len, 0, NULL);
    assert_non_null(document);
    const char *template;
    const char *method;
    json_t *operations;
    json_t *operation;
    size_t count = 0;
    json_object_foreach(json_object_get(document, "paths"), template, operations)
    {
        json_object_foreach(operations, method, operation)
        {
            try_operation(&server, template, method, operation);
            count++;
        }
    }
    json_decref(document);
    assert_true(count > 20);
    assert_int_equal(program_stop(&server), 0);
}

static void the_health_check_tells_by_its_exit_status(void **state)
{
    (void)state;
    struct program server;
    start(&server);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/healthz", server.port);
    const char *argv[] = {program_path("musterd"), "healthcheck", "--url", url, NULL};
    assert_int_equal(program_run(argv, NULL, NULL), 0);
    assert_int_equal(program_stop(&server), 0);
    assert_fails(&argv[1], "could not reach");
}

static void a_snapshot_is_made_while_the_server_runs(void **state)
{
    (void)state;
    struct program server;
    start(&server);
    char copy[PATH_BYTES + 16];
    (void)snprintf(copy, sizeof copy, "%s/copy.db", folder);
    const char *argv[] = {
        program_path("musterd"), "snapshot", "--data", data, copy, NULL};
    assert_int_equal(program_run(argv, NULL, NULL), 0);
    struct stat info;
    assert_int_equal(stat(copy, &info), 0);
    assert_fails(&argv[1], "exists");
    assert_int_equal(program_stop(&server), 0);
}

static void keys_are_for_their_owner_only(void **state)
{
    (void)state;
    static const char *const names[] = {"session.key", "timestamp.key", "seal.key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_BYTES + 32];
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/keys/%s", data, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void help_lists_every_option(void **state)
{
    (void)state;
    const char *argv[] = {program_path("musterd"), "--help", NULL};
    BUF_AUTO out = BUF_INIT(TEXT_BYTES_MAX);
    assert_int_equal(program_run(argv, &out, NULL), 0);
    assert_non_null(strstr(out.data, "--max-connections-per-address N"));
    assert_non_null(strstr(out.data, "musterd healthcheck --url URL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_start_says_why_in_one_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(health_metrics_and_interface_are_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_credentials_only_public_routes_answer,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_health_check_tells_by_its_exit_status, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_is_made_while_the_server_runs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keys_are_for_their_owner_only, set_up, tear_down),
        cmocka_unit_test(help_lists_every_option),
    };
    return cmocka_run_group_tests_name("musterd", tests, NULL, NULL);
}
