/* SPDX-License-Identifier: Apache-2.0 */
/* creation: a new repository: its folders, its keys and version 1 of its metadata.
 *
 * repo.json is written last: a folder without it is no repository. Blocks; sealing the
 * keys takes seconds. */
#ifndef MUSTER_REPO_CREATION_H
#define MUSTER_REPO_CREATION_H

#include <stdint.h>

#include "base/err.h"
#include "repo/keyfile.h"

/* What a new repository is made from. */
struct repository_order {
    uint8_t timestamp_public[ED25519_PUBLIC_BYTES]; /* the server's key */
    const char *passphrase;                         /* seals all key files */
    struct key_cost cost;
    int64_t now_ms;
    int64_t life_ms; /* of root, targets and snapshot */
};

/* Makes a new repository with version 1 of root, targets and snapshot. ERR_EXISTS when
 * the folder holds one; a folder left by a crash in here must be removed by hand. */
enum status repository_init(const char *folder, const struct repository_order *order,
                            struct err *err) MUST_USE;

#endif
