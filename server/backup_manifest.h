/* SPDX-License-Identifier: Apache-2.0 */
/* backup_manifest: what is in a backup, as its file MANIFEST.json tells.
 *
 *   {"format":1,"created_ms":…,"server_id":"<32 hex>","schema":3,"newest_id":…,
 *    "recipient":"<64 hex>"|null,
 *    "files":[{"path":"muster.db","length":…,"sha256":"<64 hex>"},…]}
 *
 * Digests find damage, not malice: whoever can write to a backup can write a manifest for
 * it. Paths are relative and stay below the backup's folder; a manifest with any other is
 * refused whole. Caller-owned, one thread. */
#ifndef MUSTER_SERVER_BACKUP_MANIFEST_H
#define MUSTER_SERVER_BACKUP_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

#define MANIFEST_FILE_NAME "MANIFEST.json"

enum { MANIFEST_FORMAT = 1, MANIFEST_PATH_BYTES = 160 };

struct manifest_file {
    char path[MANIFEST_PATH_BYTES];
    uint64_t length;
    uint8_t sha256[SHA256_BYTES];
};

struct manifest {
    int64_t created_ms; /* the backup's start: it has all that was acknowledged before */
    int64_t schema;     /* newest migration of the database */
    int64_t newest_id;  /* of a prediction */
    char server_id[33];
    char recipient[65]; /* whom the keys are sealed to; "": there are none */
    struct manifest_file *files;
    size_t count, capacity;
};

#define MANIFEST_AUTO __attribute__((cleanup(manifest_release))) struct manifest

void manifest_release(struct manifest *manifest);

/* Adds a file. ERR_NO_MEMORY, ERR_LIMIT for a path that is too long. */
enum status manifest_add(struct manifest *manifest, const struct manifest_file *file,
                         struct err *err) MUST_USE;

/* The entry of a path, or NULL. */
const struct manifest_file *manifest_find(const struct manifest *manifest,
                                          const char *path);

/* Writes the file durably into `folder`; reads it from there (into a zeroed manifest).
 * ERR_NOT_FOUND, ERR_BACKUP_DAMAGED, ERR_UNSUPPORTED for a newer format. */
enum status manifest_write(const struct manifest *manifest, const char *folder,
                           struct err *err) MUST_USE;
enum status manifest_read(const char *folder, struct manifest *ret_manifest,
                          struct err *err) MUST_USE;

#endif
