/* SPDX-License-Identifier: Apache-2.0 */
/* commands: the subcommands of musterd that copy a data directory: snapshot, backup,
 * backup-key, verify-backup, restore.
 *
 * Each gets what follows its name on the command line, prints what it made on stdout and
 * what a person should know on stderr, and answers as `err` says. They block. */
#ifndef MUSTER_SERVER_COMMANDS_H
#define MUSTER_SERVER_COMMANDS_H

#include "base/err.h"

enum status command_snapshot(int argc, char **argv, struct err *err) MUST_USE;
enum status command_backup(int argc, char **argv, struct err *err) MUST_USE;
enum status command_backup_key(int argc, char **argv, struct err *err) MUST_USE;
enum status command_verify_backup(int argc, char **argv, struct err *err) MUST_USE;
enum status command_restore(int argc, char **argv, struct err *err) MUST_USE;

#endif
