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
int cmd_server_history(int argc, char **argv);
int cmd_node_list(int argc, char **argv);
int cmd_node_show(int argc, char **argv);
int cmd_node_label(int argc, char **argv);
int cmd_node_activate(int argc, char **argv);
int cmd_node_revoke(int argc, char **argv);
int cmd_token_create(int argc, char **argv);
int cmd_token_list(int argc, char **argv);
int cmd_token_revoke(int argc, char **argv);
int cmd_token_create_api(int argc, char **argv);
int cmd_token_list_api(int argc, char **argv);
int cmd_token_revoke_api(int argc, char **argv);
int cmd_model_import(int argc, char **argv);
int cmd_model_run(int argc, char **argv);
int cmd_model_show(int argc, char **argv);
int cmd_model_list(int argc, char **argv);
int cmd_model_versions(int argc, char **argv);
int cmd_model_deploy(int argc, char **argv);
int cmd_model_detail(int argc, char **argv);
int cmd_deployment_list(int argc, char **argv);
int cmd_deployment_remove(int argc, char **argv);
int cmd_query_volume(int argc, char **argv);
int cmd_query_classes(int argc, char **argv);
int cmd_query_confidence(int argc, char **argv);
int cmd_query_latency(int argc, char **argv);
int cmd_repo_init(int argc, char **argv);
int cmd_repo_status(int argc, char **argv);
int cmd_repo_verify(int argc, char **argv);
int cmd_repo_renew(int argc, char **argv);
int cmd_repo_push(int argc, char **argv);
int cmd_repo_sign(int argc, char **argv);
int cmd_repo_discard(int argc, char **argv);
int cmd_repo_signer(int argc, char **argv);
int cmd_repo_threshold(int argc, char **argv);
int cmd_repo_delegate(int argc, char **argv);
int cmd_repo_undelegate(int argc, char **argv);
int cmd_repo_bundle(int argc, char **argv);
int cmd_repo_unbundle(int argc, char **argv);
int cmd_model_publish(int argc, char **argv);
int cmd_model_remove(int argc, char **argv);
int cmd_model_floor(int argc, char **argv);
int cmd_key_new(int argc, char **argv);
int cmd_key_rotate(int argc, char **argv);
int cmd_key_list(int argc, char **argv);
int cmd_key_export(int argc, char **argv);

#endif
