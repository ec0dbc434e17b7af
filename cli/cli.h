/* SPDX-License-Identifier: Apache-2.0 */
/* cli: the program `muster`; one function a subcommand, listed in main.c's table.
 *
 * Conventions for every subcommand: data on stdout, messages on stderr; a table on a
 * terminal and JSON otherwise (output.h); options from one table (options.h) that also
 * prints the help; these exit codes. argv[0] is the subcommand's last word. */
#ifndef MUSTER_CLI_CLI_H
#define MUSTER_CLI_CLI_H

#include "base/err.h"

/* What the program exits with; `muster --help` says the same. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* something went wrong; the message says what */
    CLI_USAGE = 2,   /* the command line is wrong */
    CLI_REFUSED = 3, /* the server answered with an error */
};

/* Prints "muster: <detail>" on stderr; returns the exit code for the error's status. */
int cli_fail(const struct err *err);

/* The subcommands: each parses its own options and returns an exit code. */
int cmd_server_status(int argc, char **argv);

#endif
