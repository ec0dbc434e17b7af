/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_checks: what each role's file has to pass, and what the files of the trusted
 * set share. Internal to it; tuf/trusted_set.h is the way in. */
#ifndef MUSTER_TUF_TRUSTED_CHECKS_H
#define MUSTER_TUF_TRUSTED_CHECKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tuf/trusted_set.h"

/* ERR_TUF_EXPIRED unless it expires after `now_ms`. */
enum status trusted_check_expiry(int64_t now_ms, const struct tuf_envelope *envelope,
                                 const char *role, struct err *err) MUST_USE;

/* ERR_TUF_VERSION unless it has exactly this version. */
enum status trusted_check_version(const struct tuf_envelope *envelope, int64_t expected,
                                  const char *role, struct err *err) MUST_USE;

/* ERR_TUF_LENGTH, ERR_TUF_HASH unless length and digests are as the naming file has them,
 * where it has them. */
enum status trusted_check_bytes(const struct tuf_meta *meta, const void *data, size_t len,
                                struct err *err) MUST_USE;

/* Frees top-level and delegated targets. */
void trusted_forget_targets(struct trusted_set *set);

#endif
