/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/backup_files.h"
#include "server/backup_keys.h"
#include "server/store/copy.h"
#include "server/store/examine.h"
#include "server/store/store.h"

#define TARGETS_PREFIX "tuf/targets/"

struct backup {
    const struct backup_options *options;
    struct manifest manifest;
    struct backup_result result;
    char folder[PATH_MAX - sizeof ".partial"]; /* the new backup, no '/' at its end */
    char partial[PATH_MAX];
    int fd; /* of `partial`, locked */
};

static void backup_close(struct backup *backup)
{
    manifest_release(&backup->manifest);
    if (backup->fd >= 0) {
        (void)close(backup->fd);
    }
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static enum status find_place(struct backup *backup, struct err *err)
{
    const char *wanted = backup->options->folder;
    size_t len = strlen(wanted);
    while (len > 1 && wanted[len - 1] == '/') {
        len--;
    }
    if (len == 0 || len >= sizeof backup->folder) {
        return err_set(err, ERR_LIMIT, "'%.200s' cannot be the path of a backup", wanted);
    }
    memcpy(backup->folder, wanted, len);
    if (exists(backup->folder)) {
        return err_set(err, ERR_EXISTS, "'%s' exists already", backup->folder);
    }
    if (backup->options->previous && !exists(backup->options->previous)) {
        return err_set(err, ERR_NOT_FOUND, "there is no earlier backup '%.200s'",
                       backup->options->previous);
    }
    if (backup_lies_within(backup->folder, backup->options->data)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "'%s' lies within the data directory: the next backup would have "
                       "it too; choose a place outside",
                       backup->folder);
    }
    return OK;
}

/* What an interrupted backup left under the partial name is removed; one that is being
 * written is locked. */
static enum status open_partial(struct backup *backup, struct err *err)
{
    int len =
        snprintf(backup->partial, sizeof backup->partial, "%s.partial", backup->folder);
    if (len < 0 || len >= (int)sizeof backup->partial) {
        return err_set(err, ERR_LIMIT, "the path of the backup is too long");
    }
    enum status status = file_mkdirs(backup->partial, 0700, err);
    if (status != OK) {
        return status;
    }
    backup->fd = open(backup->partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (backup->fd < 0) {
        return err_set_errno(err, "could not open '%s'", backup->partial);
    }
    if (flock(backup->fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_BUSY, "another backup is writing '%s'", backup->partial);
    }
    return backup_tree_remove(backup->partial, false, err);
}

static enum status note(struct backup *backup, const struct manifest_file *file,
                        struct err *err)
{
    backup->result.bytes += file->length;
    backup->result.files++;
    return manifest_add(&backup->manifest, file, err);
}

static enum status sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = fd >= 0 ? fsync(fd) : -1;
    enum status status = code == 0 ? OK : err_set_errno(err, "could not sync '%s'", path);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static enum status copy_database(struct backup *backup, struct err *err)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct database_facts facts = {0};
    struct copy_result copied = {0};
    struct manifest_file file = {0};
    enum status status = backup_path(backup->options->data, STORE_FILE_NAME, source, err);
    if (status == OK) {
        status = backup_path(backup->partial, STORE_FILE_NAME, target, err);
    }
    if (status == OK && !file_exists(source)) {
        return err_set(err, ERR_NOT_FOUND, "there is no database in '%s'",
                       backup->options->data);
    }
    struct copy_options copy = {.source = source,
                                .target = target,
                                .progress = backup->options->progress,
                                .context = backup->options->context};
    if (status == OK) {
        status = copy_make(&copy, &copied, err);
    }
    if (status == OK && chmod(target, 0600) != 0) {
        status = err_set_errno(err, "could not chmod '%s'", target);
    }
    if (status == OK) {
        status = sync_file(target, err);
    }
    if (status == OK) {
        status = examine_facts(target, &facts, err);
    }
    if (status == OK) {
        status = backup_file_digest(backup->partial, STORE_FILE_NAME, &file, err);
    }
    if (status != OK) {
        return status;
    }
    backup->result.rows = copied.rows;
    backup->result.pinned_us = copied.pinned_us;
    backup->manifest.schema = facts.schema;
    backup->manifest.newest_id = facts.newest_id;
    memcpy(backup->manifest.server_id, facts.server_id, sizeof facts.server_id);
    return note(backup, &file, err);
}

/* A file of tuf/targets is named by its digest. */
static bool named_wrong(const struct manifest_file *file)
{
    char sha256[SHA256_HEX_BYTES];
    hex_encode(file->sha256, sizeof file->sha256, sha256);
    return strncmp(file->path, TARGETS_PREFIX, strlen(TARGETS_PREFIX)) == 0 &&
           strcmp(strrchr(file->path, '/') + 1, sha256) != 0;
}

