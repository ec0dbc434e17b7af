/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/envelope.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tuf/canonical.h"
#include "tuf/json.h"

enum status envelope_too_many(const char *what, size_t max, size_t found, struct err *err)
{
    return err_set(err, ERR_TUF_TOO_LARGE, "at most %zu %s expected, %zu found", max,
                   what, found);
}

/* A signature that is no text cannot verify and is left to the counting; an id that is no
 * text could hide a repetition and is refused. */
static enum status check_signatures(const json_t *signatures, struct err *err)
{
    size_t count = json_array_size(signatures);
    if (count > TUF_SIGNATURES_MAX) {
        return envelope_too_many("signatures", TUF_SIGNATURES_MAX, count, err);
    }
    for (size_t i = 0; i < count; i++) {
        const char *keyid = NULL;
        enum status status =
            tuf_json_text(json_array_get(signatures, i), "keyid", &keyid, err);
        if (status != OK) {
            return status;
        }
        for (size_t k = 0; k < i; k++) {
            const json_t *other = json_object_get(json_array_get(signatures, k), "keyid");
            if (strcmp(json_string_value(other), keyid) == 0) {
                return err_set(err, ERR_TUF_DUPLICATE_SIGNATURE,
                               "one signature a key expected, two of '%.64s' found",
                               keyid);
            }
        }
    }
    return OK;
}

static bool digits_only(const char *text, size_t len)
{
    return len > 0 && strspn(text, "0123456789") >= len;
}

/* "1.<digits>" with an optional ".<digits>". */
static bool spec_version_supported(const char *text)
{
    if (strncmp(text, "1.", 2) != 0) {
        return false;
    }
    size_t minor = strcspn(text + 2, ".");
    const char *patch = text + 2 + minor;
    return digits_only(text + 2, minor) &&
           (*patch == '\0' || digits_only(patch + 1, strlen(patch + 1)));
}

static enum status check_type(const json_t *body, enum tuf_role role, struct err *err)
{
    const char *type = NULL;
    enum status status = tuf_json_text(body, "_type", &type, err);
    if (status == OK && strcmp(type, tuf_role_name(role)) != 0) {
        return err_set(err, ERR_TUF_TYPE, "'_type': '%s' expected, '%.40s' found",
                       tuf_role_name(role), type);
    }
    return status;
}

static enum status check_spec_version(const json_t *body, struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(body, "spec_version", &text, err);
    if (status == OK && !spec_version_supported(text)) {
        return err_set(err, ERR_TUF_SPEC_VERSION,
                       "'spec_version': '1.…' expected, '%.40s' found", text);
    }
    return status;
}

static enum status read_expiry(const json_t *body, int64_t *ret_expires_ms,
                               struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(body, "expires", &text, err);
    if (status == OK && clock_parse_utc(text, ret_expires_ms, NULL) != OK) {
        return err_set(err, ERR_TUF_FORMAT,
                       "'expires': a time like 2030-01-31T12:00:00Z expected, '%.40s' "
                       "found",
                       text);
    }
    return status;
}

void envelope_release(struct tuf_envelope *envelope)
{
    json_decref(envelope->tree);
    buf_release(&envelope->canonical);
}

static enum status read_body(struct tuf_envelope *envelope, enum tuf_role role,
                             struct err *err)
{
    enum status status = tuf_json_object(envelope->tree, "signed", &envelope->body, err);
    if (status == OK) {
        status = tuf_json_array(envelope->tree, "signatures", &envelope->signatures, err);
    }
    if (status == OK) {
        status = check_signatures(envelope->signatures, err);
    }
    if (status == OK) {
        status = check_type(envelope->body, role, err);
    }
    if (status == OK) {
        status = check_spec_version(envelope->body, err);
    }
    if (status == OK) {
        status = tuf_json_integer(envelope->body, "version", 1, &envelope->version, err);
    }
    if (status == OK) {
        status = read_expiry(envelope->body, &envelope->expires_ms, err);
    }
    return status == OK ? canonical_json(envelope->body, &envelope->canonical, err)
                        : status;
}

enum status envelope_parse(const void *data, size_t len, size_t max_bytes,
                           enum tuf_role role, struct tuf_envelope *ret_envelope,
                           struct err *err)
{
    /* Canonical bytes are never longer than the text that they came from. */
    ret_envelope->canonical = BUF_INIT(max_bytes + 1);
    enum status status = tuf_json_parse(data, len, max_bytes, &ret_envelope->tree, err);
    if (status == OK) {
        status = read_body(ret_envelope, role, err);
    }
    if (status != OK) {
        err_prefix(err, "%s", tuf_role_name(role));
    }
    return status;
}

static enum status read_digest(const json_t *hashes, const char *name,
                               uint8_t *ret_digest, size_t len, struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(hashes, name, &text, err);
    if (status == OK && hex_decode(text, ret_digest, len, NULL) != OK) {
        return err_set(err, ERR_TUF_FORMAT,
                       "'%s': %zu hex digits expected, '%.40s' found", name, 2 * len,
                       text);
    }
    return status;
}

