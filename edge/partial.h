/* SPDX-License-Identifier: Apache-2.0 */
/* partial: the received bytes of one target on disk, as they came, until they are all
 * there.
 *
 *   <folder>/<digest of the target>   its first bytes; the size says how many
 *
 * The name is the digest of the whole target, so the bytes cannot be taken for a part of
 * another one, and the folder holds nothing else, so they cannot be taken for the whole
 * either: only who has compared the digest goes on with them. What a process before left
 * is hashed again, in slices of 1 MiB, before anything is added. Nothing is synced: what
 * a power cut takes away, or replaces, the digest finds. A folder has one such file. */
#ifndef MUSTER_EDGE_PARTIAL_H
#define MUSTER_EDGE_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/env.h"
#include "tuf/target_digest.h"

struct partial {
    char path[EDGE_PATH_BYTES]; /* "" when there is none */
    int fd;
    const struct tuf_target *file; /* borrowed: the whole */
    int64_t have;                  /* received and hashed */
    int64_t stored; /* received; more than `have` until partial_rehash is through */
    struct target_digest digest;
};

/* Opens or creates the file of a target in `folder` (created 0700) and removes every
 * other one there. The disk space of the whole is reserved where the file system can.
 * ERR_DISK_FULL, ERR_IO, ERR_TUF_HASH when it lists no digest that is known here. */
enum status partial_open(struct partial *ret_partial, const char *folder,
                         const struct tuf_target *file, struct err *err) MUST_USE;

/* Hashes the next slice of what is stored; `have` equals `stored` at its end. */
enum status partial_rehash(struct partial *partial, struct err *err) MUST_USE;

/* Adds the next bytes. ERR_TUF_LENGTH beyond the target's length. */
enum status partial_append(struct partial *partial, const void *data, size_t len,
                           struct err *err) MUST_USE;

/* Throws away what is there. */
enum status partial_restart(struct partial *partial, struct err *err) MUST_USE;

/* Whether all that was signed is there and nothing else. ERR_TUF_LENGTH, ERR_TUF_HASH;
 * only partial_restart, _close or _remove may follow. */
enum status partial_verify(struct partial *partial, struct err *err) MUST_USE;

/* Removes every such file of a folder. */
void partial_sweep(const char *folder);

/* Ends it; the file stays, or goes. Both allow one that is zero or closed. */
void partial_close(struct partial *partial);
void partial_remove(struct partial *partial);

#endif
