/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup_keys.h"

#include <assert.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hex.h"
#include "server/backup_files.h"

enum {
    KEY_BYTES = crypto_box_PUBLICKEYBYTES,
    KEY_TEXT_BYTES = 2 * KEY_BYTES + 1, /* with the line feed */
    KEYS_BYTES_MAX = 64 * 1024,
};

static_assert((int)crypto_box_SECRETKEYBYTES == (int)KEY_BYTES, "one length of keys");
static_assert((int)BACKUP_RECIPIENT_BYTES == 2 * (int)KEY_BYTES + 1, "hex and NUL");

static void drop(json_t **tree)
{
    json_decref(*tree);
}

#define TREE_AUTO __attribute__((cleanup(drop))) json_t

static void wipe(struct buf *buf)
{
    if (buf->data) {
        sodium_memzero(buf->data, buf->cap);
    }
    buf_release(buf);
}

/* For secrets. */
#define WIPED_AUTO __attribute__((cleanup(wipe))) struct buf

enum status backup_recipient_create(const char *path,
                                    char ret_recipient[static BACKUP_RECIPIENT_BYTES],
                                    struct err *err)
{
    uint8_t public_key[KEY_BYTES];
    uint8_t secret_key[KEY_BYTES];
    char text[KEY_TEXT_BYTES + 1];
    (void)crypto_box_keypair(public_key, secret_key);
    hex_encode(secret_key, sizeof secret_key, text);
    text[KEY_TEXT_BYTES - 1] = '\n';
    enum status status = file_create(path, text, KEY_TEXT_BYTES, 0600, err);
    sodium_memzero(secret_key, sizeof secret_key);
    sodium_memzero(text, sizeof text);
    if (status == OK) {
        hex_encode(public_key, sizeof public_key, ret_recipient);
    }
    return status;
}

static enum status add_key(void *context, const char *path, struct err *err)
{
    json_t *keys = ((void **)context)[0];
    const char *data = ((void **)context)[1];
    char whole[PATH_MAX];
    WIPED_AUTO text = BUF_INIT(KEYS_BYTES_MAX);
    enum status status = backup_path(data, path, whole, err);
    if (status == OK) {
        status = file_read(whole, &text, err);
    }
    if (status == OK &&
        json_object_set_new(keys, strrchr(path, '/') + 1,
                            json_stringn(text.data ? text.data : "", text.len)) != 0) {
        return err_set(err, ERR_KEY_FORMAT, "'%s' is no text", path);
    }
    return status;
}

static enum status seal(const char *text, const struct manifest *manifest,
                        struct buf *ret_box, struct err *err)
{
    uint8_t recipient[KEY_BYTES];
    size_t len = strlen(text);
    char *box = buf_reserve(ret_box, len + crypto_box_SEALBYTES);
    if (hex_decode(manifest->recipient, recipient, sizeof recipient, NULL) != OK) {
        return err_set(err, ERR_USAGE, "the recipient is not 64 hex digits");
    }
    if (!box) {
        return err_set(err, ERR_NO_MEMORY, "no memory to seal the keys");
    }
    if (crypto_box_seal((uint8_t *)box, (const uint8_t *)text, len, recipient) != 0) {
        return err_set(err, ERR_USAGE, "the recipient is no X25519 key");
    }
    ret_box->len += len + crypto_box_SEALBYTES;
    return OK;
}

enum status backup_keys_seal(const char *data, const char *folder,
                             const struct manifest *manifest,
                             struct manifest_file *ret_file, struct err *err)
{
    char path[PATH_MAX];
    json_t *keys = json_object();
    TREE_AUTO *tree =
        json_pack("{s:s, s:o}", "server_id", manifest->server_id, "keys", keys);
    void *context[] = {keys, (void *)data};
    BUF_AUTO box = BUF_INIT(KEYS_BYTES_MAX);
    if (!tree) {
        return err_set(err, ERR_NO_MEMORY, "no memory to seal the keys");
    }
    enum status status = backup_tree_walk(data, "keys", add_key, context, err);
    if (status == OK && json_object_size(keys) == 0) {
        status = err_set(err, ERR_NOT_FOUND, "there are no keys in '%s/keys'", data);
    }
    if (status != OK) {
        return status;
    }
    char *text = json_dumps(tree, JSON_COMPACT);
    status = text ? seal(text, manifest, &box, err)
                  : err_set(err, ERR_NO_MEMORY, "no memory to seal the keys");
    if (text) {
        sodium_memzero(text, strlen(text));
    }
    free(text);
    if (status == OK) {
        status = backup_path(folder, BACKUP_KEYS_FILE_NAME, path, err);
    }
    if (status == OK) {
        status = file_create(path, box.data, box.len, 0600, err);
    }
    return status == OK ? backup_file_digest(folder, BACKUP_KEYS_FILE_NAME, ret_file, err)
                        : status;
}

