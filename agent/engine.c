/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"

enum {
    RECORD_BYTES = 16 * 1024,
    SIZE_MS = 100, /* between two looks at how much a build has written */
    WAIT_MS = 1,
    ABANDONED_MS = 5000,
    PAUSE_MIN_MS = 60 * 1000,
    PAUSE_MAX_MS = 3600 * 1000,
    OPEN_FOLDERS = 16,
};

static const char SUFFIX[] = ".engine";

static enum status folder_of(const struct muster_client_model *model,
                             char ret_path[static ENGINE_PATH_BYTES], struct err *err)
{
    int len = snprintf(ret_path, ENGINE_PATH_BYTES, "%s%s", model->path, SUFFIX);
    return len < ENGINE_PATH_BYTES ? OK : err_set(err, ERR_LIMIT, "a path is too long");
}

static enum status path_in(const struct muster_client_model *model, const char *name,
                           char ret_path[static ENGINE_PATH_BYTES], struct err *err)
{
    int len = snprintf(ret_path, ENGINE_PATH_BYTES, "%s%s/%s", model->path, SUFFIX, name);
    return len < ENGINE_PATH_BYTES ? OK : err_set(err, ERR_LIMIT, "a path is too long");
}

/* Folders */

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_DNR) {
        return -1;
    }
    return kind == FTW_DP || kind == FTW_D ? rmdir(path) : unlink(path);
}

static bool remove_folder(const char *path)
{
    return nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0 ||
           errno == ENOENT;
}

static _Thread_local int64_t measured; /* nftw tells its callback nothing */

static int measure_entry(const char *path, const struct stat *st, int kind,
                         struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    measured += kind == FTW_F ? (int64_t)st->st_size : 0;
    return 0;
}

static int64_t folder_bytes(const char *path)
{
    measured = 0;
    (void)nftw(path, measure_entry, OPEN_FOLDERS, FTW_PHYS);
    return measured;
}

void engine_discard(const struct muster_client_model *model)
{
    char folder[ENGINE_PATH_BYTES];
    if (folder_of(model, folder, NULL) == OK) {
        (void)remove_folder(folder);
    }
}

/* `folder/name` is an engine whose artifact is not there. */
static bool is_orphan(const char *folder, const char *name,
                      char ret_path[static ENGINE_PATH_BYTES])
{
    size_t len = strlen(name), suffix = sizeof SUFFIX - 1;
    char artifact[ENGINE_PATH_BYTES];
    if (len != SHA256_HEX_BYTES - 1 + suffix ||
        strcmp(name + len - suffix, SUFFIX) != 0 ||
        snprintf(ret_path, ENGINE_PATH_BYTES, "%s/%s", folder, name) >=
            ENGINE_PATH_BYTES) {
        return false;
    }
    (void)snprintf(artifact, sizeof artifact, "%.*s", (int)(strlen(ret_path) - suffix),
                   ret_path);
    return !file_exists(artifact);
}

void engine_sweep(const struct muster_client_model *model)
{
    char folder[ENGINE_PATH_BYTES], path[ENGINE_PATH_BYTES];
    const char *slash = strrchr(model->path, '/');
    int len = slash ? (int)(slash - model->path) : 0;
    (void)snprintf(folder, sizeof folder, "%.*s", len, model->path);
    DIR *open = len > 0 && len < ENGINE_PATH_BYTES ? opendir(folder) : NULL;
    const struct dirent *item;
    while (open && (item = readdir(open)) != NULL) {
        if (is_orphan(folder, item->d_name, path)) {
            (void)remove_folder(path);
        }
    }
    if (open) {
        closedir(open);
    }
}

/* The record */

