/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/log.h"
#include "server/config.h"
#include "server/healthcheck.h"
#include "server/serve.h"
#include "server/service/service.h"
#include "server/store/snapshot.h"
#include "server/store/store.h"

enum { ARGUMENTS_MAX = 64 };
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: musterd init --data DIR\n"
    "       musterd --data DIR [option ...]\n"
    "       musterd snapshot --data DIR FILE [--since MS] [--no-rows]\n"
    "       musterd healthcheck --url URL\n"
    "       musterd --help | --version\n"
    "\n"
    "init makes the data directory and prints the server's id, the public half of its\n"
    "timestamp key and one admin token. snapshot copies the database, also of a running\n"
    "server, into a new file; --since leaves out what was received before, --no-rows "
    "every\n"
    "prediction. healthcheck asks the URL, such as http://127.0.0.1:8080/readyz, and\n"
    "exits 0 when it answers 2xx. Without a command musterd serves until SIGTERM or\n"
    "SIGINT. Exit codes: 0 done, 1 failed, 2 wrong command line or configuration.\n"
    "\n"
    "Options; also as MUSTER_NAME in the environment and as name = value in the file of\n"
    "--config (flags win, then the environment, then the file):\n";

static int complain(enum status status, const struct err *err)
{
    const char *where = status == ERR_USAGE        ? "; see musterd --help"
                        : status == ERR_DB_CORRUPT ? "; see docs/OPERATIONS.md"
                                                   : "";
    (void)fprintf(stderr, "musterd: %s%s\n",
                  err->detail[0] ? err->detail : status_meaning(status), where);
    return status == ERR_USAGE || status == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

static int show_help(void)
{
    (void)fputs(usage, stdout);
    config_print_options();
    return EXIT_OK;
}

static enum status need_data(const struct config *config, struct err *err)
{
    return config->data[0] ? OK : err_set(err, ERR_USAGE, "--data is needed");
}

static enum status init_folder(const char *folder, struct service_init *ret_init,
                               struct err *err)
{
    enum status status = store_create(folder, err);
    if (status != OK) {
        return status;
    }
    struct store_options options = store_options_default(folder);
    struct store *store = NULL;
    status = store_open(&options, &store, err);
    if (status == OK) {
        status = service_init_data(store, folder, ret_init, err);
    }
    store_close(store);
    return status;
}

static int command_init(int argc, char **argv)
{
    struct err err = {0};
    CONFIG_AUTO config = {0};
    struct service_init made = {0};
    enum status status = config_load(&config, argc, argv, environ, &err);
    if (status == OK) {
        status = need_data(&config, &err);
    }
    if (status == OK) {
        status = init_folder(config.data, &made, &err);
    }
    if (status != OK) {
        return complain(status, &err);
    }
    (void)printf("server-id: %s\ntimestamp-key: %s\nadmin-token: %s\n", made.server_id,
                 made.timestamp_key, made.admin_token);
    sodium_memzero(&made, sizeof made);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Takes one argument of snapshot; false when it is none of its own. */
static bool take_snapshot_argument(const char *argument, struct snapshot_options *options,
                                   struct err *err)
{
    if (strcmp(argument, "--no-rows") == 0) {
        options->no_rows = true;
    } else if (strncmp(argument, "--since=", 8) == 0) {
        char *end = NULL;
        options->since_ms = strtoll(argument + 8, &end, 10);
        if (!isdigit((unsigned char)argument[8]) || *end) {
            (void)err_set(err, ERR_USAGE, "--since wants milliseconds since 1970");
        }
    } else if (argument[0] != '-' && !options->target) {
        options->target = argument;
    } else {
        return false;
    }
    return true;
}

/* `arguments` has room for argc; what is left in it are the common options. */
static enum status read_snapshot_arguments(int argc, char **argv, char **arguments,
                                           int *ret_count,
                                           struct snapshot_options *options,
                                           struct err *err)
{
    char joined[64];
    *ret_count = 0;
    for (int i = 0; i < argc && err->status == OK; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--since") == 0 && has_value) {
            (void)snprintf(joined, sizeof joined, "--since=%.40s", argv[++i]);
            (void)take_snapshot_argument(joined, options, err);
        } else if (strncmp(argv[i], "--", 2) == 0 && !strchr(argv[i], '=') &&
                   strcmp(argv[i], "--no-rows") != 0 && has_value) {
            arguments[(*ret_count)++] = argv[i];
            arguments[(*ret_count)++] = argv[++i];
        } else if (!take_snapshot_argument(argv[i], options, err)) {
            arguments[(*ret_count)++] = argv[i];
        }
    }
    if (err->status == OK && !options->target) {
        return err_set(err, ERR_USAGE, "snapshot wants the name of the new file");
    }
    return err->status;
}

static int command_snapshot(int argc, char **argv)
{
    struct err err = {0};
    CONFIG_AUTO config = {0};
    struct snapshot_options options = {0};
    char *arguments[ARGUMENTS_MAX];
    int count = 0;
    enum status status =
        argc <= ARGUMENTS_MAX
            ? read_snapshot_arguments(argc, argv, arguments, &count, &options, &err)
            : err_set(&err, ERR_USAGE, "too many arguments");
    if (status == OK) {
        status = config_load(&config, count, arguments, environ, &err);
    }
    if (status == OK) {
        status = need_data(&config, &err);
    }
    if (status == OK) {
        options.folder = config.data;
        status = store_snapshot(&options, &err);
    }
    return status == OK ? EXIT_OK : complain(status, &err);
}

static int command_healthcheck(int argc, char **argv)
{
    struct err err = {0};
    const char *url = NULL;
    if (argc == 2 && strcmp(argv[0], "--url") == 0) {
        url = argv[1];
    } else if (argc == 1 && strncmp(argv[0], "--url=", 6) == 0) {
        url = argv[0] + 6;
    } else {
        (void)err_set(&err, ERR_USAGE, "healthcheck wants --url URL");
        return complain(ERR_USAGE, &err);
    }
    enum status status = healthcheck(url, &err);
    return status == OK ? EXIT_OK : complain(status, &err);
}

static enum status set_log_level(const char *name, struct err *err)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            log_set_level((enum log_level)i);
            return OK;
        }
    }
    return err_set(err, ERR_CONFIG, "log_level: unknown level '%.32s'", name);
}

static int command_serve(int argc, char **argv)
{
    struct err err = {0};
    CONFIG_AUTO config = {0};
    enum status status = config_load(&config, argc, argv, environ, &err);
    if (status == OK) {
        status = need_data(&config, &err);
    }
    if (status == OK) {
        status = set_log_level(config.log_level, &err);
    }
    if (status == OK) {
        status = serve(&config, &err);
    }
    return status == OK ? EXIT_OK : complain(status, &err);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    const char *last = argv[argc - 1]; /* "musterd snapshot --help" is a question too */
    if (strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0) {
        return show_help();
    }
    if (strcmp(command, "--version") == 0) {
        (void)puts("musterd " MUSTER_VERSION);
        return EXIT_OK;
    }
    if (sodium_init() < 0) {
        (void)fputs("musterd: libsodium does not start\n", stderr);
        return EXIT_FAILED;
    }
    if (strcmp(command, "init") == 0) {
        return command_init(argc - 2, argv + 2);
    }
    if (strcmp(command, "snapshot") == 0) {
        return command_snapshot(argc - 2, argv + 2);
    }
    if (strcmp(command, "healthcheck") == 0) {
        return command_healthcheck(argc - 2, argv + 2);
    }
    return command_serve(argc - 1, argv + 1);
}