static enum status read_secret(const char *path, uint8_t ret_key[static KEY_BYTES],
                               struct err *err)
{
    WIPED_AUTO text = BUF_INIT(KEY_TEXT_BYTES + 1);
    enum status status = file_read(path, &text, err);
    if (status == ERR_NOT_FOUND || status == ERR_IO) {
        return status;
    }
    if (status != OK || text.len != KEY_TEXT_BYTES) {
        err_clear(err);
        return err_set(err, ERR_BACKUP_KEYS, "'%s' is no key of musterd backup-key",
                       path);
    }
    text.data[KEY_TEXT_BYTES - 1] = '\0';
    return hex_decode(text.data, ret_key, KEY_BYTES, NULL) == OK
               ? OK
               : err_set(err, ERR_BACKUP_KEYS, "'%s' is no key of musterd backup-key",
                         path);
}

static enum status unseal(const struct buf *box, const char *key_path,
                          struct buf *ret_text, struct err *err)
{
    uint8_t public_key[KEY_BYTES];
    uint8_t secret_key[KEY_BYTES];
    enum status status = read_secret(key_path, secret_key, err);
    if (status != OK) {
        return status;
    }
    size_t len = box->len > crypto_box_SEALBYTES ? box->len - crypto_box_SEALBYTES : 0;
    char *text = buf_reserve(ret_text, len + 1);
    (void)crypto_scalarmult_base(public_key, secret_key);
    bool opened = text && len > 0 &&
                  crypto_box_seal_open((uint8_t *)text, (const uint8_t *)box->data,
                                       box->len, public_key, secret_key) == 0;
    sodium_memzero(secret_key, sizeof secret_key);
    if (!opened) {
        return err_set(err, ERR_BACKUP_KEYS, "'%s' does not open the keys of this backup",
                       key_path);
    }
    ret_text->len += len;
    return OK;
}

static enum status write_keys(json_t *keys, const char *data, struct err *err)
{
    char path[PATH_MAX];
    char name[MANIFEST_PATH_BYTES];
    const char *key = NULL;
    json_t *value = NULL;
    enum status status = backup_path(data, "keys", path, err);
    if (status == OK) {
        status = file_mkdirs(path, 0700, err);
    }
    json_object_foreach(keys, key, value)
    {
        const char *text = json_string_value(value);
        if (status == OK && (!text || strchr(key, '/') || key[0] == '.')) {
            status = err_set(err, ERR_BACKUP_DAMAGED, "'%.32s' is no name of a key", key);
        }
        if (status == OK) {
            (void)snprintf(name, sizeof name, "keys/%s", key);
            status = backup_path(data, name, path, err);
        }
        if (status == OK) {
            status = file_create(path, text, strlen(text), 0600, err);
        }
    }
    return status;
}

enum status backup_keys_open(const char *folder, const struct manifest *manifest,
                             const char *key_path, const char *data, struct err *err)
{
    char path[PATH_MAX];
    BUF_AUTO box = BUF_INIT(KEYS_BYTES_MAX);
    WIPED_AUTO text = BUF_INIT(KEYS_BYTES_MAX);
    const char *server_id = NULL;
    json_t *keys = NULL;
    enum status status = backup_path(folder, BACKUP_KEYS_FILE_NAME, path, err);
    if (status == OK) {
        status = file_read(path, &box, err);
    }
    if (status == OK) {
        status = unseal(&box, key_path, &text, err);
    }
    if (status != OK) {
        return status;
    }
    TREE_AUTO *tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!tree ||
        json_unpack(tree, "{s:s, s:o}", "server_id", &server_id, "keys", &keys) != 0 ||
        !json_is_object(keys) || strcmp(server_id, manifest->server_id) != 0) {
        return err_set(err, ERR_BACKUP_DAMAGED,
                       BACKUP_KEYS_FILE_NAME " belongs to another backup");
    }
    return data ? write_keys(keys, data, err) : OK;
}
