/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "base/log.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/healthcheck.h"
#include "server/serve.h"
#include "server/service/service.h"
#include "server/store/store.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: musterd init --data DIR\n"
    "       musterd --data DIR [option ...]\n"
    "       musterd snapshot --data DIR FILE [--since MS] [--no-rows]\n"
    "       musterd backup --data DIR --to FOLDER [--recipient KEY] [--previous FOLDER]\n"
    "       musterd backup-key FILE\n"
    "       musterd verify-backup FOLDER [--key FILE]\n"
    "       musterd restore --from FOLDER --data NEWDIR [--key FILE | --new-keys]\n"
    "       musterd healthcheck --url URL\n"
    "       musterd --help | --version\n"
    "\n"
    "Without a command musterd serves until SIGTERM or SIGINT.\n"
    "\n"
    "  init           makes the data directory; prints the server's id, the public half "
    "of\n"
    "                 its timestamp key and one admin token\n"
    "  snapshot       copies the database into a new file, for analysts; --since leaves\n"
    "                 out what was received before, --no-rows every prediction\n"
    "  backup         copies all of a server into a new folder: database, artifacts, "
    "signed\n"
    "                 metadata and, sealed to --recipient, its keys; artifacts that are "
    "in\n"
    "                 the backup --previous too are shared with it\n"
    "  backup-key     makes a recipient: FILE opens the keys of backups and belongs into "
    "a\n"
    "                 safe; what is printed is what --recipient wants\n"
    "  verify-backup  reads a backup and checks all of it; with --key its keys too\n"
    "  restore        verifies a backup and makes a new data directory of it; "
    "--new-keys\n"
    "                 goes without the old keys, and makes a new admin token\n"
    "  healthcheck    asks the URL, such as http://127.0.0.1:8080/readyz; exits 0 for "
    "2xx\n"
    "\n"
    "snapshot and backup work while the server runs. Exit codes: 0 done, 1 failed, 2 "
    "wrong\n"
    "command line or configuration.\n"
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

static const struct {
    const char *name;
    enum status (*run)(int argc, char **argv, struct err *err);
} copies[] = {
    {"snapshot", command_snapshot},     {"backup", command_backup},
    {"backup-key", command_backup_key}, {"verify-backup", command_verify_backup},
    {"restore", command_restore},
};

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
    /* libcrypto would start by itself, also its context, and crash where it has no memory
     * to. */
    if (sodium_init() < 0 || OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
        !OSSL_LIB_CTX_get0_global_default()) {
        (void)fputs("musterd: a library of cryptography does not start\n", stderr);
        return EXIT_FAILED;
    }
    if (strcmp(command, "init") == 0) {
        return command_init(argc - 2, argv + 2);
    }
    if (strcmp(command, "healthcheck") == 0) {
        return command_healthcheck(argc - 2, argv + 2);
    }
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
        if (strcmp(command, copies[i].name) == 0) {
            struct err err = {0};
            enum status status = copies[i].run(argc - 2, argv + 2, &err);
            return status == OK ? EXIT_OK : complain(status, &err);
        }
    }
    return command_serve(argc - 1, argv + 1);
}
