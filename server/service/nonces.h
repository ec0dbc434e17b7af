/* SPDX-License-Identifier: Apache-2.0 */
/* nonces: those that were used within a window of time, so that each works once.
 *
 * Bounded in all and per node: what does not fit is refused, never forgotten early, so a
 * node that floods locks out itself. Thread-safe, memory only. */
#ifndef MUSTER_SERVER_SERVICE_NONCES_H
#define MUSTER_SERVER_SERVICE_NONCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct nonces;

/* Keeps nonces until their `until_ms`; NULL without memory. */
struct nonces *nonces_new(size_t max, size_t max_per_node);
void nonces_free(struct nonces *nonces);

/* Notes a nonce of a node. ERR_SESSION_REPLAY when it was noted before,
 * ERR_HTTP_RATE_LIMITED when a bound is reached. */
enum status nonces_use(struct nonces *nonces, int64_t node_id,
                       const uint8_t nonce[static 16], int64_t now_ms,
                       int64_t until_ms) MUST_USE;

#endif
