/* SPDX-License-Identifier: Apache-2.0 */
/* target_digest: whether the bytes of a target are those that were signed.
 *
 * It takes the bytes as they arrive. In the end the length must be the signed one, and so
 * must every digest that the entry lists and that is known here: sha256, sha512 or both.
 * An entry that lists only others cannot be checked and is refused at once. */
#ifndef MUSTER_TUF_TARGET_DIGEST_H
#define MUSTER_TUF_TARGET_DIGEST_H

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct tuf_target;

struct target_digest {
    uint64_t length;      /* bytes so far */
    struct sha256 sha256; /* without state: not listed */
    struct sha512 sha512; /* the same */
};

#define TARGET_DIGEST_AUTO                                                               \
    __attribute__((cleanup(target_digest_release))) struct target_digest

/* Starts over the digests that `file` lists. ERR_TUF_HASH when none of them is known. */
enum status target_digest_init(struct target_digest *ret_digest,
                               const struct tuf_target *file, struct err *err) MUST_USE;

/* The next bytes. */
void target_digest_update(struct target_digest *digest, const void *data, size_t len);

/* Whether these were all bytes of `file`, the same as at init: ERR_TUF_LENGTH,
 * ERR_TUF_HASH. Releases in any case. */
enum status target_digest_finish(struct target_digest *digest,
                                 const struct tuf_target *file, struct err *err) MUST_USE;

/* Ends it; a zeroed one is fine. */
void target_digest_release(struct target_digest *digest);

#endif
