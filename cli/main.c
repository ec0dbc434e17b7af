/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* One row a subcommand: "muster GROUP NAME". The help lists them in this order. */
struct command {
    const char *group;
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"server", "status", "readiness, repository, nodes", cmd_server_status},
    {"server", "history", "what was published when, by whom", cmd_server_history},
    {"node", "list", "all nodes, or those of a selector", cmd_node_list},
    {"node", "show", "one node: facts, health, what it runs", cmd_node_show},
    {"node", "label", "set or remove labels", cmd_node_label},
    {"node", "activate", "let a pending node in", cmd_node_activate},
    {"node", "revoke", "shut a node out", cmd_node_revoke},
    {"token", "create", "a token that enrols nodes", cmd_token_create},
    {"token", "list", "enrolment tokens", cmd_token_list},
    {"token", "revoke", "end an enrolment token", cmd_token_revoke},
    {"token", "create-api", "a token for a person or program", cmd_token_create_api},
    {"token", "list-api", "API tokens", cmd_token_list_api},
    {"token", "revoke-api", "end an API token", cmd_token_revoke_api},
    {"model", "import", "an ONNX model into a model file", cmd_model_import},
    {"model", "run", "classify an image with a model file", cmd_model_run},
    {"model", "show", "what a model file holds", cmd_model_show},
    {"model", "list", "published models", cmd_model_list},
    {"model", "versions", "published versions of a model", cmd_model_versions},
    {"model", "deploy", "tell nodes to run a version", cmd_model_deploy},
    {"model", "detail", "how much detail its nodes report", cmd_model_detail},
    {"deployment", "list", "which versions nodes are told to run", cmd_deployment_list},
    {"deployment", "remove", "take a deployment back", cmd_deployment_remove},
    {"query", "volume", "predictions over time", cmd_query_volume},
    {"query", "classes", "class mix", cmd_query_classes},
    {"query", "confidence", "histogram of confidence", cmd_query_confidence},
    {"query", "latency", "percentiles of inference time", cmd_query_latency},
    {"repo", "init", "a new signed repository in a folder", cmd_repo_init},
    {"repo", "status", "versions, expiry, what to do next", cmd_repo_status},
    {"repo", "verify", "whether a client could use it, at a date", cmd_repo_verify},
    {"repo", "renew", "sign again with a later expiry", cmd_repo_renew},
    {"repo", "push", "upload it to a server", cmd_repo_push},
    {"repo", "sign", "show what is staged and sign it", cmd_repo_sign},
    {"repo", "discard", "drop what is staged", cmd_repo_discard},
    {"repo", "signer", "who may sign: add, remove, list", cmd_repo_signer},
    {"repo", "threshold", "how many must sign", cmd_repo_threshold},
    {"repo", "delegate", "a model to a team's own keys", cmd_repo_delegate},
    {"repo", "undelegate", "take a model back", cmd_repo_undelegate},
    {"repo", "bundle", "what is staged, for a machine offline", cmd_repo_bundle},
    {"repo", "unbundle", "take the signatures out of it", cmd_repo_unbundle},
    {"model", "publish", "sign a model file, optionally push it", cmd_model_publish},
    {"model", "remove", "withdraw a version", cmd_model_remove},
    {"model", "floor", "forbid everything below a seq", cmd_model_floor},
    {"key", "new", "a sealed key", cmd_key_new},
    {"key", "rotate", "a new key in the place of an old one", cmd_key_rotate},
    {"key", "list", "the key files of a repository", cmd_key_list},
    {"key", "export", "a public key", cmd_key_export},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_commands(FILE *to, const char *group)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        if (!group || strcmp(group, command->group) == 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s %s", command->group, command->name);
            (void)fprintf(to, "  %-24s%s\n", name, command->summary);
        }
    }
}

/* Returns `code`: help that was asked for goes to stdout, a complaint to stderr. */
static int print_help(const char *group, int code)
{
    FILE *to = code == CLI_OK ? stdout : stderr;
    const char *words = group ? group : "GROUP";
    (void)fprintf(to,
                  "usage: muster %s SUBCOMMAND [options]\n\n"
                  "Keeps a fleet of edge nodes and their cloud in step.\n\n"
                  "subcommands:\n",
                  words);
    print_commands(to, group);
    (void)fprintf(to,
                  "\n'muster %s SUBCOMMAND --help' has options and examples.\n"
                  "\n"
                  "A table on a terminal, JSON otherwise or with --json. Data go to\n"
                  "stdout, messages to stderr. MUSTER_SERVER and MUSTER_TOKEN replace\n"
                  "--server and --token.\n"
                  "\n"
                  "exit codes: 0 done, 1 failed, 2 wrong command line, 3 the server\n"
                  "answered with an error\n",
                  words);
    return code;
}

static bool is_group(const char *word)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].group, word) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "help") == 0;
}

static int complain(const char *what, const char *word)
{
    (void)fprintf(stderr, "muster: %s '%s'; see 'muster --help'\n", what, word);
    return CLI_USAGE;
}

static int run_command(const char *group, int argc, char **argv)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].group, group) == 0 &&
            strcmp(commands[i].name, argv[0]) == 0) {
            (void)curl_global_init(CURL_GLOBAL_DEFAULT);
            int code = commands[i].run(argc, argv);
            curl_global_cleanup();
            return code;
        }
    }
    return complain("unknown subcommand", argv[0]);
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "");
    if (argc < 2 || is_help(argv[1])) {
        return print_help(NULL, argc < 2 ? CLI_USAGE : CLI_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("muster %s\n", MUSTER_VERSION);
        return CLI_OK;
    }
    if (!is_group(argv[1])) {
        return complain("unknown command", argv[1]);
    }
    if (argc < 3 || is_help(argv[2])) {
        return print_help(argv[1], argc < 3 ? CLI_USAGE : CLI_OK);
    }
    return run_command(argv[1], argc - 2, argv + 2);
}
