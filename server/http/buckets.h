/* SPDX-License-Identifier: Apache-2.0 */
/* buckets: how often something may happen, per key: token buckets in a fixed table.
 *
 * A bucket holds `burst` tokens and fills at `per_s` a second. It is kept as one time,
 * the moment when it will be full again (the generic cell rate algorithm), so a full
 * bucket needs no entry and nothing has to be swept: 16 bytes a key that was used lately.
 * The table has a fixed size; where one of its sets is crowded, the bucket that is
 * nearest to full is forgotten, which favours its key. Thread-safe. */
#ifndef MUSTER_SERVER_HTTP_BUCKETS_H
#define MUSTER_SERVER_HTTP_BUCKETS_H

#include <stdint.h>

#include "base/err.h"

struct buckets;

/* Buckets of `burst` (>= 1) tokens that gain `per_s` a second; 0: there is no limit.
 * ERR_NO_MEMORY. */
enum status buckets_new(int64_t per_s, int64_t burst, struct buckets **ret_buckets,
                        struct err *err) MUST_USE;

/* NULL is allowed. */
void buckets_free(struct buckets *buckets);

/* Takes a token of `key` at `now_us` (monotonic). Returns 0, or, having taken none, the
 * time in µs after which there will be one. */
int64_t buckets_take(struct buckets *buckets, uint64_t key, int64_t now_us);

#endif
