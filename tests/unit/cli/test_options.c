/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/options.h"

enum { WORDS_MAX = 16 };

/* What one parse gave. */
struct outcome {
    bool go_on;
    int code;
    bool flag;
    const char *text;
    int64_t number;
    struct option_list list;
    struct operands operands;
};

static char *words[WORDS_MAX];

/* Parses the words up to NULL behind the program's name; what it says is dropped. */
static struct outcome parse(const char *const *line, int operands_max)
{
    struct outcome outcome = {.text = "default", .number = 7};
    const struct option_row rows[] = {
        {"flag", 'f', OPTION_FLAG, &outcome.flag, NULL, "a flag"},
        {"text", 't', OPTION_TEXT, &outcome.text, "TEXT", "a text"},
        {"number", 0, OPTION_INTEGER, &outcome.number, "N", "a number"},
        {"list", 'l', OPTION_LIST, &outcome.list, "ITEM", "a list"},
    };
    const struct usage usage = {.synopsis = "muster test run WHAT [options]",
                                .about = "About.",
                                .options = rows,
                                .option_count = 4,
                                .operands_max = operands_max};
    int argc = 1;
    words[0] = (char *)(uintptr_t) "run";
    for (; line[argc - 1] && argc < WORDS_MAX; argc++) {
        words[argc] = (char *)(uintptr_t)line[argc - 1];
    }
    (void)fflush(NULL);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    FILE *sink = tmpfile();
    assert_non_null(sink);
    (void)dup2(fileno(sink), STDOUT_FILENO);
    (void)dup2(fileno(sink), STDERR_FILENO);
    outcome.code = -1;
    outcome.go_on = usage_parse(&usage, argc, words, &outcome.operands, &outcome.code);
    (void)fflush(NULL);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    (void)fclose(sink);
    return outcome;
}
#define PARSE(max, ...) parse((const char *const[]){__VA_ARGS__, NULL}, max)

static void understands_every_way_to_write_an_option(void **state)
{
    (void)state;
    struct outcome o =
        PARSE(1, "--flag", "-t", "short", "--number=-12", "-lone", "--list", "two", "x");
    assert_true(o.go_on && o.flag);
    assert_string_equal(o.text, "short");
    assert_int_equal(o.number, -12);
    assert_int_equal(o.list.count, 2);
    assert_string_equal(o.list.items[0], "one");
    assert_string_equal(o.list.items[1], "two");
    assert_int_equal(o.operands.count, 1);
    assert_string_equal(o.operands.items[0], "x");
}

static void keeps_defaults_and_takes_options_behind_operands(void **state)
{
    (void)state;
    struct outcome o = PARSE(2, "a", "--flag", "b");
    assert_true(o.go_on && o.flag);
    assert_string_equal(o.text, "default");
    assert_int_equal(o.number, 7);
    assert_int_equal(o.operands.count, 2);
    assert_string_equal(o.operands.items[1], "b");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct outcome o = PARSE(-1, "--", "--flag", "-", "--");
    assert_true(o.go_on && !o.flag);
    assert_int_equal(o.operands.count, 3);
    assert_string_equal(o.operands.items[0], "--flag");
}

static void a_wrong_command_line_exits_with_2(void **state)
{
    (void)state;
    assert_int_equal(PARSE(0, "--nothing").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "-x").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--fla").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--flag=1").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--text").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--number", "12x").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--number", "").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "--number", "9223372036854775808").code, CLI_USAGE);
    assert_int_equal(PARSE(0, "extra").code, CLI_USAGE);
}

static void help_exits_with_0(void **state)
{
    (void)state;
    struct outcome o = PARSE(0, "--help");
    assert_true(!o.go_on && o.code == CLI_OK);
    o = PARSE(0, "-h");
    assert_true(!o.go_on && o.code == CLI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_every_way_to_write_an_option),
        cmocka_unit_test(keeps_defaults_and_takes_options_behind_operands),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_wrong_command_line_exits_with_2),
        cmocka_unit_test(help_exits_with_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
