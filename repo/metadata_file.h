/* SPDX-License-Identifier: Apache-2.0 */
/* metadata_file: the metadata files of a repository folder, by role and version.
 *
 *   DIR/metadata/<version>.<role>.json     every version that was ever published
 *   DIR/staged/<role>.json                 what still lacks signatures
 *
 * A role is named by its text: "root", "targets", "snapshot" or a delegated role, whose
 * name is percent-encoded in the file's name. All of it blocks. */
#ifndef MUSTER_REPO_METADATA_FILE_H
#define MUSTER_REPO_METADATA_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/metadata.h"

enum { REPO_PATH_BYTES = 4096, REPO_FILE_MODE = 0644, REPO_FOLDER_MODE = 0755 };

/* Appends "<folder>/<formatted>"; what is formatted may have 1,023 bytes. */
enum status folder_path(struct buf *ret_path, const char *folder, struct err *err,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5))) MUST_USE;

/* The most that a client accepts of a role's file. */
size_t metadata_file_limit(const char *role);

/* Whether a role is root, timestamp, snapshot or targets, and which. */
bool metadata_role(const char *role, enum tuf_role *ret_role);

/* Appends the file of a role at a version: ERR_NOT_FOUND, ERR_LIMIT. */
enum status metadata_file_read(const char *folder, const char *role, int64_t version,
                               struct buf *ret_bytes, struct err *err) MUST_USE;

/* Writes it; replaces what a crash may have left under that version. */
enum status metadata_file_write(const char *folder, const char *role, int64_t version,
                                const struct buf *bytes, struct err *err) MUST_USE;

/* Appends the name of a role's staged file. */
enum status staged_path(const char *folder, const char *role, struct buf *ret_path,
                        struct err *err) MUST_USE;

#endif
