/* SPDX-License-Identifier: Apache-2.0 */
/* keychain: the sealed keys at hand: the repository's keys/ and files named beside it.
 *
 * What a key is stands in its header and needs no passphrase; the secret is opened when
 * it is used first, all with the same passphrase, and wiped at the end. A key that
 * another passphrase seals is left out and remembered as `refused`. Blocks, about a
 * second for each key that is opened. */
#ifndef MUSTER_REPO_KEYCHAIN_H
#define MUSTER_REPO_KEYCHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "repo/keyfile.h"

enum { KEYCHAIN_MAX = 64 };

struct keychain_key {
    char *path; /* owned */
    struct sealed_key_info info;
    struct signing_key key;
    bool opened;
    bool refused; /* the passphrase did not open it */
};

struct keychain {
    struct keychain_key *keys[KEYCHAIN_MAX]; /* named files first, then by label */
    size_t count;
};

#define KEYCHAIN_AUTO __attribute__((cleanup(keychain_release))) struct keychain

/* Adds one file, or every FOLDER/keys/<label>.key (none when there is no such folder). */
enum status keychain_add_file(struct keychain *keychain, const char *path,
                              struct err *err) MUST_USE;
enum status keychain_add_folder(struct keychain *keychain, const char *folder,
                                struct err *err) MUST_USE;

/* Wipes and frees. */
void keychain_release(struct keychain *keychain);

/* The key of that id, or of that label, or NULL. */
struct keychain_key *keychain_find(const struct keychain *keychain, const char *keyid);
struct keychain_key *keychain_label(const struct keychain *keychain, const char *label);

/* Opens it unless it is open. ERR_KEY_PASSPHRASE sets `refused`. */
enum status keychain_open(struct keychain_key *key, const char *passphrase,
                          struct err *err) MUST_USE;

#endif
