/* SPDX-License-Identifier: Apache-2.0 */
/* output: what a subcommand found, as a table for people or as JSON for programs.
 *
 * A table when stdout is a terminal, JSON otherwise; --json and --table decide. Cells
 * have control characters and direction overrides replaced, so that a node's name cannot
 * drive the terminal. */
#ifndef MUSTER_CLI_OUTPUT_H
#define MUSTER_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

/* Zero-initialise, fill by OUTPUT_OPTIONS. */
struct output {
    bool json, table;
};

#define OUTPUT_OPTIONS(output)                                                           \
    {"json", 0, OPTION_FLAG, &(output).json, NULL, "print JSON, even on a terminal"},    \
    {                                                                                    \
        "table", 0, OPTION_FLAG, &(output).table, NULL,                                  \
            "print a table, even into a pipe"                                            \
    }

enum cell_kind {
    CELL_PLAIN,   /* texts, numbers, booleans as they are; objects as k=v,… */
    CELL_TIME,    /* milliseconds since the epoch as UTC */
    CELL_PERCENT, /* 0 … 1 as percent */
    CELL_DIGEST,  /* the first 12 characters */
};

/* A column: its title and the member that it shows; "a.b" goes into the object `a`. */
struct column {
    const char *title;
    const char *member;
    enum cell_kind kind;
};

/* Prints an array of objects, a row each. Returns CLI_OK, or CLI_FAILED when stdout
 * cannot be written. */
int output_list(const struct output *output, const json_t *items,
                const struct column *columns, size_t count);

/* Prints one object, a line "title  value" for each column. */
int output_object(const struct output *output, const json_t *object,
                  const struct column *columns, size_t count);

/* Whether JSON is wanted. */
bool output_is_json(const struct output *output);

#endif
