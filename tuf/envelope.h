/* SPDX-License-Identifier: Apache-2.0 */
/* envelope: what all role files share: {"signed": …, "signatures": […]}, digests, and the
 * counting of signatures. For tuf/ only; the public shapes stand in tuf/metadata.h. */
#ifndef MUSTER_TUF_ENVELOPE_H
#define MUSTER_TUF_ENVELOPE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "tuf/metadata.h"

/* Parses the common part into `ret_envelope`, which must be zeroed and which the caller
 * releases also on failure. */
enum status envelope_parse(const void *data, size_t len, size_t max_bytes,
                           enum tuf_role role, struct tuf_envelope *ret_envelope,
                           struct err *err) MUST_USE;

/* Frees tree and canonical bytes. */
void envelope_release(struct tuf_envelope *envelope);

/* Reads a "hashes" object: not empty, texts, sha256 and sha512 well-formed. */
enum status envelope_read_hashes(const json_t *hashes, struct tuf_hashes *ret_hashes,
                                 struct err *err) MUST_USE;

/* ERR_TUF_TOO_LARGE: "at most `max` `what` expected, `found` found". */
enum status envelope_too_many(const char *what, size_t max, size_t found,
                              struct err *err);

#endif
