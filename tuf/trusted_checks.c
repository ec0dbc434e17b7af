/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/trusted_checks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"

enum status trusted_check_expiry(int64_t now_ms, const struct tuf_envelope *envelope,
                                 const char *role, struct err *err)
{
    if (envelope->expires_ms > now_ms) {
        return OK;
    }
    char expires[RFC3339_BYTES];
    char now[RFC3339_BYTES];
    clock_format_utc(envelope->expires_ms, expires);
    clock_format_utc(now_ms, now);
    return err_set(err, ERR_TUF_EXPIRED,
                   "%.60s version %" PRId64 ": an expiry after %s expected, %s found",
                   role, envelope->version, now, expires);
}

enum status trusted_check_version(const struct tuf_envelope *envelope, int64_t expected,
                                  const char *role, struct err *err)
{
    if (envelope->version != expected) {
        return err_set(err, ERR_TUF_VERSION,
                       "%.60s: version %" PRId64 " expected, %" PRId64 " found", role,
                       expected, envelope->version);
    }
    return OK;
}

enum status trusted_check_bytes(const struct tuf_meta *meta, const void *data, size_t len,
                                struct err *err)
{
    if (meta->length >= 0 && (uint64_t)meta->length != len) {
        return err_set(err, ERR_TUF_LENGTH,
                       "%.60s: %" PRId64 " bytes expected, %zu found", meta->name,
                       meta->length, len);
    }
    enum status status = tuf_hashes_verify(&meta->hashes, data, len, err);
    if (status != OK) {
        err_prefix(err, "%.60s", meta->name);
    }
    return status;
}

void trusted_forget_targets(struct trusted_set *set)
{
    for (size_t i = 0; i < set->delegated_count; i++) {
        tuf_targets_free(set->delegated[i].targets);
    }
    free(set->delegated);
    set->delegated = NULL;
    set->delegated_count = 0;
    set->delegated_capacity = 0;
    tuf_targets_free(set->targets);
    set->targets = NULL;
}
