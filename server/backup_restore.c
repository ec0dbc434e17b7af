/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "server/backup.h"
#include "server/backup_files.h"
#include "server/backup_keys.h"
#include "server/store/store.h"

/* In the new data directory; everything is made ready there first. */
#define STAGING_NAME ".restoring"
#define POINTER_PATH "tuf/published.json"

/* What moves up from there when it is ready; the database last, as no server starts
 * without it. Its lock and shared memory are made again. */
static const char *const MOVED[] = {"keys", "tuf", STORE_FILE_NAME "-wal",
                                    STORE_FILE_NAME};
static const char *const DROPPED[] = {"muster.lock", STORE_FILE_NAME "-shm"};

struct restore {
    const struct restore_options *options;
    struct manifest manifest;
    char staging[PATH_MAX];
};

static enum status check_keys(const struct restore *restore, struct err *err)
{
    const char *recipient = restore->manifest.recipient;
    if (restore->options->new_keys || (restore->options->key_path && recipient[0])) {
        return OK;
    }
    return recipient[0]
               ? err_set(
                     err, ERR_BACKUP_KEYS,
                     "the keys are sealed to %.64s: give --key FILE, or --new-keys to "
                     "do without them",
                     recipient)
               : err_set(err, ERR_BACKUP_KEYS,
                         "there are no keys in the backup: --new-keys makes others");
}

/* With another key nobody can sign timestamps of what was published: it is pushed again.
 */
static bool is_left_out(const struct restore *restore, const char *path)
{
    return strcmp(path, BACKUP_KEYS_FILE_NAME) == 0 ||
           (restore->options->new_keys && strcmp(path, POINTER_PATH) == 0);
}

/* What was verified may read differently the second time. */
static enum status compare(const struct manifest_file *copied,
                           const struct manifest_file *listed, struct err *err)
{
    return copied->length == listed->length &&
                   memcmp(copied->sha256, listed->sha256, sizeof listed->sha256) == 0
               ? OK
               : err_set(err, ERR_BACKUP_DAMAGED,
                         "'%.200s' changed while it was restored", listed->path);
}

static enum status copy_files(const struct restore *restore, struct err *err)
{
    struct manifest_file copied;
    enum status status = file_mkdirs(restore->staging, 0700, err);
    for (size_t i = 0; status == OK && i < restore->manifest.count; i++) {
        const struct manifest_file *file = &restore->manifest.files[i];
        if (!is_left_out(restore, file->path)) {
            status = backup_file_copy(restore->options->folder, restore->staging,
                                      file->path, 0600, &copied, err);
            status = status == OK ? compare(&copied, file, err) : status;
        }
    }
    return status;
}

static enum status make_ready(const struct restore *restore,
                              struct restoration *ret_restoration, struct err *err)
{
    struct store_options store_options = store_options_default(restore->staging);
    struct service_options service_options = service_options_default();
    struct restoration_order order = {.backup_ms = restore->manifest.created_ms,
                                      .newest_id = restore->manifest.newest_id,
                                      .new_keys = restore->options->new_keys};
    struct store *store = NULL;
    enum status status = store_open(&store_options, &store, err);
    if (status != OK) {
        return status;
    }
    service_options.store = store;
    service_options.folder = restore->staging;
    service_options.timestamp_ms = restore->options->timestamp_ms;
    status = restoration_apply(&service_options, &order, ret_restoration, err);
    store_close(store);
    return status;
}

static enum status move_up(const struct restore *restore, const char *name,
                           struct err *err)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct stat st;
    enum status status = backup_path(restore->staging, name, from, err);
    if (status == OK) {
        status = backup_path(restore->options->data, name, to, err);
    }
    if (status != OK || lstat(from, &st) != 0) {
        return status; /* nothing was published, or there is no log file */
    }
    return file_rename(from, to, err);
}

static enum status finish(const struct restore *restore, struct err *err)
{
    char path[PATH_MAX];
    enum status status = backup_tree_sync(restore->staging, err);
    for (size_t i = 0; i < sizeof DROPPED / sizeof DROPPED[0]; i++) {
        if (backup_path(restore->staging, DROPPED[i], path, NULL) == OK) {
            (void)unlink(path);
        }
    }
    for (size_t i = 0; status == OK && i < sizeof MOVED / sizeof MOVED[0]; i++) {
        status = move_up(restore, MOVED[i], err);
    }
    return status == OK ? backup_tree_remove(restore->staging, true, err) : status;
}

static enum status restore_all(struct restore *restore,
                               struct restoration *ret_restoration, struct err *err)
{
    const struct restore_options *options = restore->options;
    enum status status = check_keys(restore, err);
    if (status == OK) {
        status = copy_files(restore, err);
    }
    if (status == OK && !options->new_keys) {
        status = backup_keys_open(options->folder, &restore->manifest, options->key_path,
                                  restore->staging, err);
    }
    if (status == OK) {
        status = make_ready(restore, ret_restoration, err);
    }
    return status == OK ? finish(restore, err) : status;
}

enum status backup_restore(const struct restore_options *options,
                           struct manifest *ret_manifest,
                           struct restoration *ret_restoration, struct err *err)
{
    struct restore restore = {.options = options};
    if (!backup_folder_empty(options->data)) {
        return err_set(err, ERR_EXISTS,
                       "'%s' is not an empty folder: restore into a new one",
                       options->data);
    }
    if (backup_lies_within(options->data, options->folder)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "'%s' lies within the backup: choose a place outside",
                       options->data);
    }
    enum status status = backup_path(options->data, STAGING_NAME, restore.staging, err);
    if (status == OK) {
        status = backup_verify(options->folder, NULL, &restore.manifest, err);
    }
    if (status == OK) {
        status = restore_all(&restore, ret_restoration, err);
        if (status != OK) {
            struct err ignored = {0};
            (void)(backup_tree_remove(restore.staging, true, &ignored) == OK);
        }
    }
    if (status == OK) {
        *ret_manifest = restore.manifest;
    } else {
        manifest_release(&restore.manifest);
    }
    return status;
}
