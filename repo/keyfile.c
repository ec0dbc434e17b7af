/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/keyfile.h"

#include <string.h>

#include "base/file.h"
#include "tuf/public_key.h"

enum { FILE_MODE = 0600 };

enum status keyfile_create(const char *path, const char *label,
                           const struct signing_key *key, const char *passphrase,
                           const struct key_cost *cost, struct err *err)
{
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    enum status status = sealed_key_make(label, key, passphrase, cost, &text, err);
    return status == OK ? file_create(path, text.data, text.len, FILE_MODE, err) : status;
}

static enum status read_text(const char *path, struct buf *ret_text, struct err *err)
{
    enum status status = file_read(path, ret_text, err);
    if (status == OK && ret_text->len == 0) {
        return err_set(err, ERR_KEY_FORMAT, "key file '%.120s' is empty", path);
    }
    return status;
}

enum status keyfile_open(const char *path, const char *passphrase,
                         struct signing_key *ret_key, struct err *err)
{
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    enum status status = read_text(path, &text, err);
    if (status != OK) {
        return status;
    }
    status = sealed_key_open(text.data, text.len, passphrase, ret_key, err);
    if (status != OK) {
        err_prefix(err, "key file '%.120s'", path);
    }
    return status;
}

enum status keyfile_describe(const char *path, struct sealed_key_info *ret_info,
                             struct err *err)
{
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    enum status status = read_text(path, &text, err);
    if (status != OK) {
        return status;
    }
    status = sealed_key_describe(text.data, text.len, ret_info, err);
    if (status != OK) {
        err_prefix(err, "key file '%.120s'", path);
    }
    return status;
}

enum status keyfile_public(const char *text, json_t **ret_object,
                           char ret_keyid[static KEY_ID_BYTES], struct err *err)
{
    size_t len = strlen(text);
    if (len == (size_t)2 * ED25519_PUBLIC_BYTES &&
        strspn(text, "0123456789abcdefABCDEF") == len) {
        return public_key_parse(text, len, ret_object, ret_keyid, err);
    }
    BUF_AUTO bytes = BUF_INIT(PUBLIC_KEY_TEXT_MAX);
    enum status status = file_read(text, &bytes, err);
    if (status == OK) {
        status = public_key_parse(bytes.data ? bytes.data : "", bytes.len, ret_object,
                                  ret_keyid, err);
    }
    if (status != OK) {
        err_prefix(err, "'%.80s'", text);
    }
    return status;
}
