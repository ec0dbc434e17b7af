/* SPDX-License-Identifier: Apache-2.0 */
/* backup_files: the files of a backup: copied with their digest, walked, synced, removed.
 *
 * `folder` is the root of a tree, `path` a file below it. Symbolic links are neither
 * followed nor copied. Everything blocks. */
#ifndef MUSTER_SERVER_BACKUP_FILES_H
#define MUSTER_SERVER_BACKUP_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/backup_manifest.h"

/* Copies `from`/path to `to`/path with its folders, syncs it and tells length and digest.
 * ERR_NOT_FOUND, ERR_IO, ERR_DISK_FULL; ERR_EXISTS when there is one. */
enum status backup_file_copy(const char *from, const char *to, const char *path,
                             mode_t mode, struct manifest_file *ret_file,
                             struct err *err) MUST_USE;

/* Makes `to`/path another name of `from`/path; false where that does not work. */
bool backup_file_link(const char *from, const char *to, const char *path);

/* Length and digest of folder/path. */
enum status backup_file_digest(const char *folder, const char *path,
                               struct manifest_file *ret_file, struct err *err) MUST_USE;

/* Calls `each` with every regular file of folder/path (relative to `folder`, sorted)
 * but those whose name begins with a dot. A missing folder has none. */
enum status backup_tree_walk(const char *folder, const char *path,
                             enum status (*each)(void *context, const char *path,
                                                 struct err *err),
                             void *context, struct err *err) MUST_USE;

/* Syncs every folder of the tree, lowest first. */
enum status backup_tree_sync(const char *folder, struct err *err) MUST_USE;

/* Removes the tree's files and folders, and the folder too if `root`. */
enum status backup_tree_remove(const char *folder, bool root, struct err *err) MUST_USE;

/* Whether there is nothing in the folder, or no folder. */
bool backup_folder_empty(const char *folder);

/* Whether `path`, which need not exist, lies within `folder` or is it. */
bool backup_lies_within(const char *path, const char *folder);

/* "<folder>/<path>". ERR_LIMIT. */
enum status backup_path(const char *folder, const char *path, char *ret_path,
                        struct err *err) MUST_USE;

#endif
