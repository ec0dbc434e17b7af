/* SPDX-License-Identifier: Apache-2.0 */
/* repository: the publisher's folder, where metadata are signed offline.
 *
 *   DIR/repo.json                                what this folder is
 *   DIR/root.json                                root version 1, for nodes (--root)
 *   DIR/keys/<label>.key                         sealed keys; may be elsewhere
 *   DIR/metadata/N.<role>.json                   all versions are kept
 *   DIR/staged/                                  what still lacks signatures
 *   DIR/targets/<model>/<seq>/<sha256>.<variant>.<ext>          as they are served
 *
 * The highest N.snapshot.json is what is published; files become so together, by a
 * journal (repo/journal.h). There is no timestamp: the server signs that. Writers hold a
 * lock on repo.json. Opening verifies every signature and link from root 1 on; expiry is
 * repository_verify's. All of it blocks. */
#ifndef MUSTER_REPO_REPOSITORY_H
#define MUSTER_REPO_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "repo/creation.h"
#include "repo/keyfile.h"
#include "tuf/delegation.h"
#include "tuf/metadata.h"
#include "tuf/trusted_set.h"

#define REPOSITORY_LIFE_MS (INT64_C(365) * 24 * 3600 * 1000)

/* A delegated role whose file the published snapshot names. */
struct repository_role {
    const char *name; /* borrowed from the delegating targets */
    struct tuf_targets *targets;
};

/* An open repository; the parsed metadata are owned by it. */
struct repository {
    char *folder;
    int lock_fd;
    bool bundle;              /* metadata alone, to be signed elsewhere (repo/bundle.h) */
    struct trusted_set trust; /* holds the newest root */
    struct tuf_snapshot *snapshot; /* the published state */
    struct tuf_targets *targets;
    struct repository_role *roles;
    size_t role_count;
};

#define REPOSITORY_AUTO __attribute__((cleanup(repository_release))) struct repository

/* Opens and locks it, after finishing what a crash left. ERR_NOT_FOUND when the folder
 * holds none, ERR_BUSY when another process has it open, a TUF code when its metadata do
 * not verify, ERR_UNSUPPORTED for a bundle. */
enum status repository_open(const char *folder, struct repository *ret_repository,
                            struct err *err) MUST_USE;

/* The same for a bundle, and only that. */
enum status repository_open_bundle(const char *folder, struct repository *ret_repository,
                                   struct err *err) MUST_USE;

/* Ends the lock and frees. */
void repository_release(struct repository *repository);

/* Appends a metadata file such as ("root", 1), byte for byte. */
enum status repository_read(const struct repository *repository, const char *role,
                            int64_t version, struct buf *ret_bytes,
                            struct err *err) MUST_USE;

/* The published file of "targets" or of a delegated role; NULL when there is none. */
const struct tuf_targets *repository_targets(const struct repository *repository,
                                             const char *role);

/* What the published snapshot says of a role's file, or NULL. */
const struct tuf_meta *repository_meta(const struct repository *repository,
                                       const char *role);

/* Appends the file name of a target: "DIR/targets/<dir>/<sha256>.<name>". */
enum status repository_target_file(const struct repository *repository,
                                   const struct tuf_target *target, struct buf *ret_path,
                                   struct err *err) MUST_USE;

/* Opens one of the repository's key files by its label. */
enum status repository_key(const struct repository *repository, const char *label,
                           const char *passphrase, struct signing_key *ret_key,
                           struct err *err) MUST_USE;

/* Reads the published state anew after writing. */
enum status repository_reload(struct repository *repository, struct err *err) MUST_USE;

/* Whether a client could use it at that time: nothing expired, every target's file there
 * with its length and digest, floors in order. */
enum status repository_verify(const struct repository *repository, int64_t at_ms,
                              struct err *err) MUST_USE;

#endif
