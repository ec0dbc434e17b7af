/* SPDX-License-Identifier: Apache-2.0 */
/* target_file: bytes into targets/ and their entry into a targets body; and back. */
#ifndef MUSTER_REPO_TARGET_FILE_H
#define MUSTER_REPO_TARGET_FILE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "repo/repository.h"

/* Writes the bytes where they will be served from and lists them in `body` under `path`,
 * `custom` as its custom.muster. Blocks. */
enum status target_file_add(const struct repository *repository, json_t *body,
                            const char *path, const struct buf *data, json_t *custom,
                            struct err *err) MUST_USE;

/* Appends the bytes of a listed target. ERR_NOT_FOUND when the file is not there,
 * ERR_TUF_LENGTH or ERR_TUF_HASH when it is not what was listed. */
enum status target_file_read(const struct repository *repository,
                             const struct tuf_target *target, struct buf *ret_data,
                             struct err *err) MUST_USE;

#endif
