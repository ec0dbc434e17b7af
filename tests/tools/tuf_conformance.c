/* SPDX-License-Identifier: Apache-2.0 */
/* muster-tuf-conformance: the client's updater behind the command line of the TUF
 * project's public conformance suite.
 *
 *   [--metadata-url U] --metadata-dir D init ROOT | refresh
 *   --metadata-url U --metadata-dir D --target-name P… --target-dir T --target-base-url B
 *                                                                      download
 *
 * "--patience-ms N": half of the time for a metadata file (10 s). Exit status 0 or 1,
 * never another. The metadata lie in D as root.json, timestamp.json and so on; all roots
 * below D/roots. Plain http; the clock is the system's, so that faketime works. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "edge/finder.h"
#include "tuf/target.h"

enum { NAMES_MAX = 64, ARTIFACT_BYTES = 64 * 1024 * 1024, PATIENCE_MS = 10000 };

struct options {
    const char *metadata_url, *metadata_dir, *target_dir, *target_base_url;
    const char *names[NAMES_MAX];
    size_t name_count;
    const char *command, *root;
    long patience_ms;
};

struct adapter {
    struct edge_env env;
    struct http metadata, targets;
    struct updater updater;
    struct finder finder;
};

static bool parse(int argc, char **argv, struct options *options)
{
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        const char *name = argv[at] + 2;
        const char *value = argv[at + 1];
        if (strcmp(name, "metadata-url") == 0) {
            options->metadata_url = value;
        } else if (strcmp(name, "metadata-dir") == 0) {
            options->metadata_dir = value;
        } else if (strcmp(name, "target-dir") == 0) {
            options->target_dir = value;
        } else if (strcmp(name, "target-base-url") == 0) {
            options->target_base_url = value;
        } else if (strcmp(name, "patience-ms") == 0) {
            options->patience_ms = strtol(value, NULL, 10);
        } else if (strcmp(name, "target-name") == 0 && options->name_count < NAMES_MAX) {
            options->names[options->name_count++] = value;
        } else {
            return false;
        }
    }
    options->command = at < argc ? argv[at++] : "";
    options->root = at < argc ? argv[at] : NULL;
    return options->metadata_dir != NULL;
}

/* ---- init ---- */

static enum status run_init(const struct options *options, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    BUF_AUTO root = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    TRUSTED_SET_AUTO set = {0};
    if (!options->root) {
        return err_set(err, ERR_USAGE, "init needs the path of a root");
    }
    enum status status = file_read(options->root, &root, err);
    if (status == OK) {
        status = trusted_set_init(&set, root.data ? root.data : "", root.len, 0, err);
    }
    if (status == OK) {
        status = file_mkdirs(options->metadata_dir, 0700, err);
    }
    if (status == OK) {
        status = env_join(options->metadata_dir, "root.json", path, err);
    }
    return status == OK ? file_write_atomic(path, root.data, root.len, 0600, err)
                        : status;
}

/* ---- refresh ---- */

static enum status open_adapter(const struct options *options, struct adapter *adapter,
                                struct err *err)
{
    char root[EDGE_PATH_BYTES];
    adapter->env = (struct edge_env){.connect_ms = options->patience_ms,
                                     .stall_ms = options->patience_ms};
    adapter->updater = (struct updater){
        .env = &adapter->env, .http = &adapter->metadata, .metadata_path = ""};
    adapter->finder.updater = &adapter->updater;
    enum status status =
        http_init(&adapter->metadata, &adapter->env, options->metadata_url, err);
    if (status == OK) {
        status = env_join(options->metadata_dir, "root.json", root, err);
    }
    return status == OK
               ? updater_open(&adapter->updater, options->metadata_dir, root, NULL, err)
               : status;
}

static void close_adapter(struct adapter *adapter)
{
    finder_release(&adapter->finder);
    updater_release(&adapter->updater);
    if (adapter->targets.multi) {
        http_release(&adapter->targets);
    }
    if (adapter->metadata.multi) {
        http_release(&adapter->metadata);
    }
}

static enum status refresh(struct adapter *adapter, struct err *err)
{
    bool done = false;
    enum status status = updater_begin(&adapter->updater, err);
    while (status == OK && !done) {
        http_pump(&adapter->metadata);
        if (!updater_ready(&adapter->updater)) {
            http_wait(&adapter->metadata, 100);
            continue;
        }
        status = updater_step(&adapter->updater, &done, err);
    }
    return status;
}

/* ---- download ---- */

static enum status find(struct adapter *adapter, const char *path,
                        const struct tuf_target **ret_target, struct err *err)
{
    bool done = false;
    const struct tuf_targets *lister = NULL;
    enum status status = finder_begin(&adapter->finder, path, err);
    while (status == OK && !done) {
        http_pump(&adapter->metadata);
        if (!finder_ready(&adapter->finder)) {
            http_wait(&adapter->metadata, 100);
            continue;
        }
        status = finder_step(&adapter->finder, &done, ret_target, &lister, err);
    }
    return status;
}

