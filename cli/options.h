/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line of one subcommand, as a table that parses and that helps.
 *
 *   struct usage usage = {.synopsis = "muster model run FILE.mnet IMAGE [--top N]", …};
 *   struct operands operands;
 *   int code;
 *   if (!usage_parse(&usage, argc, argv, &operands, &code)) {
 *       return code;
 *   }
 *
 * Understood: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, options after operands, and
 * "--" before operands that begin with a dash. --help is in every table by itself. */
#ifndef MUSTER_CLI_OPTIONS_H
#define MUSTER_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { OPTION_LIST_MAX = 32 };

enum option_kind {
    OPTION_FLAG,    /* to: bool; no value */
    OPTION_TEXT,    /* to: const char *; borrowed from argv */
    OPTION_INTEGER, /* to: int64_t; decimal, with sign */
    OPTION_LIST,    /* to: struct option_list; may be given several times */
};

struct option_list {
    const char *items[OPTION_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

/* One option. What `to` points at holds the default and is replaced when it is given. */
struct option_row {
    const char *name; /* long name without the dashes */
    char letter;      /* short name, or 0 */
    enum option_kind kind;
    void *to;
    const char *value_name; /* such as "URL"; NULL for flags */
    const char *help;       /* a few words */
};

struct usage {
    const char *synopsis; /* "muster node show ID [options]" */
    const char *about;    /* what it does: one or more sentences, own line breaks */
    const char *examples; /* lines with two spaces in front, each ended by \n */
    const struct option_row *options;
    size_t option_count;
    int operands_min, operands_max; /* max -1: any number */
};

/* What is left of argv, in order; borrowed. */
struct operands {
    char **items;
    int count;
};

/* Parses argv[1 …]; argv is reordered. True: go on. False: --help was printed or the
 * command line is wrong (said on stderr), and *ret_code is what to exit with. */
bool usage_parse(const struct usage *usage, int argc, char **argv,
                 struct operands *ret_operands, int *ret_code) MUST_USE;

/* Says on stderr what is wrong with the command line and where the help is; returns
 * CLI_USAGE. */
int usage_wrong(const struct usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the help on stdout. */
void usage_print(const struct usage *usage);

/* Reads a whole decimal integer, with sign; false for anything else or beyond 64 bits. */
bool option_integer(const char *text, int64_t *ret_value) MUST_USE;

#endif
