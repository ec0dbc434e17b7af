/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* What one log call writes to stderr: descriptor 2 leads into a pipe meanwhile. */
struct capture {
    int saved;
    int pipe[2];
    char text[8192];
};

static void capture_begin(struct capture *capture)
{
    (void)fflush(stderr);
    capture->saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(capture->pipe), 0);
    assert_true(dup2(capture->pipe[1], STDERR_FILENO) >= 0);
}

static const char *capture_end(struct capture *capture)
{
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    (void)close(capture->saved);
    (void)close(capture->pipe[1]);
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0) {
        got = read(capture->pipe[0], capture->text + len, sizeof capture->text - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    (void)close(capture->pipe[0]);
    capture->text[len] = '\0';
    return capture->text;
}

/* The line without its time: "level=…". */
static const char *behind_time(const char *line)
{
    assert_int_equal(strncmp(line, "time=", 5), 0);
    assert_int_equal(strlen("2026-11-23T10:00:00.123Z"), strcspn(line + 5, " "));
    return line + 5 + strcspn(line + 5, " ") + 1;
}

static void an_event_is_one_line_of_pairs(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_LEVEL_INFO, "listening", log_text("address", "127.0.0.1:8080"),
              log_int("threads", -2));
    assert_string_equal(behind_time(capture_end(&capture)),
                        "level=info event=listening address=127.0.0.1:8080 threads=-2\n");
}

static void no_value_can_forge_a_line_or_a_pair(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_LEVEL_ERROR, "bad", log_text("name", "a\nlevel=info b=\"\\\x7f"),
              log_text("pair", "a=b"), log_text("space", "a b"), log_text("null", NULL),
              log_text("rtl", "\xe2\x80\xae"), log_text("csi", "\xc2\x9b"));
    assert_string_equal(behind_time(capture_end(&capture)),
                        "level=error event=bad name=\"a\\x0alevel=info b=\\\"\\\\\\x7f\" "
                        "pair=\"a=b\" space=\"a b\" null=\"\" "
                        "rtl=\"\\xe2\\x80\\xae\" csi=\"\\xc2\\x9b\"\n");
}

static void a_long_line_is_cut_at_two_kibibytes_and_still_ends(void **state)
{
    (void)state;
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_LEVEL_WARNING, "long", log_text("a", long_text), log_text("b", "c"));
    const char *line = capture_end(&capture);
    assert_int_equal(strlen(line), 2048);
    assert_int_equal(line[2047], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + 2047);
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_LEVEL_DEBUG, "hidden", log_int("a", 1));
    log_set_level(LOG_LEVEL_ERROR);
    log_event(LOG_LEVEL_WARNING, "hidden", log_int("a", 1));
    log_set_level(LOG_LEVEL_DEBUG);
    log_event(LOG_LEVEL_DEBUG, "shown", log_int("a", 1));
    log_set_level(LOG_LEVEL_INFO);
    assert_string_equal(behind_time(capture_end(&capture)),
                        "level=debug event=shown a=1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_pairs),
        cmocka_unit_test(no_value_can_forge_a_line_or_a_pair),
        cmocka_unit_test(a_long_line_is_cut_at_two_kibibytes_and_still_ends),
        cmocka_unit_test(lines_below_the_level_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
