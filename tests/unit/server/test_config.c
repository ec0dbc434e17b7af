/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config.h"

/* Reads an INI text over the defaults. */
static enum status read_ini(const char *text, struct config *config, struct err *err)
{
    enum status status = config_init(config, err);
    return status == OK ? config_read_ini(config, text, strlen(text), "m.conf", err)
                        : status;
}

static void the_defaults_are_those_of_the_protocol(void **state)
{
    (void)state;
    CONFIG_AUTO config = {0};
    assert_int_equal(config_init(&config, NULL), OK);
    assert_int_equal(config.max_connections, 10000);
    assert_int_equal(config.max_connections_per_address, 2000);
    assert_int_equal(config.head_timeout_ms, 10000);
    assert_int_equal(config.body_timeout_ms, 30000);
    assert_int_equal(config.idle_timeout_ms, 75000);
    assert_int_equal(config.send_timeout_ms, 60000);
    assert_int_equal(config.session_ms, 3600000);
    assert_int_equal(config.max_artifact_bytes, 64 * 1024 * 1024);
    assert_string_equal(config.metrics_listen, "");
}

static void a_file_sets_options(void **state)
{
    (void)state;
    CONFIG_AUTO config = {0};
    assert_int_equal(read_ini("# a comment\n[musterd]\nthreads = 4\n; another\n"
                              "listen = [::1]:9000\n\npoll_s=60 ; at night\n",
                              &config, NULL),
                     OK);
    assert_int_equal(config.threads, 4);
    assert_int_equal(config.poll_s, 60);
    assert_string_equal(config.listen, "[::1]:9000");
}

struct bad_file {
    const char *text;
    const char *message; /* part of it */
};

static void a_bad_file_is_one_clear_line(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"threds = 4\n", "unknown option 'threds'"},
        {"threads = 0\n", "between 1 and 64, found '0'"},
        {"threads = 65\n", "between 1 and 64"},
        {"threads = four\n", "found 'four'"},
        {"threads = 4x\n", "found '4x'"},
        {"threads =\n", "found ''"},
        {"threads = 99999999999999999999\n", "between"},
        {"threads = 1\nthreads = 2\n", "twice"},
        {"threads = 1\n  2\n", "twice"},
        {"[other]\nthreads = 1\n", "section '[other]'"},
        {"nonsense\n", "line 1"},
        {"config = other.conf\n", "cannot name another"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CONFIG_AUTO config = {0};
        struct err err = {0};
        assert_int_equal(read_ini(cases[i].text, &config, &err), ERR_CONFIG);
        if (!strstr(err.detail, cases[i].message) || strchr(err.detail, '\n')) {
            fail_msg("'%s' says '%s'", cases[i].text, err.detail);
        }
    }
}

static void what_the_library_would_misread_is_refused(void **state)
{
    (void)state;
    CONFIG_AUTO config = {0};
    struct err err = {0};
    char text[300];
    (void)snprintf(text, sizeof text, "threads = 2\nlisten = %0250d\n", 1);
    assert_int_equal(read_ini(text, &config, &err), ERR_CONFIG);
    assert_non_null(strstr(err.detail, "line 2 is longer"));
    err_clear(&err);
    assert_int_equal(config_read_ini(&config, "threads = 3\0threads = 4", 23, "m", &err),
                     ERR_CONFIG);
    assert_non_null(strstr(err.detail, "NUL"));
}

static void flags_win_over_the_environment_and_that_over_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/muster-config.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "threads = 3\nworkers = 3\nreaders = 3\n";
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
    (void)close(fd);
    char threads[] = "--threads=5";
    char flag[] = "--config";
    char *const argv[] = {threads, flag, path};
    char first[] = "MUSTER_THREADS=4";
    char second[] = "MUSTER_WORKERS=4";
    char other[] = "MUSTER_SOMETHING_ELSE=1";
    char *const environment[] = {first, second, other, NULL};
    CONFIG_AUTO config = {0};
    assert_int_equal(config_load(&config, 3, argv, environment, NULL), OK);
    (void)unlink(path);
    assert_int_equal(config.threads, 5);
    assert_int_equal(config.workers, 4);
    assert_int_equal(config.readers, 3);
    assert_int_equal(config.poll_s, 30);
}

static void bad_flags_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"--thread",  "--max_connections", "-x", "stray",
                                        "--threads", "--threads=none",    "--"};
    char *const environment[] = {NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char flag[32];
        (void)snprintf(flag, sizeof flag, "%s", cases[i]);
        char *const argv[] = {flag};
        CONFIG_AUTO config = {0};
        struct err err = {0};
        enum status status = config_load(&config, 1, argv, environment, &err);
        assert_true(status == ERR_USAGE || status == ERR_CONFIG);
        assert_true(err.detail[0] != '\0');
    }
}

static void a_missing_file_is_told(void **state)
{
    (void)state;
    char flag[] = "--config=/nonexistent/musterd.conf";
    char *const argv[] = {flag};
    char *const environment[] = {NULL};
    CONFIG_AUTO config = {0};
    struct err err = {0};
    assert_int_equal(config_load(&config, 1, argv, environment, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.detail, "/nonexistent/musterd.conf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_protocol),
        cmocka_unit_test(a_file_sets_options),
        cmocka_unit_test(a_bad_file_is_one_clear_line),
        cmocka_unit_test(what_the_library_would_misread_is_refused),
        cmocka_unit_test(flags_win_over_the_environment_and_that_over_the_file),
        cmocka_unit_test(bad_flags_are_refused),
        cmocka_unit_test(a_missing_file_is_told),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
