/* SPDX-License-Identifier: Apache-2.0 */
/* arguments: a subcommand's own options, picked out of its command line.
 *
 * What is left goes to config_load, so the common options work with every subcommand. */
#ifndef MUSTER_SERVER_ARGUMENTS_H
#define MUSTER_SERVER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { ARGUMENTS_MAX = 64 };

/* "--name VALUE" or "--name=VALUE" sets `text`, "--name" alone sets `flag`. A NULL name
 * is the one argument without a name. */
struct argument {
    const char *name;
    const char **text;
    bool *flag;
};

/* The command line that is left, for config_load. */
struct arguments {
    char *left[ARGUMENTS_MAX];
    int count;
};

/* Takes out what `own` names. ERR_USAGE for a missing value or too many arguments. */
enum status arguments_take(int argc, char **argv, const struct argument *own,
                           size_t own_count, struct arguments *ret_arguments,
                           struct err *err) MUST_USE;

#endif
