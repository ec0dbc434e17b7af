/* SPDX-License-Identifier: Apache-2.0 */
/* What musterd tells whoever started it (sd_notify), and the socket that it is given. */
#include "tests/api/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_BYTES = 512, HANG_MS = 120000, GIVEN_FD = 50 };

static char folder[PATH_BYTES];
static char data[PATH_BYTES + 8];
static int notify_fd;

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder_make(folder, sizeof folder);
    (void)snprintf(data, sizeof data, "%s/data", folder);
    const char *argv[] = {program_path("musterd"), "init", "--data", data, NULL};
    assert_int_equal(program_run(argv, NULL, NULL), 0);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
    assert_in_range(len, 1, sizeof address.sun_path - 1);
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(notify_fd, (struct sockaddr *)&address, sizeof address), 0);
    return setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(notify_fd);
    folder_remove(folder);
    return unsetenv("NOTIFY_SOCKET") + unsetenv("WATCHDOG_USEC");
}

static void start(struct program *server, const char *listen)
{
    const char *argv[] = {program_path("musterd"), "--data", data, "--listen", listen,
                          "--log-requests=0",      NULL};
    program_start(server, argv, NULL);
}

static void next_message(char ret_text[static PATH_BYTES])
{
    struct pollfd wanted = {.fd = notify_fd, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, HANG_MS), 1);
    ssize_t got = recv(notify_fd, ret_text, PATH_BYTES - 1, 0);
    assert_true(got > 0);
    ret_text[got] = '\0';
}

static void ready_is_told_once_it_serves_and_stopping_before_it_ends(void **state)
{
    (void)state;
    struct program server;
    char text[PATH_BYTES];
    char expected[PATH_BYTES];
    start(&server, "127.0.0.1:0");
    next_message(text);
    (void)snprintf(expected, sizeof expected, "READY=1\nSTATUS=serving on 127.0.0.1:%u",
                   server.port);
    assert_string_equal(text, expected);
    assert_int_equal(program_stop(&server), 0);
    next_message(text);
    assert_memory_equal(text, "STOPPING=1\n", 11);
}

static void the_watchdog_hears_of_it_again_and_again(void **state)
{
    (void)state;
    struct program server;
    char text[PATH_BYTES];
    assert_int_equal(setenv("WATCHDOG_USEC", "200000", 1), 0);
    start(&server, "127.0.0.1:0");
    next_message(text);
    assert_memory_equal(text, "READY=1\n", 8);
    for (int i = 0; i < 3; i++) {
        next_message(text);
        assert_string_equal(text, "WATCHDOG=1");
    }
    assert_int_equal(program_stop(&server), 0);
}

static void what_cannot_start_tells_nothing(void **state)
{
    (void)state;
    char text[PATH_BYTES];
    const char *argv[] = {program_path("musterd"), "--data", folder, NULL};
    assert_int_not_equal(program_run(argv, NULL, NULL), 0);
    assert_true(recv(notify_fd, text, sizeof text, MSG_DONTWAIT) < 0);
}

static void a_socket_that_it_is_given_is_served(void **state)
{
    (void)state;
    struct program server;
    REPLY_AUTO reply = {0};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(dup2(fd, GIVEN_FD), GIVEN_FD); /* without CLOEXEC */
    (void)close(fd);
    start(&server, "fd:50");
    (void)close(GIVEN_FD);
    assert_int_equal(server.port, ntohs(address.sin_port));
    assert_int_equal(http_get(server.port, "/healthz", NULL, &reply), 200);
    assert_int_equal(program_stop(&server), 0);
}

static void what_is_no_listening_socket_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"fd:2", "fd:3", "fd:", "fd:x", "fd:99999"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *argv[] = {
            program_path("musterd"), "--data", data, "--listen", names[i], NULL};
        BUF_AUTO problems = BUF_INIT(PATH_BYTES * 8);
        assert_int_equal(program_run(argv, NULL, &problems), 2);
        assert_non_null(strstr(problems.data, "not a listening TCP socket"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            ready_is_told_once_it_serves_and_stopping_before_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_watchdog_hears_of_it_again_and_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_start_tells_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_socket_that_it_is_given_is_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_listening_socket_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
