/* SPDX-License-Identifier: Apache-2.0 */
/* sealed_key: a secret signing key as text, sealed with a passphrase.
 *
 *   {"header":{"format":"muster-key/1","label":"targets","keytype":"ed25519",
 *              "public":hex,"keyid":hex,"nonce":hex,
 *              "kdf":{"name":"argon2id13","ops":3,"mem_bytes":268435456,"salt":hex},
 *              "cipher":"xchacha20-poly1305"},
 *    "box":hex}
 *
 * The box holds the 32-byte seed; the canonical JSON of the header is authenticated with
 * it, so no field can be changed, not even the label. Deriving the key takes about a
 * second and 256 MiB by default; a text may not ask for more than 1 GiB and 16 passes.
 * Everything secret is wiped. No I/O here: repo/keyfile.h keeps these texts in files. */
#ifndef MUSTER_TUF_SEALED_KEY_H
#define MUSTER_TUF_SEALED_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/key.h"

enum { KEY_LABEL_BYTES = 33, SEALED_KEY_MAX_BYTES = 4096 };

/* What deriving the key costs. */
struct key_cost {
    uint64_t ops;
    uint64_t mem_bytes;
};

/* Argon2id MODERATE, for real keys; the least there is, for tests. */
#define KEY_COST_MODERATE ((struct key_cost){.ops = 3, .mem_bytes = UINT64_C(268435456)})
#define KEY_COST_LEAST ((struct key_cost){.ops = 1, .mem_bytes = 8192})

/* What the text says without its passphrase: not authenticated. */
struct sealed_key_info {
    char label[KEY_LABEL_BYTES]; /* [a-z0-9-] */
    char keyid[KEY_ID_BYTES];
    uint8_t public_key[ED25519_PUBLIC_BYTES];
};

/* Appends the sealed text. ERR_KEY_PASSPHRASE for an empty passphrase. */
enum status sealed_key_make(const char *label, const struct signing_key *key,
                            const char *passphrase, const struct key_cost *cost,
                            struct buf *ret_text, struct err *err) MUST_USE;

/* Opens a text. ERR_KEY_PASSPHRASE when the passphrase or a byte of the header or the box
 * is wrong, ERR_KEY_FORMAT when it is no sealed key. Wipe the key after use. */
enum status sealed_key_open(const void *text, size_t len, const char *passphrase,
                            struct signing_key *ret_key, struct err *err) MUST_USE;

/* Reads the public part. */
enum status sealed_key_describe(const void *text, size_t len,
                                struct sealed_key_info *ret_info,
                                struct err *err) MUST_USE;

#endif
