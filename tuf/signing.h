/* SPDX-License-Identifier: Apache-2.0 */
/* signing: making metadata: the "signed" parts as jansson trees, and envelopes with
 * signatures around them.
 *
 * A body is built (or an old one copied and changed), its version and expiry set, and
 * then signed; nothing here reads clocks or files. Key ids are always the computed ones.
 */
#ifndef MUSTER_TUF_SIGNING_H
#define MUSTER_TUF_SIGNING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/key.h"
#include "tuf/metadata.h"

/* A metadata file that another one names: its bytes and version. */
struct signing_file {
    const void *data;
    size_t len;
    int64_t version;
};

/* A new body of a role, consistent_snapshot true for root, without keys, metas, targets.
 * The caller owns it. */
enum status signing_body_new(enum tuf_role role, int64_t version, int64_t expires_ms,
                             json_t **ret_body, struct err *err) MUST_USE;

/* Sets version and expiry of an existing body. */
enum status signing_body_renew(json_t *body, int64_t version, int64_t expires_ms,
                               struct err *err) MUST_USE;

/* Adds a public key to a role of a root body; the role's threshold stays (1 at first). */
enum status signing_root_add_key(json_t *root, enum tuf_role role,
                                 const uint8_t public_key[static ED25519_PUBLIC_BYTES],
                                 struct err *err) MUST_USE;

/* Names the targets file in a snapshot body, or the snapshot in a timestamp body:
 * version, length and SHA-256. */
enum status signing_set_meta(json_t *body, const char *name,
                             const struct signing_file *file, struct err *err) MUST_USE;

/* Adds or replaces a target; `custom` (may be NULL) is copied by reference. */
enum status signing_add_target(json_t *targets, const char *path, int64_t length,
                               const uint8_t sha256[static 32], json_t *custom,
                               struct err *err) MUST_USE;

/* Appends the envelope: the body and a signature of each key. ERR_KEY_MISSING when
 * `count` is 0. */
enum status signing_envelope(const json_t *body, const struct signing_key *const *keys,
                             size_t count, struct buf *ret_bytes,
                             struct err *err) MUST_USE;

/* Appends the envelope of a body and a list of {"keyid","sig"} that were made elsewhere;
 * the list may be empty. The same body and list give the same bytes. */
enum status signing_envelope_text(const json_t *body, const json_t *signatures,
                                  struct buf *ret_bytes, struct err *err) MUST_USE;

/* What a new timestamp is made from. */
struct timestamp_order {
    struct signing_file snapshot;
    int64_t last_version; /* of the timestamp before, 0: none */
    int64_t now_ms;
    int64_t life_ms; /* expires = now + life, rounded up to a second */
};

/* Appends a signed timestamp. Its version is max(Unix seconds, last_version + 1), so that
 * a server restored from a backup does not fall below what nodes trust. */
enum status signing_timestamp(const struct timestamp_order *order,
                              const struct signing_key *key, struct buf *ret_bytes,
                              int64_t *ret_version, struct err *err) MUST_USE;

#endif
