/* SPDX-License-Identifier: Apache-2.0 */
/* commands: what an operator does to a node's state folder while its agent is stopped.
 *
 *   muster-agent trust ROOT --state FOLDER --root FILE [--reset-floors] [--yes]
 *   muster-agent rollback --state FOLDER */
#ifndef MUSTER_AGENT_COMMANDS_H
#define MUSTER_AGENT_COMMANDS_H

#include <stdbool.h>

/* Whether argv[1] is a command; then *ret_exit is what the program ends with: 0, 1 when
 * it was refused or failed, 2 for a wrong command line. */
bool commands_run(int argc, char **argv, int *ret_exit);

#endif
