/* SPDX-License-Identifier: Apache-2.0 */
/* repository: the publisher's folder, where metadata are signed offline.
 *
 *   DIR/repo.json                                what this folder is
 *   DIR/root.json                                root version 1, for nodes (--root)
 *   DIR/keys/{root,root-safe,targets,snapshot}.key
 *   DIR/metadata/N.root.json N.targets.json N.snapshot.json     all versions are kept
 *   DIR/targets/<model>/<seq>/<sha256>.<variant>.<ext>          as they are served
 *
 * The highest N.snapshot.json is what is published: it is written last, so a crash before
 * it leaves the state before. There is no timestamp: the server signs that. Writers hold
 * a lock on repo.json. Opening verifies every signature and link from root 1 on; expiry
 * is repository_verify's. All of it blocks. */
#ifndef MUSTER_REPO_REPOSITORY_H
#define MUSTER_REPO_REPOSITORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "repo/keyfile.h"
#include "tuf/metadata.h"
#include "tuf/trusted_set.h"

#define REPOSITORY_LIFE_MS (INT64_C(365) * 24 * 3600 * 1000)

/* What a new repository is made from. */
struct repository_order {
    uint8_t timestamp_public[ED25519_PUBLIC_BYTES]; /* the server's key */
    const char *passphrase;                         /* seals all key files */
    struct key_cost cost;
    int64_t now_ms;
    int64_t life_ms; /* of root, targets and snapshot */
};

/* An open repository; the parsed metadata are owned by it. */
struct repository {
    char *folder;
    int lock_fd;
    struct trusted_set trust;      /* holds the newest root */
    struct tuf_snapshot *snapshot; /* the published state */
    struct tuf_targets *targets;
};

#define REPOSITORY_AUTO __attribute__((cleanup(repository_release))) struct repository

/* Makes a new repository with version 1 of root, targets and snapshot. ERR_EXISTS when
 * the folder holds one; a folder left by a crash in here must be removed by hand. */
enum status repository_init(const char *folder, const struct repository_order *order,
                            struct err *err) MUST_USE;

/* Opens and locks it. ERR_NOT_FOUND when the folder holds none, ERR_BUSY when another
 * process has it open, a TUF code when its metadata do not verify. */
enum status repository_open(const char *folder, struct repository *ret_repository,
                            struct err *err) MUST_USE;

/* Ends the lock and frees. */
void repository_release(struct repository *repository);

/* Appends a metadata file such as (TUF_ROLE_ROOT, 1), byte for byte. */
enum status repository_read(const struct repository *repository, enum tuf_role role,
                            int64_t version, struct buf *ret_bytes,
                            struct err *err) MUST_USE;

/* Writes a metadata file; replaces what a crash may have left under that version. */
enum status repository_write(const struct repository *repository, enum tuf_role role,
                             int64_t version, const struct buf *bytes,
                             struct err *err) MUST_USE;

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
