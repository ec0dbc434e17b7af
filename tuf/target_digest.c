/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/target_digest.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "tuf/metadata.h"

enum status target_digest_init(struct target_digest *ret_digest,
                               const struct tuf_target *file, struct err *err)
{
    struct target_digest digest = {0};
    enum status status = OK;
    if (!file->hashes.has_sha256 && !file->hashes.has_sha512) {
        return err_set(err, ERR_TUF_HASH,
                       "'%.80s': a sha256 or sha512 digest expected, only unknown kinds "
                       "found",
                       file->path);
    }
    if (file->hashes.has_sha256) {
        status = sha256_init(&digest.sha256, err);
    }
    if (status == OK && file->hashes.has_sha512) {
        status = sha512_init(&digest.sha512, err);
    }
    if (status != OK) {
        target_digest_release(&digest);
        return status;
    }
    *ret_digest = digest;
    return OK;
}

void target_digest_update(struct target_digest *digest, const void *data, size_t len)
{
    if (digest->sha256.state) {
        sha256_update(&digest->sha256, data, len);
    }
    if (digest->sha512.state) {
        sha512_update(&digest->sha512, data, len);
    }
    digest->length += len;
}

/* The first half of a SHA-256 says which it is. */
static enum status compare(const struct tuf_target *file, const char *kind,
                           const uint8_t *expected, const uint8_t *found, size_t bytes,
                           struct err *err)
{
    if (memcmp(expected, found, bytes) == 0) {
        return OK;
    }
    char texts[2][SHA256_BYTES + 1];
    hex_encode(expected, SHA256_BYTES / 2, texts[0]);
    hex_encode(found, SHA256_BYTES / 2, texts[1]);
    return err_set(err, ERR_TUF_HASH, "'%.80s': %s %s… expected, %s… found", file->path,
                   kind, texts[0], texts[1]);
}

static enum status check(struct target_digest *digest, const struct tuf_target *file,
                         struct err *err)
{
    uint8_t found[SHA512_BYTES];
    enum status status = OK;
    if (digest->length != (uint64_t)file->length) {
        return err_set(err, ERR_TUF_LENGTH,
                       "'%.80s': %" PRId64 " bytes expected, %" PRIu64 " found",
                       file->path, file->length, digest->length);
    }
    if (digest->sha256.state) {
        sha256_finish(&digest->sha256, found);
        status = compare(file, "sha256", file->hashes.sha256, found, SHA256_BYTES, err);
    }
    if (status == OK && digest->sha512.state) {
        sha512_finish(&digest->sha512, found);
        status = compare(file, "sha512", file->hashes.sha512, found, SHA512_BYTES, err);
    }
    return status;
}

enum status target_digest_finish(struct target_digest *digest,
                                 const struct tuf_target *file, struct err *err)
{
    enum status status = check(digest, file, err);
    target_digest_release(digest);
    return status;
}

void target_digest_release(struct target_digest *digest)
{
    sha256_release(&digest->sha256);
    sha512_release(&digest->sha512);
    digest->length = 0;
}
