/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { HELP_COLUMN = 28 };

/* Where the parser stands. */
struct parser {
    const struct usage *usage;
    int argc;
    char **argv;
    int at;     /* next word to look at */
    int kept;   /* operands so far, at argv[1 …] */
    int code;   /* what to exit with when `stopped` */
    bool plain; /* "--" was seen */
    bool stopped;
};

bool option_integer(const char *text, int64_t *ret_value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *ret_value = value;
    return true;
}

static void print_option(const struct option_row *row)
{
    char left[64];
    char letter[8] = "    ";
    if (row->letter) {
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    }
    int len =
        snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name,
                 row->value_name ? " " : "", row->value_name ? row->value_name : "");
    if (len >= HELP_COLUMN) {
        printf("%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
    } else {
        printf("%-*s%s\n", HELP_COLUMN, left, row->help);
    }
}

void usage_print(const struct usage *usage)
{
    static const struct option_row help = {.name = "help", .help = "print this help"};
    printf("usage: %s\n\n%s\n\noptions:\n", usage->synopsis, usage->about);
    for (size_t i = 0; i < usage->option_count; i++) {
        print_option(&usage->options[i]);
    }
    print_option(&help);
    if (usage->examples) {
        printf("\nexamples:\n%s", usage->examples);
    }
}

/* The words of the synopsis that name the subcommand: up to the first that is not a
 * lower-case word. */
static int name_length(const char *synopsis)
{
    const char *end = synopsis;
    for (const char *p = synopsis; *p == '-' || (*p >= 'a' && *p <= 'z');) {
        while (*p == '-' || (*p >= 'a' && *p <= 'z')) {
            p++;
        }
        if (*p != ' ' && *p != '\0') {
            break;
        }
        end = p;
        p += *p == ' ';
        if (*p == '-') {
            break;
        }
    }
    return (int)(end - synopsis);
}

int usage_wrong(const struct usage *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("muster: ", stderr);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "; see '%.*s --help'\n", name_length(usage->synopsis),
                  usage->synopsis);
    return CLI_USAGE;
}

static void parser_stop(struct parser *parser, int code)
{
    parser->stopped = true;
    parser->code = code;
}

static void set_list(struct parser *parser, const struct option_row *row,
                     const char *value)
{
    struct option_list *list = row->to;
    if (list->count == OPTION_LIST_MAX) {
        parser_stop(parser, usage_wrong(parser->usage, "--%s is given more than %d times",
                                        row->name, OPTION_LIST_MAX));
        return;
    }
    list->items[list->count++] = value;
}

static void set_value(struct parser *parser, const struct option_row *row,
                      const char *value)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->to = true;
        return;
    case OPTION_TEXT:
        *(const char **)row->to = value;
        return;
    case OPTION_INTEGER:
        if (!option_integer(value, row->to)) {
            parser_stop(parser,
                        usage_wrong(parser->usage, "--%s wants a number, not '%s'",
                                    row->name, value));
        }
        return;
    case OPTION_LIST:
        set_list(parser, row, value);
        return;
    }
}

/* Applies `row`; `attached` is the value in the same word, or NULL. */
static void take_option(struct parser *parser, const struct option_row *row,
                        const char *attached)
{
    if (row->kind == OPTION_FLAG && attached) {
        parser_stop(parser, usage_wrong(parser->usage, "--%s takes no value", row->name));
        return;
    }
    if (row->kind != OPTION_FLAG && !attached) {
        if (parser->at == parser->argc) {
            parser_stop(parser,
                        usage_wrong(parser->usage, "--%s wants a value", row->name));
            return;
        }
        attached = parser->argv[parser->at++];
    }
    set_value(parser, row, attached);
}

static const struct option_row *find_option(const struct usage *usage, const char *name,
                                            size_t len, char letter)
{
    for (size_t i = 0; i < usage->option_count; i++) {
        const struct option_row *row = &usage->options[i];
        if (name ? strlen(row->name) == len && memcmp(row->name, name, len) == 0
                 : row->letter == letter) {
            return row;
        }
    }
    return NULL;
}

static void parse_option(struct parser *parser, const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        usage_print(parser->usage);
        parser_stop(parser, CLI_OK);
        return;
    }
    bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    size_t len = equals ? (size_t)(equals - word - 2) : strlen(word + 1) - 1;
    const struct option_row *row =
        find_option(parser->usage, is_long ? word + 2 : NULL, len, word[1]);
    if (!row) {
        parser_stop(parser, usage_wrong(parser->usage, "unknown option '%s'", word));
        return;
    }
    const char *short_value = !is_long && word[2] != '\0' ? word + 2 : NULL;
    take_option(parser, row, equals ? equals + 1 : short_value);
}

static void parse_word(struct parser *parser)
{
    char *word = parser->argv[parser->at++];
    if (!parser->plain && strcmp(word, "--") == 0) {
        parser->plain = true;
    } else if (!parser->plain && word[0] == '-' && word[1] != '\0') {
        parse_option(parser, word);
    } else {
        parser->argv[++parser->kept] = word;
    }
}

/* The synopsis names its operands in capitals: the one of this number, "an operand" when
 * it names none. */
static const char *operand_name(const char *synopsis, int number, char *ret_name,
                                size_t size)
{
    bool of_option = false;
    for (const char *word = synopsis; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (!of_option && isupper((unsigned char)*word) && number-- == 0) {
            (void)snprintf(ret_name, size, "%.*s", (int)len, word);
            return ret_name;
        }
        of_option = *word == '-';
        word += len;
    }
    return "an operand";
}

bool usage_parse(const struct usage *usage, int argc, char **argv,
                 struct operands *ret_operands, int *ret_code)
{
    struct parser parser = {.usage = usage, .argc = argc, .argv = argv, .at = 1};
    while (!parser.stopped && parser.at < argc) {
        parse_word(&parser);
    }
    if (!parser.stopped && parser.kept < usage->operands_min) {
        char name[32];
        parser_stop(&parser, usage_wrong(usage, "%s is missing",
                                         operand_name(usage->synopsis, parser.kept, name,
                                                      sizeof name)));
    }
    if (!parser.stopped && usage->operands_max >= 0 &&
        parser.kept > usage->operands_max) {
        const char *extra = argv[usage->operands_max + 1];
        parser_stop(&parser, usage_wrong(usage, "unexpected operand '%s'", extra));
    }
    if (parser.stopped) {
        *ret_code = parser.code;
        return false;
    }
    *ret_operands = (struct operands){.items = argv + 1, .count = parser.kept};
    return true;
}
