/* SPDX-License-Identifier: Apache-2.0 */
/* links: addresses of artifacts that need no token until they expire.
 *
 *   /tuf/targets/<model>/<seq>/<sha256>.<file>?expires=<unix s>&signature=<43 chars>
 *
 * The signature is BLAKE2b-256 over "muster-link-v1\n<path>\n<expires>\n" as base64url,
 * with a key that keys.h derives from keys/session.key. So a link says which file it is
 * for and until when, nothing of it is stored, and a new session key ends all of them.
 * Memory only, from any thread. */
#ifndef MUSTER_SERVER_SERVICE_LINKS_H
#define MUSTER_SERVER_SERVICE_LINKS_H

#include <stdint.h>

#include "base/err.h"

struct keys;

enum {
    LINK_SIGNATURE_BYTES = 44, /* text with its NUL */
    LINK_S_MIN = 60,
    LINK_S_DEFAULT = 3600,
    LINK_S_MAX = 7 * 86400,
};

/* Signs a path (decoded, without a query) until a time in Unix seconds. */
void link_sign(const struct keys *keys, const char *path, int64_t expires_s,
               char ret_signature[static LINK_SIGNATURE_BYTES]);

/* What a request claims; texts as they came, NULL when they are missing. */
struct link_claim {
    const char *path, *expires, *signature;
};

/* Whether the server signed this and it has not expired: ERR_ARTIFACT_LINK. The time
 * until it does, in seconds, > 0. */
enum status link_check(const struct keys *keys, const struct link_claim *claim,
                       int64_t now_ms, int64_t *ret_left_s, struct err *err) MUST_USE;

#endif
