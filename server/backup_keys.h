/* SPDX-License-Identifier: Apache-2.0 */
/* backup_keys: the server's keys in a backup, sealed to a recipient.
 *
 * The recipient is an X25519 key pair. Its secret half is a file of 64 hex digits and a
 * line feed, which stays away from the server; its public half, 64 hex digits, is all
 * that a backup needs. keys.sealed is libsodium's sealed box of a JSON object that has
 * the text of every file of keys/ by its name, and the server's id. */
#ifndef MUSTER_SERVER_BACKUP_KEYS_H
#define MUSTER_SERVER_BACKUP_KEYS_H

#include "server/backup_manifest.h"

#define BACKUP_KEYS_FILE_NAME "keys.sealed"

enum { BACKUP_RECIPIENT_BYTES = 65 };

/* Makes a key pair: the file (0600) and the public half. ERR_EXISTS. */
enum status backup_recipient_create(const char *path,
                                    char ret_recipient[static BACKUP_RECIPIENT_BYTES],
                                    struct err *err) MUST_USE;

/* Seals the files of <data>/keys into folder/keys.sealed. ERR_USAGE for a recipient that
 * is no public key. */
enum status backup_keys_seal(const char *data, const char *folder,
                             const struct manifest *manifest,
                             struct manifest_file *ret_file, struct err *err) MUST_USE;

/* Opens folder/keys.sealed with the secret key in `key_path`; writes <data>/keys unless
 * `data` is NULL. ERR_BACKUP_KEYS. */
enum status backup_keys_open(const char *folder, const struct manifest *manifest,
                             const char *key_path, const char *data,
                             struct err *err) MUST_USE;

#endif
