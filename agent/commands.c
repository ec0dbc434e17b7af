/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "edge/recovery.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, TEXT_BYTES = 64 * 1024 };

static const char trust_help[] =
    "usage: muster-agent trust ROOT --state FOLDER --root FILE [--reset-floors] [--yes]\n"
    "Makes this machine's agent trust another root: the last resort when the root keys "
    "are\n"
    "lost, or the trusted root cannot be followed to the publisher's. ROOT is verified "
    "by "
    "itself\n"
    "only: be sure where it comes from. Stop the agent first.\n\n"
    "  --state FOLDER  of the agent\n"
    "  --root FILE     the trusted root that the agent is started with: ROOT replaces "
    "it\n"
    "  --reset-floors  forget the lowest versions allowed, and the latest time seen\n"
    "  --yes           do not ask\n";

static const char rollback_help[] =
    "usage: muster-agent rollback --state FOLDER\n"
    "Goes back to the model before the active one, which was verified when it was "
    "installed "
    "and\n"
    "is hashed and tested again; never below the signed floor. Needs no server. The "
    "model "
    "that\n"
    "was left is not activated again before the server assigns another. Stop the agent "
    "first.\n";

enum option_id { OPTION_STATE = 256, OPTION_ROOT, OPTION_RESET, OPTION_YES, OPTION_HELP };

static const struct option trust_options[] = {
    {"state", required_argument, NULL, OPTION_STATE},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"reset-floors", no_argument, NULL, OPTION_RESET},
    {"yes", no_argument, NULL, OPTION_YES},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static const struct option rollback_options[] = {
    {"state", required_argument, NULL, OPTION_STATE},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

struct command {
    struct recovery_order order;
    bool yes, help;
};

static int usage(const char *name, const char *what)
{
    (void)fprintf(stderr, "muster-agent %s: %s; see muster-agent %s --help\n", name, what,
                  name);
    return EXIT_USAGE;
}

static int refused(const char *name, const struct err *err)
{
    (void)fprintf(stderr, "muster-agent %s: %s: %s\n", name, status_name(err->status),
                  err->detail);
    return EXIT_REFUSED;
}

/* argv[1] is the command's name. NULL when all is well, else what is not. */
static const char *parse(int argc, char **argv, const struct option *options,
                         struct command *ret_command)
{
    struct command *command = ret_command;
    *command = (struct command){0};
    opterr = 0;
    optind = 2;
    for (int id; (id = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (id) {
        case OPTION_STATE:
            command->order.state_folder = optarg;
            break;
        case OPTION_ROOT:
            command->order.root_path = optarg;
            break;
        case OPTION_RESET:
            command->order.reset_floors = true;
            break;
        case OPTION_YES:
            command->yes = true;
            break;
        case OPTION_HELP:
            command->help = true;
            break;
        default: /* getopt's '?' */
            return "an unknown or incomplete option";
        }
    }
    command->order.new_path = optind < argc ? argv[optind++] : NULL;
    return optind < argc                                  ? "too many arguments"
           : command->help || command->order.state_folder ? NULL
                                                          : "--state is missing";
}

static bool confirmed(void)
{
    char answer[8] = "";
    (void)fputs("Trust the new root? [y/N] ", stdout);
    (void)fflush(stdout);
    return fgets(answer, sizeof answer, stdin) &&
           (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

static int change_root(struct recovery *recovery, bool yes)
{
    struct err err = {0};
    BUF_AUTO text = BUF_INIT(TEXT_BYTES);
    recovery_describe(recovery, &text);
    if (buf_status(&text, &err) != OK) {
        return refused("trust", &err);
    }
    (void)fputs(text.data, stdout);
    if (!yes && !confirmed()) {
        (void)fputs("nothing was changed\n", stdout);
        return EXIT_REFUSED;
    }
    if (recovery_trust(recovery, &err) != OK) {
        return refused("trust", &err);
    }
    (void)fputs(
        "done: start the agent, without the enrolment string if that names the old "
        "root's digest\n",
        stdout);
    return 0;
}

static int trust(int argc, char **argv)
{
    struct command command;
    const char *wrong = parse(argc, argv, trust_options, &command);
    if (!wrong && !command.help) {
        wrong = !command.order.new_path    ? "the new ROOT is missing"
                : !command.order.root_path ? "--root is missing"
                                           : NULL;
    }
    if (wrong) {
        return usage("trust", wrong);
    }
    if (command.help) {
        (void)fputs(trust_help, stdout);
        return 0;
    }
    struct err err = {0};
    struct recovery recovery;
    int code = recovery_open(&recovery, &command.order, &err) == OK
                   ? change_root(&recovery, command.yes)
                   : refused("trust", &err);
    recovery_close(&recovery);
    return code;
}

static int rollback(int argc, char **argv)
{
    struct command command;
    const char *wrong = parse(argc, argv, rollback_options, &command);
    if (wrong || command.order.new_path) {
        return usage("rollback", wrong ? wrong : "too many arguments");
    }
    if (command.help) {
        (void)fputs(rollback_help, stdout);
        return 0;
    }
    struct err err = {0};
    BUF_AUTO text = BUF_INIT(TEXT_BYTES);
    if (recovery_go_back(command.order.state_folder, &text, &err) != OK) {
        return refused("rollback", &err);
    }
    (void)fputs(text.data ? text.data : "", stdout);
    return 0;
}

bool commands_run(int argc, char **argv, int *ret_exit)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "trust") == 0) {
        *ret_exit = trust(argc, argv);
        return true;
    }
    if (strcmp(name, "rollback") == 0) {
        *ret_exit = rollback(argc, argv);
        return true;
    }
    return false;
}
