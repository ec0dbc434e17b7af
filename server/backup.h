/* SPDX-License-Identifier: Apache-2.0 */
/* backup: a whole server in a folder, made while it runs, verified, and restored.
 *
 *   MANIFEST.json   what is here, with length and SHA-256 (backup_manifest.h)
 *   muster.db       the database (store/copy.h)
 *   tuf/            the published repository, as in the data directory
 *   keys.sealed     keys/, sealed to a recipient (backup_keys.h); without one left out
 *
 * It has everything that was acknowledged before it began. It is written as
 * FOLDER.partial, synced and renamed: what has its final name is complete. Files of tuf/
 * come after the database, so that nothing is missing that the database names; they are
 * never changed once they are written, so an equal one of an earlier backup becomes
 * another name of the same file. Everything blocks. */
#ifndef MUSTER_SERVER_BACKUP_H
#define MUSTER_SERVER_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/backup_manifest.h"
#include "server/service/restoration.h"

struct backup_options {
    const char *data;      /* the data directory */
    const char *folder;    /* the new backup; must not exist */
    const char *previous;  /* an earlier one on the same disk, or NULL */
    const char *recipient; /* whom to seal the keys to, 64 hex digits, or NULL */
    /* Called now and then with the rows copied so far; optional. */
    void (*progress)(void *context, int64_t rows);
    void *context;
};

struct backup_result {
    uint64_t bytes, linked_bytes; /* of all files; of those shared with `previous` */
    int64_t files, rows, pinned_us;
    int64_t damaged; /* artifact files that were left out, with a line in the log each */
};

/* ERR_EXISTS, ERR_BUSY when another backup writes to the same name, ERR_NOT_FOUND,
 * ERR_DISK_FULL. A failure leaves no FOLDER. */
enum status backup_make(const struct backup_options *options,
                        struct backup_result *ret_result, struct err *err) MUST_USE;

/* Reads all of it: every digest, the database (store/examine.h), the signed repository
 * and every artifact that either of them lists. With `key_path` (may be NULL) the keys
 * are opened too. ERR_BACKUP_DAMAGED, ERR_DB_CORRUPT, ERR_DB_NEWER, ERR_TUF_*,
 * ERR_BACKUP_KEYS. The caller releases the manifest. */
enum status backup_verify(const char *folder, const char *key_path,
                          struct manifest *ret_manifest, struct err *err) MUST_USE;

struct restore_options {
    const char *folder;   /* the backup */
    const char *data;     /* the new data directory: missing or empty */
    const char *key_path; /* the recipient's secret key, or NULL */
    bool new_keys;        /* do without the old keys */
    int64_t timestamp_ms; /* life of a TUF timestamp */
};

/* Verifies, copies, makes it ready (service/restoration.h). The database gets its name
 * last, so no server starts on half a restore. ERR_EXISTS when there is something in
 * `data`, ERR_BACKUP_KEYS without the means to have keys, errors of backup_verify. */
enum status backup_restore(const struct restore_options *options,
                           struct manifest *ret_manifest,
                           struct restoration *ret_restoration, struct err *err) MUST_USE;

#endif
