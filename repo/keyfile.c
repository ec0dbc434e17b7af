/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/keyfile.h"

#include "base/file.h"

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
