/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "server/backup.h"
#include "server/backup_files.h"
#include "server/backup_keys.h"
#include "server/service/publication_check.h"
#include "server/store/examine.h"
#include "server/store/store.h"

static enum status check_file(const char *folder, const struct manifest_file *listed,
                              struct err *err)
{
    struct manifest_file found = {0};
    struct err reason = {0};
    enum status status = backup_file_digest(folder, listed->path, &found, &reason);
    if (status == ERR_NOT_FOUND) {
        return err_set(err, ERR_BACKUP_DAMAGED, "'%s' is missing", listed->path);
    }
    if (status != OK) {
        return err_set(err, status, "%s", reason.detail);
    }
    if (found.length != listed->length ||
        memcmp(found.sha256, listed->sha256, sizeof found.sha256) != 0) {
        return err_set(err, ERR_BACKUP_DAMAGED,
                       "'%s' is damaged: its %llu bytes have not the length %llu and the "
                       "SHA-256 of the manifest; use another backup",
                       listed->path, (unsigned long long)found.length,
                       (unsigned long long)listed->length);
    }
    return OK;
}

static enum status artifact_there(void *context, const char *sha256, struct err *err)
{
    char path[MANIFEST_PATH_BYTES];
    (void)snprintf(path, sizeof path, "tuf/targets/%.2s/%.64s", sha256, sha256);
    return manifest_find(context, path)
               ? OK
               : err_set(err, ERR_BACKUP_DAMAGED,
                         "the artifact %.64s is listed but not in the backup", sha256);
}

static enum status target_there(void *context, const char *sha256, uint64_t length,
                                struct err *err)
{
    (void)length; /* the digest is the signed one */
    return artifact_there(context, sha256, err);
}

static enum status check_database(const char *folder, const struct manifest *manifest,
                                  struct err *err)
{
    char path[PATH_MAX];
    struct database_facts facts = {0};
    if (!manifest_find(manifest, STORE_FILE_NAME)) {
        return err_set(err, ERR_BACKUP_DAMAGED, "the manifest lists no database");
    }
    enum status status = backup_path(folder, STORE_FILE_NAME, path, err);
    if (status == OK) {
        status = examine_check(path, err);
    }
    if (status == OK) {
        status = examine_facts(path, &facts, err);
    }
    if (status == OK &&
        (strcmp(facts.server_id, manifest->server_id) != 0 ||
         facts.newest_id != manifest->newest_id || facts.schema != manifest->schema)) {
        status = err_set(err, ERR_BACKUP_DAMAGED,
                         "the database is not the one of the manifest");
    }
    return status == OK ? examine_artifacts(path, artifact_there, (void *)manifest, err)
                        : status;
}

enum status backup_verify(const char *folder, const char *key_path,
                          struct manifest *ret_manifest, struct err *err)
{
    MANIFEST_AUTO manifest = {0};
    enum status status = manifest_read(folder, &manifest, err);
    for (size_t i = 0; status == OK && i < manifest.count; i++) {
        status = check_file(folder, &manifest.files[i], err);
    }
    if (status == OK) {
        status = check_database(folder, &manifest, err);
    }
    if (status == OK) {
        status = publication_check(folder, target_there, &manifest, err);
    }
    if (status == OK && key_path) {
        status = manifest.recipient[0]
                     ? backup_keys_open(folder, &manifest, key_path, NULL, err)
                     : err_set(err, ERR_BACKUP_KEYS,
                               "the backup has no keys: it was made without --recipient");
    }
    if (status == OK) {
        *ret_manifest = manifest;
        manifest = (struct manifest){0};
    }
    return status;
}