static bool is_file(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool read_record(const struct muster_client_model *model, const char *command,
                        struct engine *ret_engine)
{
    char path[ENGINE_PATH_BYTES], name[RUNNER_ENGINE_BYTES];
    BUF_AUTO text = BUF_INIT(RECORD_BYTES);
    if (path_in(model, "record.json", path, NULL) != OK ||
        file_read(path, &text, NULL) != OK || !text.data) {
        return false;
    }
    json_t *tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *made_by = json_string_value(json_object_get(tree, "command"));
    const char *sha256 = json_string_value(json_object_get(tree, "sha256"));
    bool ok = made_by && strcmp(made_by, command) == 0 && sha256 &&
              strlen(sha256) == SHA256_HEX_BYTES - 1 &&
              hex_decode(sha256, ret_engine->sha256, 32, NULL) == OK &&
              runner_engine_parse(text.data, text.len, name, NULL) == OK &&
              path_in(model, name, ret_engine->path, NULL) == OK;
    json_decref(tree);
    return ok;
}

/* The engine on disk, if it is what it was. */
static bool find(const struct muster_client_model *model, const char *command,
                 struct engine *ret_engine)
{
    struct engine engine = {0};
    uint8_t digest[32];
    uint64_t length = 0;
    if (!read_record(model, command, &engine) || !is_file(engine.path) ||
        file_sha256(engine.path, digest, &length, NULL) != OK) {
        return false;
    }
    if (memcmp(digest, engine.sha256, sizeof digest) != 0) {
        log_event(LOG_LEVEL_WARNING, "engine", log_text("damaged", engine.path));
        return false;
    }
    *ret_engine = engine;
    return true;
}

static enum status sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool synced = fd >= 0 && fsync(fd) == 0;
    enum status status = synced ? OK : err_set_errno(err, "could not sync '%s'", path);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* What was built is read-only and on disk before the record says that it is there. */
static enum status keep(const struct engine_builder *builder, const char *command,
                        const struct muster_client_model *model, struct err *err)
{
    char path[ENGINE_PATH_BYTES], hex[SHA256_HEX_BYTES];
    uint8_t digest[32];
    uint64_t length = 0;
    BUF_AUTO text = BUF_INIT(RECORD_BYTES);
    enum status status = path_in(model, builder->file, path, err);
    if (status == OK && (!is_file(path) || chmod(path, 0400) != 0)) {
        status =
            err_set(err, ERR_ENGINE_FAILED,
                    "'%s' expected in its folder, no such file found", builder->file);
    }
    if (status == OK) {
        status = sync_file(path, err);
    }
    if (status == OK) {
        status = file_sha256(path, digest, &length, err);
    }
    if (status != OK) {
        return status;
    }
    hex_encode(digest, sizeof digest, hex);
    buf_addf(&text, "{\"engine\":\"%s\",\"sha256\":\"%s\",\"command\":", builder->file,
             hex);
    buf_add_json(&text, command);
    buf_addstr(&text, "}\n");
    status = buf_status(&text, err);
    if (status == OK) {
        status = path_in(model, "record.json", path, err);
    }
    return status == OK ? file_write_atomic(path, text.data, text.len, 0600, err)
                        : status;
}

/* Building */

static enum status begin(struct engine_builder *builder, const struct engine_rules *rules,
                         const struct muster_client_model *model, struct err *err)
{
    char folder[ENGINE_PATH_BYTES];
    const char *const extra[] = {model->path, folder, NULL};
    enum status status = folder_of(model, folder, err);
    if (status == OK && (!remove_folder(folder) || mkdir(folder, 0700) != 0)) {
        status = err_set_errno(err, "could not make '%s'", folder);
    }
    if (status == OK) {
        status = process_start(&builder->process, rules->command, extra,
                               RUNNER_LINE_BYTES, err);
    }
    if (status != OK) {
        return status;
    }
    int64_t now_ms = clock_mono_ms();
    builder->building = true;
    builder->answered = builder->built = false;
    builder->deadline_ms = now_ms + rules->build_ms;
    builder->sized_ms = now_ms;
    log_event(LOG_LEVEL_INFO, "engine", log_text("building", model->artifact_hex));
    return OK;
}

/* OK: it has ended well; ERR_UNAVAILABLE: it goes on. */
static enum status step_process(struct engine_builder *builder, struct err *err)
{
    const char *line = NULL;
    size_t len = 0;
    int how = 0;
    if (!builder->answered) {
        enum status status =
            process_receive(&builder->process, WAIT_MS, &line, &len, err);
        if (status == OK) {
            status = runner_engine_parse(line, len, builder->file, err);
            builder->answered = status == OK;
        }
        return status == OK ? ERR_UNAVAILABLE : status;
    }
    if (!process_ended(&builder->process, &how)) {
        return ERR_UNAVAILABLE;
    }
    return WIFEXITED(how) && WEXITSTATUS(how) == 0
               ? OK
               : err_set(err, ERR_ENGINE_FAILED, "it ended with %s %d",
                         WIFSIGNALED(how) ? "signal" : "status",
                         WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
}

static enum status check_limits(struct engine_builder *builder,
                                const struct engine_rules *rules,
                                const struct muster_client_model *model, bool ended,
                                struct err *err)
{
    char folder[ENGINE_PATH_BYTES];
    int64_t now_ms = clock_mono_ms();
    if (now_ms >= builder->deadline_ms && !ended) {
        return err_set(err, ERR_ENGINE_FAILED, "it took longer than %lld s",
                       (long long)(rules->build_ms / 1000));
    }
    if (!ended && now_ms < builder->sized_ms + SIZE_MS) {
        return OK;
    }
    builder->sized_ms = now_ms;
    if (folder_of(model, folder, NULL) == OK && folder_bytes(folder) > rules->bytes) {
        return err_set(err, ERR_ENGINE_FAILED, "it wrote more than %lld bytes",
                       (long long)rules->bytes);
    }
    return OK;
}

static enum status step(struct engine_builder *builder, const struct engine_rules *rules,
                        const struct muster_client_model *model, struct err *err)
{
    enum status status = step_process(builder, err);
    if (status != OK && status != ERR_UNAVAILABLE) {
        return status;
    }
    enum status limits = check_limits(builder, rules, model, status == OK, err);
    if (limits != OK) {
        return limits;
    }
    return status == OK ? keep(builder, rules->command, model, err) : status;
}

/* Its own word decides nothing but a refusal; all else may go well another time. */
static enum status failed(struct engine_builder *builder,
                          const struct muster_client_model *model,
                          const struct err *cause)
{
    enum status status =
        cause->status == ERR_ENGINE_REFUSED ? ERR_ENGINE_REFUSED : ERR_ENGINE_FAILED;
    engine_stop(builder, NULL);
    engine_discard(model);
    err_clear(&builder->why);
    (void)err_set(&builder->why, status, "%s", cause->detail);
    builder->pause_ms = builder->pause_ms == 0 ? PAUSE_MIN_MS : 2 * builder->pause_ms;
    builder->pause_ms =
        builder->pause_ms < PAUSE_MAX_MS ? builder->pause_ms : PAUSE_MAX_MS;
    builder->resume_ms = clock_mono_ms() + builder->pause_ms;
    log_event(LOG_LEVEL_WARNING, "engine_failed", log_text("code", status_name(status)),
              log_text("reason", cause->detail), log_int("next_ms", builder->pause_ms));
    return status;
}

static enum status build(struct engine_builder *builder, const struct engine_rules *rules,
                         const struct muster_client_model *model, struct err *cause)
{
    enum status status = OK;
    if (!builder->building) {
        status = begin(builder, rules, model, cause);
    }
    return status == OK ? step(builder, rules, model, cause) : status;
}

/* Whether the builder is about this model, or is now. */
static bool turn_to(struct engine_builder *builder,
                    const struct muster_client_model *model)
{
    int64_t now_ms = clock_mono_ms();
    bool same = memcmp(builder->artifact, model->artifact, 32) == 0;
    if (!same && builder->building && now_ms < builder->asked_ms + ABANDONED_MS) {
        return false;
    }
    if (!same) {
        engine_stop(builder, NULL);
        memcpy(builder->artifact, model->artifact, sizeof builder->artifact);
        builder->pause_ms = builder->resume_ms = 0;
        builder->built = false;
    }
    builder->asked_ms = now_ms;
    return true;
}

enum status engine_obtain(struct engine_builder *builder,
                          const struct engine_rules *rules,
                          const struct muster_client_model *model,
                          struct engine *ret_engine, struct err *err)
{
    struct err cause = {0};
    bool ours = builder->building && memcmp(builder->artifact, model->artifact, 32) == 0;
    if (!ours && find(model, rules->command, ret_engine)) {
        ret_engine->fresh =
            builder->built && memcmp(builder->artifact, model->artifact, 32) == 0;
        return OK;
    }
    if (!turn_to(builder, model)) {
        return ERR_UNAVAILABLE;
    }
    if (!builder->building && clock_mono_ms() < builder->resume_ms) {
        return err_set(err, builder->why.status, "%s", builder->why.detail);
    }
    enum status status = build(builder, rules, model, &cause);
    if (status == ERR_UNAVAILABLE) {
        return status;
    }
    if (status != OK) {
        status = failed(builder, model, &cause);
        return err_set(err, status, "%s", cause.detail);
    }
    engine_stop(builder, NULL);
    builder->built = true;
    log_event(LOG_LEVEL_INFO, "engine", log_text("built", model->artifact_hex));
    builder->pause_ms = 0;
    return ERR_UNAVAILABLE; /* it is found the next time */
}

void engine_stop(struct engine_builder *builder, const struct muster_client_model *model)
{
    if (builder->building &&
        (!model || memcmp(builder->artifact, model->artifact, 32) == 0)) {
        process_kill(&builder->process);
        builder->building = false;
    }
}