/* Shares an artifact with the backup before, if that one is whole. */
static bool share_previous(struct backup *backup, const char *path,
                           struct manifest_file *ret_file)
{
    char whole[PATH_MAX];
    const char *previous = backup->options->previous;
    if (!previous || strncmp(path, TARGETS_PREFIX, strlen(TARGETS_PREFIX)) != 0 ||
        !backup_file_link(previous, backup->partial, path)) {
        return false;
    }
    if (backup_file_digest(backup->partial, path, ret_file, NULL) == OK &&
        !named_wrong(ret_file)) {
        backup->result.linked_bytes += ret_file->length;
        return true;
    }
    if (backup_path(backup->partial, path, whole, NULL) == OK) {
        (void)unlink(whole);
    }
    return false;
}

static enum status drop_damaged(struct backup *backup, const struct manifest_file *file,
                                struct err *err)
{
    char whole[PATH_MAX];
    log_event(LOG_LEVEL_ERROR, "artifact_corrupt", log_text("path", file->path));
    backup->result.damaged++;
    enum status status = backup_path(backup->partial, file->path, whole, err);
    return status == OK ? file_remove(whole, err) : status;
}

static enum status add_file(void *context, const char *path, struct err *err)
{
    struct backup *backup = context;
    struct manifest_file file = {0};
    if (strlen(path) >= sizeof file.path || manifest_find(&backup->manifest, path)) {
        return OK; /* published.json, which came first */
    }
    if (share_previous(backup, path, &file)) {
        return note(backup, &file, err);
    }
    file = (struct manifest_file){0};
    enum status status =
        backup_file_copy(backup->options->data, backup->partial, path, 0600, &file, err);
    if (status != OK) {
        return status;
    }
    return named_wrong(&file) ? drop_damaged(backup, &file, err)
                              : note(backup, &file, err);
}

/* published.json goes first: all that it names was written before it. */
static enum status copy_repository(struct backup *backup, struct err *err)
{
    struct err absent = {0};
    enum status status = add_file(backup, "tuf/published.json", &absent);
    if (status != OK && status != ERR_NOT_FOUND) {
        return err_set(err, status, "%s", absent.detail);
    }
    return backup_tree_walk(backup->options->data, "tuf", add_file, backup, err);
}

static enum status add_keys(struct backup *backup, struct err *err)
{
    struct manifest_file file = {0};
    const char *recipient = backup->options->recipient;
    if (!recipient) {
        return OK;
    }
    (void)snprintf(backup->manifest.recipient, sizeof backup->manifest.recipient, "%s",
                   recipient);
    enum status status = backup_keys_seal(backup->options->data, backup->partial,
                                          &backup->manifest, &file, err);
    return status == OK ? note(backup, &file, err) : status;
}

static enum status check_recipient(const char *recipient, struct err *err)
{
    uint8_t key[32];
    return !recipient || hex_decode(recipient, key, sizeof key, NULL) == OK
               ? OK
               : err_set(err, ERR_USAGE,
                         "--recipient wants the 64 hex digits that musterd backup-key "
                         "prints");
}

static enum status fill(struct backup *backup, struct err *err)
{
    enum status status = copy_database(backup, err);
    if (status == OK) {
        status = copy_repository(backup, err);
    }
    if (status == OK) {
        status = add_keys(backup, err);
    }
    if (status == OK) {
        status = manifest_write(&backup->manifest, backup->partial, err);
    }
    if (status == OK) {
        status = backup_tree_sync(backup->partial, err);
    }
    if (status == OK && exists(backup->folder)) {
        status = err_set(err, ERR_EXISTS, "'%s' exists already", backup->folder);
    }
    return status == OK ? file_rename(backup->partial, backup->folder, err) : status;
}

enum status backup_make(const struct backup_options *options,
                        struct backup_result *ret_result, struct err *err)
{
    __attribute__((cleanup(backup_close))) struct backup backup = {
        .options = options, .manifest = {.created_ms = clock_wall_ms()}, .fd = -1};
    enum status status = check_recipient(options->recipient, err);
    if (status == OK) {
        status = find_place(&backup, err);
    }
    if (status == OK) {
        status = open_partial(&backup, err);
    }
    if (status != OK) {
        return status;
    }
    status = fill(&backup, err);
    if (status != OK) {
        struct err ignored = {0};
        (void)(backup_tree_remove(backup.partial, true, &ignored) == OK);
        return status;
    }
    *ret_result = backup.result;
    return OK;
}
