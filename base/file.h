/* SPDX-License-Identifier: Apache-2.0 */
/* file: whole files, read with a limit and written so that a crash leaves the old or the
 * new one.
 *
 * file_write_atomic writes a temporary file beside the target, fsyncs it, renames it and
 * fsyncs the folder. Names that start with ".tmp-" are such temporary files and may be
 * swept at start (file_sweep_temporary). All of it blocks. */
#ifndef MUSTER_BASE_FILE_H
#define MUSTER_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file to `ret_data`; the buffer's ceiling is the limit (ERR_LIMIT
 * beyond). ERR_NOT_FOUND when there is no such file, ERR_IO otherwise. Symbolic links are
 * followed. */
enum status file_read(const char *path, struct buf *ret_data, struct err *err) MUST_USE;

/* Replaces `path` with these bytes, durably, with `mode` (such as 0644 or 0600). */
enum status file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
                              struct err *err) MUST_USE;

/* Creates `path` durably; ERR_EXISTS when there is one already (for key files: O_EXCL).
 */
enum status file_create(const char *path, const void *data, size_t len, mode_t mode,
                        struct err *err) MUST_USE;

/* Renames `from` over `to` (same file system) and fsyncs the folder of `to`. */
enum status file_rename(const char *from, const char *to, struct err *err) MUST_USE;

/* Removes a file if it is there and fsyncs the folder. */
enum status file_remove(const char *path, struct err *err) MUST_USE;

/* Creates a folder and its parents where missing. */
enum status file_mkdirs(const char *path, mode_t mode, struct err *err) MUST_USE;

/* Removes the temporary files that a crash left in a folder (not below it). Those that
 * another process is writing with file_write_atomic are locked and stay. */
void file_sweep_temporary(const char *folder);

/* Gives the bytes of a file to `sink`, in pieces. */
typedef void file_sink(void *user, const void *data, size_t len);
enum status file_feed(const char *path, file_sink *sink, void *user,
                      struct err *err) MUST_USE;

/* SHA-256 (32 bytes) and size of a file, read in pieces. */
enum status file_sha256(const char *path, uint8_t ret_digest[static 32],
                        uint64_t *ret_size, struct err *err) MUST_USE;

/* Whether it exists as a regular file. */
bool file_exists(const char *path);

#endif
