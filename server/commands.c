/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands.h"

#include <ctype.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/arguments.h"
#include "server/backup.h"
#include "server/backup_keys.h"
#include "server/config.h"
#include "server/store/snapshot.h"

enum { PROGRESS_MS = 200 };

#define TAKE(argc, argv, own, left, err)                                                 \
    arguments_take(argc, argv, own, sizeof(own) / sizeof((own)[0]), left, err)

/* A line that is written again and again, on a terminal only. */
static void show_progress(void *context, int64_t rows)
{
    int64_t *shown_ms = context;
    int64_t now_ms = clock_mono_ms();
    if (isatty(STDERR_FILENO) && now_ms - *shown_ms >= PROGRESS_MS) {
        (void)fprintf(stderr, "\r%" PRId64 " rows", rows);
        *shown_ms = now_ms;
    }
}

static void end_progress(int64_t shown_ms)
{
    if (shown_ms != 0) {
        (void)fputs("\r\033[K", stderr);
    }
}

static enum status load(struct config *config, const struct arguments *left,
                        struct err *err)
{
    enum status status = config_load(config, left->count, left->left, environ, err);
    if (status == OK && config->data[0] == '\0') {
        return err_set(err, ERR_USAGE, "--data is needed");
    }
    return status;
}

static enum status nothing_left(const struct arguments *left, struct err *err)
{
    return left->count == 0
               ? OK
               : err_set(err, ERR_USAGE, "unknown argument '%.64s'", left->left[0]);
}

static enum status wanted(const char *text, const char *what, struct err *err)
{
    return text ? OK : err_set(err, ERR_USAGE, "%s", what);
}

/* UTC to the second. */
static void print_time(FILE *file, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts)) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    (void)fputs(text, file);
}

static enum status flushed(struct err *err)
{
    return fflush(stdout) == 0 ? OK : err_set_errno(err, "could not write to stdout");
}

enum status command_snapshot(int argc, char **argv, struct err *err)
{
    CONFIG_AUTO config = {0};
    int64_t shown_ms = 0;
    const char *since = NULL;
    struct snapshot_options options = {.progress = show_progress, .context = &shown_ms};
    const struct argument own[] = {{.name = "--since", .text = &since},
                                   {.name = "--no-rows", .flag = &options.no_rows},
                                   {.text = &options.target}};
    struct arguments left;
    enum status status = TAKE(argc, argv, own, &left, err);
    char *end = NULL;
    if (status == OK && since) {
        options.since_ms = strtoll(since, &end, 10);
    }
    if (status == OK && since && (!isdigit((unsigned char)since[0]) || *end)) {
        status = err_set(err, ERR_USAGE, "--since wants milliseconds since 1970");
    }
    if (status == OK) {
        status = wanted(options.target, "snapshot wants the name of the new file", err);
    }
    if (status == OK) {
        status = load(&config, &left, err);
    }
    if (status == OK) {
        options.folder = config.data;
        status = store_snapshot(&options, err);
        end_progress(shown_ms);
    }
    return status;
}

static enum status tell_backup(const struct backup_options *options,
                               const struct backup_result *result, struct err *err)
{
    (void)printf(
        "backup: %s\nfiles: %" PRId64 "\nbytes: %" PRIu64 "\nshared-bytes: %" PRIu64
        "\nrows: %" PRId64 "\npinned-ms: %" PRId64 "\nkeys: %s\n",
        options->folder, result->files, result->bytes, result->linked_bytes, result->rows,
        result->pinned_us / 1000, options->recipient ? "sealed" : "left out");
    if (!options->recipient) {
        (void)fputs(
            "musterd: the keys are NOT in this backup, as there is no --recipient; "
            "without them every token is void and nodes take no new models\n",
            stderr);
    }
    if (result->damaged > 0) {
        (void)fprintf(stderr,
                      "musterd: %" PRId64
                      " damaged artifact files were left out: muster repo push --all "
                      "uploads them again\n",
                      result->damaged);
    }
    return flushed(err);
}

enum status command_backup(int argc, char **argv, struct err *err)
{
    CONFIG_AUTO config = {0};
    int64_t shown_ms = 0;
    struct backup_options options = {.progress = show_progress, .context = &shown_ms};
    struct backup_result result = {0};
    const struct argument own[] = {{.name = "--to", .text = &options.folder},
                                   {.name = "--previous", .text = &options.previous},
                                   {.name = "--recipient", .text = &options.recipient}};
    struct arguments left;
    enum status status = TAKE(argc, argv, own, &left, err);
    if (status == OK) {
        status = wanted(options.folder, "backup wants --to FOLDER", err);
    }
    if (status == OK) {
        status = load(&config, &left, err);
    }
    if (status == OK) {
        options.data = config.data;
        status = backup_make(&options, &result, err);
        end_progress(shown_ms);
    }
    return status == OK ? tell_backup(&options, &result, err) : status;
}

