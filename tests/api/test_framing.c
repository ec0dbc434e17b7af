/* SPDX-License-Identifier: Apache-2.0 */
/* The framing table: every file of tests/vectors/http is sent as it is, followed by one
 * more good request, which must be answered exactly when the connection may live on.
 *
 *   api_framing             to the fixture
 *   api_framing musterd     to the real server, as far as it has such a path */
#include "tests/api/site.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/api/vector.h"

enum { PATH_BYTES = 512, REPEATS = 1000, CASE_BYTES_MAX = 16 * 1024 * 1024 };

static const char good_request[] =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static struct program server;
static struct site site;
static bool is_real; /* musterd, not the fixture */

static int start_server(void **state)
{
    (void)state;
    if (is_real) {
        static const char *const options[] = {"--idle-timeout-ms", "3000", NULL};
        site_start(&site, options);
        server = site.server;
        return 0;
    }
    const char *argv[] = {program_path("http_fixture"), "idle_timeout_ms=3000", NULL};
    program_start(&server, argv, NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    if (is_real) {
        site_stop(&site);
        return 0;
    }
    return program_stop(&server);
}

/* What must hold after every case. */
static void assert_is_well(size_t sockets_before)
{
    assert_true(program_is_alive(&server));
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(server.port, "/healthz", NULL, &reply), 200);
    for (int i = 0; i < 100 && program_socket_count(&server) > sockets_before; i++) {
        (void)usleep(20000); /* the closing of what we closed */
    }
    assert_true(program_socket_count(&server) <= sockets_before);
}

static void exchange(const struct vector *vector, struct buf *ret_data)
{
    int fd = net_connect(server.port, NULL);
    if (net_send(fd, vector->bytes.data, vector->bytes.len)) {
        (void)net_send(fd, good_request, sizeof good_request - 1);
    }
    if (!net_read(fd, ret_data, HARNESS_WAIT_MS)) {
        fail_msg("the connection was not closed");
    }
    (void)close(fd);
}

/* Every answer that the library did not write is a problem document with a known code. */
static void assert_problem(const struct answer *answer)
{
    char type[64] = "";
    (void)answer_header(answer, "Content-Type", type, sizeof type);
    if (answer->status < 400 || strcmp(type, "application/problem+json") != 0) {
        return;
    }
    char status[32];
    (void)snprintf(status, sizeof status, "\"status\":%d,\"code\":\"", answer->status);
    assert_non_null(memmem(answer->body, answer->body_len, status, strlen(status)));
    assert_null(memmem(answer->body, answer->body_len, "/secret", 7));
}

/* libmicrohttpd writes the head of its own HTML errors twice, which no length explains.
 */
static bool is_library_error(const struct answer *answer)
{
    char type[64];
    return answer->status >= 400 &&
           !answer_header(answer, "Content-Type", type, sizeof type);
}

static void assert_answers(const struct vector *vector, const struct buf *data)
{
    bool is_head = strncmp(vector->bytes.data, "HEAD", 4) == 0;
    size_t at = 0;
    size_t count = 0;
    struct answer answer;
    while (at < data->len) {
        if (!answer_parse(data->data + at, data->len - at, !is_head || count > 0,
                          &answer)) {
            fail_msg("%zu bytes that are no whole answer", data->len - at);
        }
        if (count < vector->expected_count &&
            !vector_allows(vector->expected[count], answer.status)) {
            fail_msg("answer %zu is %d, expected %s", count, answer.status,
                     vector->expected[count]);
        }
        assert_problem(&answer);
        at = is_library_error(&answer) ? data->len : at + answer.len;
        count++;
    }
    assert_int_equal(count, vector->expected_count + (vector->closes ? 0 : 1));
}

static void replace_expected(struct vector *vector, const char *from, const char *to)
{
    for (size_t i = 0; i < vector->expected_count; i++) {
        if (strcmp(vector->expected[i], from) == 0) {
            (void)snprintf(vector->expected[i], sizeof vector->expected[i], "%s", to);
        }
    }
}

/* Makes a case of the fixture one of the real server; false if it has nothing like it. */
static bool retarget(const char *name, struct vector *vector)
{
    static const char *const others[] = {"42_", "43_", "55_", "67_"};
    static const char *const paths[] = {" /echo ", " /work "};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strncmp(name, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *data = vector->bytes.data;
        size_t line_len = strcspn(data, "\r");
        const char *path = memmem(data, line_len, paths[i], strlen(paths[i]));
        if (path) {
            BUF_AUTO bytes = BUF_INIT(VECTOR_BYTES_MAX);
            const char *rest = path + strlen(paths[i]);
            buf_add(&bytes, data, (size_t)(path - data));
            buf_addstr(&bytes, " /v1/enroll ");
            buf_add(&bytes, rest, (size_t)(data + vector->bytes.len - rest));
            buf_reset(&vector->bytes);
            buf_add(&vector->bytes, bytes.data, bytes.len);
            replace_expected(vector, "200", "400|422"); /* it is read, but no enrolment */
        }
    }
    return true;
}

static void run_case(const char *path)
{
    struct vector vector;
    vector_read(path, &vector);
    if (is_real && !retarget(strrchr(path, '/') + 1, &vector)) {
        buf_release(&vector.bytes);
        return;
    }
    size_t sockets = program_socket_count(&server);
    BUF_AUTO data = BUF_INIT(CASE_BYTES_MAX);
    exchange(&vector, &data);
    assert_answers(&vector, &data);
    buf_release(&vector.bytes);
    assert_is_well(sockets);
}

static int is_case(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".txt") == 0;
}

static void run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_case, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        print_message("  %s\n", entries[i]->d_name);
        run_case(path);
        free(entries[i]);
    }
    free(entries);
}

static void every_case_ends_as_its_file_says(void **state)
{
    (void)state;
    run_folder(VECTORS_DIR "/http");
}

/* What libmicrohttpd 0.9.75 hides from us; docs/SECURITY-NOTES.md lists it. When one of
 * these fails the library has become stricter: move the case up and mend the document. */
static void the_known_gaps_are_as_documented(void **state)
{
    (void)state;
    run_folder(VECTORS_DIR "/http/gaps");
}

static void a_thousand_bad_requests_leave_no_trace(void **state)
{
    (void)state;
    struct vector vector;
    vector_read(VECTORS_DIR "/http/01_cl_and_te.txt", &vector);
    size_t sockets = program_socket_count(&server);
    size_t rss = 0;
    for (int i = 0; i < REPEATS; i++) {
        BUF_AUTO data = BUF_INIT(CASE_BYTES_MAX);
        exchange(&vector, &data);
        if (i == REPEATS / 10) {
            rss = program_rss_bytes(&server);
        }
    }
    buf_release(&vector.bytes);
    assert_is_well(sockets);
    assert_true(program_rss_bytes(&server) < rss + SANITIZER_FACTOR * 16U * 1024 * 1024);
}

int main(int argc, char **argv)
{
    is_real = argc > 1 && strcmp(argv[1], "musterd") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_ends_as_its_file_says),
        cmocka_unit_test(the_known_gaps_are_as_documented),
        cmocka_unit_test(a_thousand_bad_requests_leave_no_trace),
    };
    return cmocka_run_group_tests_name("framing", tests, start_server, stop_server);
}
