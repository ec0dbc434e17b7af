/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/signing.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tuf/canonical.h"
#include "tuf/json.h"

static const char SPEC_VERSION[] = "1.0.34";

enum { SECOND_MS = 1000 };

/* Versions stay below this, so that N + 1 and JSON readers with doubles are safe. */
static const int64_t VERSION_MAX = (int64_t)1 << 53;

static const size_t CANONICAL_MAX = (size_t)64 << 20;

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for metadata");
}

static json_t *empty_roles(void)
{
    json_t *roles = json_object();
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        json_t *authority = json_pack("{s:[], s:i}", "keyids", "threshold", 1);
        (void)json_object_set_new(roles, tuf_role_name((enum tuf_role)role), authority);
    }
    return roles;
}

/* A failed allocation leaves a member out; the parser at the end of every writing path
 * finds that, so single failures need no ladder here. */
static void add_role_members(json_t *body, enum tuf_role role)
{
    switch (role) {
    case TUF_ROLE_ROOT:
        (void)json_object_set_new(body, "consistent_snapshot", json_true());
        (void)json_object_set_new(body, "keys", json_object());
        (void)json_object_set_new(body, "roles", empty_roles());
        return;
    case TUF_ROLE_TIMESTAMP:
    case TUF_ROLE_SNAPSHOT:
        (void)json_object_set_new(body, "meta", json_object());
        return;
    case TUF_ROLE_TARGETS:
        (void)json_object_set_new(body, "targets", json_object());
        return;
    }
}

enum status signing_body_new(enum tuf_role role, int64_t version, int64_t expires_ms,
                             json_t **ret_body, struct err *err)
{
    JSON_AUTO *body = json_pack("{s:s, s:s}", "_type", tuf_role_name(role),
                                "spec_version", SPEC_VERSION);
    if (!body) {
        return no_memory(err);
    }
    add_role_members(body, role);
    enum status status = signing_body_renew(body, version, expires_ms, err);
    if (status == OK) {
        *ret_body = body;
        body = NULL;
    }
    return status;
}

enum status signing_body_renew(json_t *body, int64_t version, int64_t expires_ms,
                               struct err *err)
{
    if (version < 1 || version > VERSION_MAX) {
        return err_set(err, ERR_TUF_VERSION,
                       "a version from 1 to %lld expected, %lld found",
                       (long long)VERSION_MAX, (long long)version);
    }
    char expires[RFC3339_BYTES];
    clock_format_utc(expires_ms, expires);
    if (json_object_set_new(body, "version", json_integer(version)) != 0 ||
        json_object_set_new(body, "expires", json_string(expires)) != 0) {
        return no_memory(err);
    }
    return OK;
}

static bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

enum status signing_root_add_key(json_t *root, enum tuf_role role,
                                 const uint8_t public_key[static ED25519_PUBLIC_BYTES],
                                 struct err *err)
{
    JSON_AUTO *object = key_object_new(public_key);
    char keyid[KEY_ID_BYTES];
    if (!object) {
        return no_memory(err);
    }
    enum status status = key_object_id(object, keyid, err);
    if (status != OK) {
        return status;
    }
    json_t *keyids = json_object_get(
        json_object_get(json_object_get(root, "roles"), tuf_role_name(role)), "keyids");
    if (json_object_set(json_object_get(root, "keys"), keyid, object) != 0) {
        return no_memory(err);
    }
    if (!list_has(keyids, keyid) &&
        json_array_append_new(keyids, json_string(keyid)) != 0) {
        return no_memory(err);
    }
    return OK;
}

enum status signing_set_meta(json_t *body, const char *name,
                             const struct signing_file *file, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_BYTES];
    enum status status = sha256_of(file->data, file->len, digest, err);
    if (status != OK) {
        return status;
    }
    hex_encode(digest, sizeof digest, text);
    json_t *meta = json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)file->version,
                             "length", (json_int_t)file->len, "hashes", "sha256", text);
    return json_object_set_new(json_object_get(body, "meta"), name, meta) == 0
               ? OK
               : no_memory(err);
}

enum status signing_add_target(json_t *targets, const char *path, int64_t length,
                               const uint8_t sha256[static 32], json_t *custom,
                               struct err *err)
{
    char text[SHA256_HEX_BYTES];
    hex_encode(sha256, SHA256_BYTES, text);
    JSON_AUTO *entry = json_pack("{s:I, s:{s:s}}", "length", (json_int_t)length, "hashes",
                                 "sha256", text);
    if (!entry || (custom && json_object_set(entry, "custom", custom) != 0) ||
        json_object_set(json_object_get(targets, "targets"), path, entry) != 0) {
        return no_memory(err);
    }
    return OK;
}

static enum status dump_envelope(const json_t *envelope, struct buf *ret_bytes,
                                 struct err *err)
{
    size_t len = json_dumpb(envelope, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
    char *out = len > 0 ? buf_reserve(ret_bytes, len) : NULL;
    if (!out || json_dumpb(envelope, out, len, JSON_COMPACT | JSON_SORT_KEYS) != len) {
        return err_set(err, ERR_LIMIT, "metadata of %zu bytes do not fit", len);
    }
    ret_bytes->len += len;
    buf_addc(ret_bytes, '\n');
    return buf_status(ret_bytes, err);
}

enum status signing_envelope(const json_t *body, const struct signing_key *const *keys,
                             size_t count, struct buf *ret_bytes, struct err *err)
{
    if (count == 0) {
        return err_set(err, ERR_KEY_MISSING, "metadata without any key to sign them");
    }
    BUF_AUTO canonical = BUF_INIT(CANONICAL_MAX);
    enum status status = canonical_json(body, &canonical, err);
    if (status != OK) {
        return status;
    }
    JSON_AUTO *envelope = json_pack("{s:O, s:[]}", "signed", body, "signatures");
    if (!envelope) {
        return no_memory(err);
    }
    json_t *signatures = json_object_get(envelope, "signatures");
    for (size_t i = 0; i < count; i++) {
        char text[ED25519_SIGNATURE_HEX_BYTES];
        signing_key_sign(keys[i], canonical.data, canonical.len, text);
        json_t *entry = json_pack("{s:s, s:s}", "keyid", keys[i]->keyid, "sig", text);
        if (json_array_append_new(signatures, entry) != 0) {
            return no_memory(err);
        }
    }
    return dump_envelope(envelope, ret_bytes, err);
}

enum status signing_envelope_text(const json_t *body, const json_t *signatures,
                                  struct buf *ret_bytes, struct err *err)
{
    JSON_AUTO *envelope =
        json_pack("{s:O, s:O}", "signed", body, "signatures", signatures);
    return envelope ? dump_envelope(envelope, ret_bytes, err) : no_memory(err);
}

enum status signing_timestamp(const struct timestamp_order *order,
                              const struct signing_key *key, struct buf *ret_bytes,
                              int64_t *ret_version, struct err *err)
{
    int64_t version = order->now_ms / SECOND_MS;
    if (order->last_version >= version) {
        version = order->last_version < VERSION_MAX ? order->last_version + 1 : 0;
    }
    int64_t expires_ms = order->now_ms + order->life_ms + SECOND_MS - 1;
    JSON_AUTO *body = NULL;
    enum status status =
        signing_body_new(TUF_ROLE_TIMESTAMP, version, expires_ms, &body, err);
    if (status == OK) {
        status = signing_set_meta(body, "snapshot.json", &order->snapshot, err);
    }
    if (status == OK) {
        status = signing_envelope(body, &key, 1, ret_bytes, err);
    }
    if (status == OK) {
        *ret_version = version;
    }
    return status;
}