static enum status check_artifact(const struct tuf_target *target, const struct buf *data,
                                  struct err *err)
{
    if (data->len != (uint64_t)target->length) {
        return err_set(err, ERR_TUF_LENGTH,
                       "'%.80s': %" PRId64 " bytes expected, %zu found", target->path,
                       target->length, data->len);
    }
    return tuf_hashes_verify(&target->hashes, data->data ? data->data : "", data->len,
                             err);
}

static enum status fetch(struct adapter *adapter, const struct tuf_target *target,
                         struct buf *ret_data, struct err *err)
{
    struct http_call *call = NULL;
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX + 256);
    buf_addstr(&path, "/");
    enum status status = target_fetch_path(
        target, adapter->updater.current.root->consistent_snapshot, &path, err);
    if (status == OK && target->length > ARTIFACT_BYTES) {
        status = err_set(err, ERR_LIMIT, "'%.80s' is too large", target->path);
    }
    struct http_order order = {.path = path.data, .max_bytes = (size_t)target->length};
    if (status == OK) {
        status = http_call_start(&adapter->targets, &order, &call, err);
    }
    while (status == OK && !call->done) {
        http_pump(&adapter->targets);
        if (!call->done) {
            http_wait(&adapter->targets, 100);
        }
    }
    if (status == OK) {
        status = http_call_result(call, err);
    }
    if (status == OK && call->status != 200) {
        status = http_unexpected(call, target->path, err);
    }
    if (status == OK) {
        buf_add(ret_data, call->body.data, call->body.len);
        status = buf_status(ret_data, err);
    }
    http_call_free(call);
    return status;
}

/* The name of a target's file: its path with every '/' encoded, so that nothing leaves
 * the folder. */
static enum status artifact_path(const struct options *options, const char *name,
                                 char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    BUF_AUTO file = BUF_INIT(EDGE_PATH_BYTES);
    for (const char *at = name; *at; at++) {
        buf_addstr(&file, *at == '/' ? "%2F" : "");
        buf_add(&file, at, *at == '/' ? 0 : 1);
    }
    enum status status = buf_status(&file, err);
    return status == OK ? env_join(options->target_dir, file.data, ret_path, err)
                        : status;
}

/* A link is no file of ours, wherever it leads. */
static bool is_plain_file(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Without a request when the file is there already as it should be. */
static enum status download(struct adapter *adapter, const struct options *options,
                            const char *name, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    const struct tuf_target *target = NULL;
    enum status status = find(adapter, name, &target, err);
    if (status == OK) {
        status = artifact_path(options, name, path, err);
    }
    if (status != OK) {
        return status;
    }
    BUF_AUTO present = BUF_INIT(ARTIFACT_BYTES);
    if (is_plain_file(path) && file_read(path, &present, NULL) == OK &&
        check_artifact(target, &present, NULL) == OK) {
        return OK;
    }
    BUF_AUTO data = BUF_INIT(ARTIFACT_BYTES);
    status = fetch(adapter, target, &data, err);
    if (status == OK) {
        status = check_artifact(target, &data, err);
    }
    return status == OK
               ? file_write_atomic(path, data.data ? data.data : "", data.len, 0600, err)
               : status;
}

static enum status download_all(struct adapter *adapter, const struct options *options,
                                struct err *err)
{
    if (!options->target_dir || !options->target_base_url) {
        return err_set(err, ERR_USAGE, "--target-dir and --target-base-url are missing");
    }
    file_sweep_temporary(options->target_dir);
    enum status status =
        http_init(&adapter->targets, &adapter->env, options->target_base_url, err);
    for (size_t i = 0; status == OK && i < options->name_count; i++) {
        status = download(adapter, options, options->names[i], err);
    }
    return status;
}

static enum status run(const struct options *options, struct err *err)
{
    if (strcmp(options->command, "init") == 0) {
        return run_init(options, err);
    }
    bool downloads = strcmp(options->command, "download") == 0;
    if (!downloads && strcmp(options->command, "refresh") != 0) {
        return err_set(err, ERR_USAGE, "there is no command '%.40s'", options->command);
    }
    struct adapter adapter = {0};
    enum status status = open_adapter(options, &adapter, err);
    if (status == OK) {
        status = refresh(&adapter, err);
    }
    if (status == OK && downloads) {
        status = download_all(&adapter, options, err);
    }
    close_adapter(&adapter);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.patience_ms = PATIENCE_MS};
    struct err err = {0};
    enum status status =
        parse(argc, argv, &options)
            ? run(&options, &err)
            : err_set(&err, ERR_USAGE,
                      "usage: muster-tuf-conformance --metadata-dir D … init|refresh|"
                      "download");
    if (status != OK) {
        (void)fprintf(stderr, "muster-tuf-conformance: %s: %s\n", status_name(status),
                      err.detail);
    }
    return status == OK ? 0 : 1;
}
