/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/public_key.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "tuf/json.h"
#include "tuf/sealed_key.h"

static const char PEM_BEGIN[] = "-----BEGIN PUBLIC KEY-----";

/* Whether an object could verify anything. */
static bool is_usable(const json_t *object)
{
    VERIFY_KEY_AUTO key = {0};
    return object && verify_key_parse(object, &key, NULL) == OK &&
           key.kind != KEY_UNKNOWN;
}

static json_t *from_hex(const char *text)
{
    uint8_t public_key[ED25519_PUBLIC_BYTES];
    return hex_decode(text, public_key, sizeof public_key, NULL) == OK
               ? key_object_new(public_key)
               : NULL;
}

static json_t *from_pem(const char *text)
{
    json_t *object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ecdsa", "scheme",
                               "ecdsa-sha2-nistp256", "keyval", "public", text);
    if (!is_usable(object)) {
        json_decref(object);
        object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", "rsa", "scheme",
                           "rsassa-pss-sha256", "keyval", "public", text);
    }
    return object;
}

static json_t *from_json(const char *text, size_t len)
{
    struct sealed_key_info info;
    json_t *tree = NULL;
    if (sealed_key_describe(text, len, &info, NULL) == OK) {
        return key_object_new(info.public_key);
    }
    return tuf_json_parse(text, len, PUBLIC_KEY_TEXT_MAX, &tree, NULL) == OK ? tree
                                                                             : NULL;
}

static json_t *read_text(const struct buf *text)
{
    if (strncmp(text->data, PEM_BEGIN, sizeof PEM_BEGIN - 1) == 0) {
        return from_pem(text->data);
    }
    return text->data[0] == '{' ? from_json(text->data, text->len) : from_hex(text->data);
}

enum status public_key_parse(const char *text, size_t len, json_t **ret_object,
                             char ret_keyid[static KEY_ID_BYTES], struct err *err)
{
    BUF_AUTO trimmed = BUF_INIT(PUBLIC_KEY_TEXT_MAX);
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    while (len > 0 && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    buf_add(&trimmed, text, len);
    JSON_AUTO *object = NULL;
    if (len > 0 && buf_status(&trimmed, NULL) == OK && strlen(trimmed.data) == len) {
        object = read_text(&trimmed);
    }
    if (!is_usable(object)) {
        return err_set(err, ERR_KEY_FORMAT,
                       "a public key expected: 64 hex digits, a key file, what 'muster "
                       "key export --public' wrote, or PEM of ECDSA P-256 or RSA");
    }
    enum status status = key_object_id(object, ret_keyid, err);
    if (status == OK) {
        *ret_object = object;
        object = NULL;
    }
    return status;
}