enum status command_backup_key(int argc, char **argv, struct err *err)
{
    const char *path = NULL;
    char recipient[BACKUP_RECIPIENT_BYTES];
    const struct argument own[] = {{.text = &path}};
    struct arguments left;
    enum status status = TAKE(argc, argv, own, &left, err);
    if (status == OK) {
        status = nothing_left(&left, err);
    }
    if (status == OK) {
        status = wanted(path, "backup-key wants the name of the new key file", err);
    }
    if (status == OK) {
        status = backup_recipient_create(path, recipient, err);
    }
    if (status != OK) {
        return status;
    }
    (void)printf("recipient: %s\n", recipient);
    return flushed(err);
}

static void print_manifest(const struct manifest *manifest)
{
    (void)fputs("backup-of: ", stdout);
    print_time(stdout, manifest->created_ms);
    (void)printf("\nserver-id: %s\nschema: %" PRId64 "\nnewest-id: %" PRId64
                 "\nfiles: %zu\nkeys: %s\n",
                 manifest->server_id, manifest->schema, manifest->newest_id,
                 manifest->count, manifest->recipient[0] ? "sealed" : "none");
}

enum status command_verify_backup(int argc, char **argv, struct err *err)
{
    MANIFEST_AUTO manifest = {0};
    const char *folder = NULL;
    const char *key_path = NULL;
    const struct argument own[] = {{.name = "--key", .text = &key_path},
                                   {.text = &folder}};
    struct arguments left;
    enum status status = TAKE(argc, argv, own, &left, err);
    if (status == OK) {
        status = nothing_left(&left, err);
    }
    if (status == OK) {
        status = wanted(folder, "verify-backup wants the folder of a backup", err);
    }
    if (status == OK) {
        status = backup_verify(folder, key_path, &manifest, err);
    }
    if (status != OK) {
        return status;
    }
    print_manifest(&manifest);
    return flushed(err);
}

/* What an operator must know, and do. */
static void tell_restored(const struct manifest *manifest,
                          const struct restoration *restored)
{
    (void)fputs("musterd: restored as of ", stderr);
    print_time(stderr, manifest->created_ms);
    (void)fprintf(
        stderr,
        ". What was stored, revoked or changed since then is undone: %" PRId64
        " nodes, %" PRId64 " API tokens and %" PRId64
        " enrolment tokens are good (again). Start the server, run 'muster repo "
        "push --all', and repeat what you revoked; docs/OPERATIONS.md\n",
        restored->counts.nodes, restored->counts.api_tokens,
        restored->counts.enrollment_tokens);
    if (restored->admin_token[0]) {
        (void)fputs("musterd: the keys are new: all tokens of before are void, and nodes "
                    "take no new models until a root names the new timestamp key\n",
                    stderr);
    }
}

enum status command_restore(int argc, char **argv, struct err *err)
{
    CONFIG_AUTO config = {0};
    MANIFEST_AUTO manifest = {0};
    struct restoration restored = {0};
    struct restore_options options = {0};
    const struct argument own[] = {{.name = "--from", .text = &options.folder},
                                   {.name = "--key", .text = &options.key_path},
                                   {.name = "--new-keys", .flag = &options.new_keys}};
    struct arguments left;
    enum status status = TAKE(argc, argv, own, &left, err);
    if (status == OK) {
        status = wanted(options.folder, "restore wants --from FOLDER", err);
    }
    if (status == OK && options.key_path && options.new_keys) {
        status = err_set(err, ERR_USAGE, "restore wants --key or --new-keys, not both");
    }
    if (status == OK) {
        status = load(&config, &left, err);
    }
    if (status == OK) {
        options.data = config.data;
        options.timestamp_ms = config.timestamp_ms;
        status = backup_restore(&options, &manifest, &restored, err);
    }
    if (status != OK) {
        return status;
    }
    print_manifest(&manifest);
    if (restored.admin_token[0]) {
        (void)printf("timestamp-key: %s\nadmin-token: %s\n", restored.timestamp_key,
                     restored.admin_token);
    }
    tell_restored(&manifest, &restored);
    sodium_memzero(&restored, sizeof restored);
    return flushed(err);
}