enum status envelope_read_hashes(const json_t *hashes, struct tuf_hashes *ret_hashes,
                                 struct err *err)
{
    if (!json_is_object(hashes) || json_object_size(hashes) == 0) {
        return err_set(err, ERR_TUF_FORMAT,
                       "'hashes': an object with a digest expected, %s found",
                       json_is_object(hashes) ? "an empty one" : tuf_json_kind(hashes));
    }
    const char *name = NULL;
    json_t *digest = NULL;
    json_object_foreach((json_t *)hashes, name, digest)
    {
        if (!json_is_string(digest)) {
            return err_set(err, ERR_TUF_FORMAT, "'hashes': a text expected, %s found",
                           tuf_json_kind(digest));
        }
    }
    struct tuf_hashes found = {
        .listed = true,
        .has_sha256 = json_object_get(hashes, "sha256") != NULL,
        .has_sha512 = json_object_get(hashes, "sha512") != NULL,
    };
    enum status status = OK;
    if (found.has_sha256) {
        status = read_digest(hashes, "sha256", found.sha256, sizeof found.sha256, err);
    }
    if (status == OK && found.has_sha512) {
        status = read_digest(hashes, "sha512", found.sha512, sizeof found.sha512, err);
    }
    if (status == OK) {
        *ret_hashes = found;
    }
    return status;
}

static bool authority_names(const struct tuf_authority *authority, const char *keyid)
{
    for (size_t i = 0; i < json_array_size(authority->keyids); i++) {
        if (strcmp(json_string_value(json_array_get(authority->keyids, i)), keyid) == 0) {
            return true;
        }
    }
    return false;
}

static const struct verify_key *keyring_find(const struct tuf_keyring *keyring,
                                             const char *keyid)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (strcmp(keyring->keys[i].keyid, keyid) == 0) {
            return &keyring->keys[i].key;
        }
    }
    return NULL;
}

static bool counted_before(const struct verify_key *const *counted, int count,
                           const struct verify_key *key)
{
    for (int i = 0; i < count; i++) {
        if (memcmp(counted[i]->identity, key->identity, sizeof key->identity) == 0) {
            return true;
        }
    }
    return false;
}

enum { TOLD_KEYIDS = 3, TOLD_DIGITS = 8 };

/* Which keys: the beginnings of the first few keyids. */
static void tell_keyid(struct buf *text, size_t i, const char *keyid)
{
    if (i == TOLD_KEYIDS) {
        buf_addstr(text, " …");
    } else if (i < TOLD_KEYIDS) {
        buf_addf(text, " %.*s", TOLD_DIGITS, keyid);
    }
}

static enum status too_few(const struct tuf_envelope *envelope,
                           const struct tuf_authority *authority, int count,
                           struct err *err)
{
    BUF_AUTO text = BUF_INIT(256);
    buf_addf(&text, "%lld valid signatures of different keys expected of",
             (long long)authority->threshold);
    for (size_t i = 0; i < json_array_size(authority->keyids); i++) {
        tell_keyid(&text, i, json_string_value(json_array_get(authority->keyids, i)));
    }
    buf_addf(&text, ", %d found, signed by", count);
    size_t signatures = json_array_size(envelope->signatures);
    for (size_t i = 0; i < signatures; i++) {
        const json_t *signature = json_array_get(envelope->signatures, i);
        tell_keyid(&text, i, json_string_value(json_object_get(signature, "keyid")));
    }
    return err_set(err, ERR_TUF_SIGNATURE, "%s%s", text.data ? text.data : "",
                   signatures == 0 ? " nobody" : "");
}

enum status tuf_envelope_verify(const struct tuf_envelope *envelope,
                                const struct tuf_keyring *keyring,
                                const struct tuf_authority *authority, int *ret_count,
                                struct err *err)
{
    const struct verify_key *counted[TUF_SIGNATURES_MAX];
    int count = 0;
    for (size_t i = 0; i < json_array_size(envelope->signatures); i++) {
        const json_t *signature = json_array_get(envelope->signatures, i);
        const char *keyid = json_string_value(json_object_get(signature, "keyid"));
        const char *text = json_string_value(json_object_get(signature, "sig"));
        if (!text || !authority_names(authority, keyid)) {
            continue;
        }
        const struct verify_key *key = keyring_find(keyring, keyid);
        if (key && !counted_before(counted, count, key) &&
            verify_key_verify(key, text, envelope->canonical.data,
                              envelope->canonical.len)) {
            counted[count++] = key;
        }
    }
    if (ret_count) {
        *ret_count = count;
    }
    if (count < authority->threshold) {
        return too_few(envelope, authority, count, err);
    }
    return OK;
}

static enum status verify_digest(const char *kind, const uint8_t *expected,
                                 const uint8_t *found, size_t bytes, struct err *err)
{
    if (memcmp(expected, found, bytes) == 0) {
        return OK;
    }
    char texts[2][SHA256_BYTES + 1]; /* the first half of a SHA-256 says which it is */
    hex_encode(expected, SHA256_BYTES / 2, texts[0]);
    hex_encode(found, SHA256_BYTES / 2, texts[1]);
    return err_set(err, ERR_TUF_HASH, "%s %s… expected, %s… found", kind, texts[0],
                   texts[1]);
}

enum status tuf_hashes_verify(const struct tuf_hashes *hashes, const void *data,
                              size_t len, struct err *err)
{
    uint8_t found[SHA512_BYTES];
    enum status status = OK;
    if (hashes->listed && !hashes->has_sha256 && !hashes->has_sha512) {
        return err_set(err, ERR_TUF_HASH,
                       "a sha256 or sha512 digest expected, only unknown kinds found");
    }
    if (hashes->has_sha256) {
        status = sha256_of(data, len, found, err);
        if (status == OK) {
            status = verify_digest("sha256", hashes->sha256, found, SHA256_BYTES, err);
        }
    }
    if (status == OK && hashes->has_sha512) {
        status = sha512_of(data, len, found, err);
        if (status == OK) {
            status = verify_digest("sha512", hashes->sha512, found, SHA512_BYTES, err);
        }
    }
    return status;
}
