/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/supervisor.h"

static char folder[64];
static char path[96];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/muster-supervisor.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/notify", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(folder);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return 0;
}

/* A bound datagram socket; a first '@' stands for the abstract space. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
    return fd;
}

static void assert_told(int fd, const char *expected)
{
    char text[256] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    assert_int_equal(got, (ssize_t)strlen(expected));
    assert_string_equal(text, expected);
}

static void assert_tells(const char *name)
{
    int fd = listen_at(name);
    SUPERVISOR_AUTO supervisor;
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(supervisor_open(&supervisor, NULL), OK);
    supervisor_tell(&supervisor, "READY=1\nSTATUS=well");
    assert_told(fd, "READY=1\nSTATUS=well");
    (void)close(fd);
}

static void a_socket_with_a_path_is_told(void **state)
{
    (void)state;
    assert_tells(path);
}

static void an_abstract_socket_is_told(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof name, "@muster-supervisor-%d", (int)getpid());
    assert_tells(name);
}

static void without_a_socket_nobody_is_told(void **state)
{
    (void)state;
    SUPERVISOR_AUTO supervisor;
    assert_int_equal(supervisor_open(&supervisor, NULL), OK);
    assert_int_equal(supervisor.fd, -1);
    supervisor_tell(&supervisor, "READY=1");
}

static void a_name_that_is_none_is_an_error_and_nobody_is_told(void **state)
{
    (void)state;
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    long_name[0] = '/';
    long_name[sizeof long_name - 1] = '\0';
    const char *const names[] = {"relative", "/", "@", long_name};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        SUPERVISOR_AUTO supervisor;
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_int_equal(supervisor_open(&supervisor, NULL), ERR_CONFIG);
        supervisor_tell(&supervisor, "READY=1");
    }
}

static int64_t watchdog_of(const char *usec, const char *pid)
{
    SUPERVISOR_AUTO supervisor;
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
    assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
    assert_int_equal(supervisor_open(&supervisor, NULL), OK);
    return supervisor.watchdog_ms;
}

static void the_watchdog_is_for_the_process_that_it_names(void **state)
{
    (void)state;
    char own[16];
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    assert_int_equal(watchdog_of("30000000", NULL), 30000);
    assert_int_equal(watchdog_of("30000000", own), 30000);
    assert_int_equal(watchdog_of("30000000", "1"), 0);
    assert_int_equal(watchdog_of("30 seconds", NULL), 0);
    assert_int_equal(watchdog_of("-1", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_socket_with_a_path_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_abstract_socket_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_socket_nobody_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_name_that_is_none_is_an_error_and_nobody_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_watchdog_is_for_the_process_that_it_names,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
