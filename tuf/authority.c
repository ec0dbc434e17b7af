/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/authority.h"

#include <stdlib.h>
#include <string.h>

#include "tuf/envelope.h"
#include "tuf/json.h"

enum status keyring_read(const json_t *object, struct tuf_keyring *ret_keyring,
                         struct err *err)
{
    const json_t *keys = NULL;
    enum status status = tuf_json_object(object, "keys", &keys, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_object_size(keys);
    if (count > TUF_KEYS_MAX) {
        return envelope_too_many("keys", TUF_KEYS_MAX, count, err);
    }
    ret_keyring->keys = calloc(count + 1, sizeof *ret_keyring->keys);
    if (!ret_keyring->keys) {
        return err_set(err, ERR_NO_MEMORY, "no memory for keys");
    }
    const char *keyid = NULL;
    json_t *item = NULL;
    json_object_foreach((json_t *)keys, keyid, item)
    {
        struct tuf_keyring_key *key = &ret_keyring->keys[ret_keyring->count++];
        key->keyid = keyid;
        status = verify_key_parse(item, &key->key, err);
        if (status != OK) {
            err_prefix(err, "key '%.64s'", keyid);
            return status;
        }
    }
    return OK;
}

void keyring_release(struct tuf_keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++) {
        verify_key_release(&keyring->keys[i].key);
    }
    free(keyring->keys);
    *keyring = (struct tuf_keyring){0};
}

static enum status check_keyids(const json_t *keyids, struct err *err)
{
    size_t count = json_array_size(keyids);
    if (count > TUF_KEYS_MAX) {
        return envelope_too_many("keyids", TUF_KEYS_MAX, count, err);
    }
    for (size_t i = 0; i < count; i++) {
        const char *keyid = json_string_value(json_array_get(keyids, i));
        if (!keyid) {
            return err_set(err, ERR_TUF_FORMAT, "'keyids': texts expected, %s found",
                           tuf_json_kind(json_array_get(keyids, i)));
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(json_string_value(json_array_get(keyids, k)), keyid) == 0) {
                return err_set(err, ERR_TUF_ROLE,
                               "'keyids': each once expected, '%.64s' found twice",
                               keyid);
            }
        }
    }
    return OK;
}

enum status authority_read(const json_t *object, struct tuf_authority *ret_authority,
                           struct err *err)
{
    struct tuf_authority found = {0};
    enum status status = tuf_json_array(object, "keyids", &found.keyids, err);
    if (status == OK) {
        status = check_keyids(found.keyids, err);
    }
    if (status == OK) {
        status = tuf_json_integer(object, "threshold", INT64_MIN, &found.threshold, err);
    }
    if (status == OK && found.threshold < 1) {
        status =
            err_set(err, ERR_TUF_ROLE, "'threshold': at least 1 expected, %lld found",
                    (long long)found.threshold);
    }
    if (status == OK) {
        *ret_authority = found;
    }
    return status;
}

static const struct verify_key *key_of(const struct tuf_root *root, const json_t *keyid)
{
    for (size_t i = 0; i < root->keyring.count; i++) {
        if (strcmp(root->keyring.keys[i].keyid, json_string_value(keyid)) == 0) {
            return &root->keyring.keys[i].key;
        }
    }
    return NULL;
}

static bool may_sign(const struct tuf_root *root, enum tuf_role role,
                     const struct verify_key *wanted)
{
    const json_t *keyids = root->roles[role].keyids;
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        const struct verify_key *key = key_of(root, json_array_get(keyids, i));
        if (key && memcmp(key->identity, wanted->identity, sizeof key->identity) == 0) {
            return true;
        }
    }
    return false;
}

bool authority_drops_key(const struct tuf_root *before, const struct tuf_root *after,
                         enum tuf_role role)
{
    const json_t *keyids = before->roles[role].keyids;
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        const struct verify_key *key = key_of(before, json_array_get(keyids, i));
        if (key && key->kind != KEY_UNKNOWN && !may_sign(after, role, key)) {
            return true;
        }
    }
    return false;
}
