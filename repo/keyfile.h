/* SPDX-License-Identifier: Apache-2.0 */
/* keyfile: sealed keys (tuf/sealed_key.h) in files of mode 0600 that are never
 * overwritten. Blocks, opening for about a second. */
#ifndef MUSTER_REPO_KEYFILE_H
#define MUSTER_REPO_KEYFILE_H

#include <jansson.h>

#include "base/err.h"
#include "tuf/sealed_key.h"

/* Seals `key` into a new file. ERR_EXISTS when there is one, ERR_KEY_PASSPHRASE for an
 * empty passphrase. */
enum status keyfile_create(const char *path, const char *label,
                           const struct signing_key *key, const char *passphrase,
                           const struct key_cost *cost, struct err *err) MUST_USE;

/* Opens a file: ERR_KEY_PASSPHRASE, ERR_KEY_FORMAT. Wipe the key after use. */
enum status keyfile_open(const char *path, const char *passphrase,
                         struct signing_key *ret_key, struct err *err) MUST_USE;

/* Reads the public part. */
enum status keyfile_describe(const char *path, struct sealed_key_info *ret_info,
                             struct err *err) MUST_USE;

/* Reads a public key: 64 hex digits, or the name of a file with any form that
 * tuf/public_key.h understands. The caller owns the object. */
enum status keyfile_public(const char *text, json_t **ret_object,
                           char ret_keyid[static KEY_ID_BYTES], struct err *err) MUST_USE;

#endif
