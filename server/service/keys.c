/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/keys.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hex.h"

enum { KEY_BYTES = 32, KEY_TEXT_BYTES = 2 * KEY_BYTES + 1 };

static const char *const NAMES[] = {"session.key", "timestamp.key", "seal.key"};

static const char HASH_DOMAIN[] = "muster-token-v1\n";
static const char LINK_DOMAIN[] = "muster-link-key-v1\n";

static enum status key_path(const char *folder, const char *name,
                            char ret_path[static PATH_MAX], struct err *err)
{
    int len =
        snprintf(ret_path, PATH_MAX, "%s/keys%s%s", folder, name[0] ? "/" : "", name);
    return len > 0 && len < PATH_MAX ? OK
                                     : err_set(err, ERR_LIMIT, "the path is too long");
}

static enum status create_one(const char *path, struct err *err)
{
    uint8_t secret[KEY_BYTES];
    char text[KEY_TEXT_BYTES + 1];
    randombytes_buf(secret, sizeof secret);
    hex_encode(secret, sizeof secret, text);
    text[KEY_TEXT_BYTES - 1] = '\n';
    enum status status = file_create(path, text, KEY_TEXT_BYTES, 0600, err);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(text, sizeof text);
    return status;
}

enum status keys_create(const char *folder, struct err *err)
{
    char path[PATH_MAX];
    if (sodium_init() < 0) {
        return err_set(err, ERR_INTERNAL, "libsodium could not start");
    }
    enum status status = key_path(folder, "", path, err);
    if (status == OK) {
        status = file_mkdirs(path, 0700, err);
    }
    for (size_t i = 0; status == OK && i < sizeof NAMES / sizeof NAMES[0]; i++) {
        status = key_path(folder, NAMES[i], path, err);
        if (status == OK && !file_exists(path)) {
            status = create_one(path, err);
        }
    }
    return status;
}

static enum status load_one(const char *folder, const char *name,
                            uint8_t ret_key[static KEY_BYTES], struct err *err)
{
    char path[PATH_MAX];
    BUF_AUTO text = BUF_INIT(KEY_TEXT_BYTES);
    enum status status = key_path(folder, name, path, err);
    if (status == OK) {
        status = file_read(path, &text, err);
    }
    if (status == ERR_LIMIT ||
        (status == OK &&
         (text.len != KEY_TEXT_BYTES || text.data[KEY_TEXT_BYTES - 1] != '\n'))) {
        err_clear(err);
        return err_set(err, ERR_KEY_FORMAT, "'%s' is not 64 hex digits and a line feed",
                       name);
    }
    if (status == OK) {
        text.data[KEY_TEXT_BYTES - 1] = '\0';
        status = hex_decode(text.data, ret_key, KEY_BYTES, NULL) == OK
                     ? OK
                     : err_set(err, ERR_KEY_FORMAT,
                               "'%s' has other characters than hex "
                               "digits",
                               name);
        sodium_memzero(text.data, text.len);
    }
    return status;
}

enum status keys_load(const char *folder, struct keys *ret_keys, struct err *err)
{
    KEYS_AUTO keys = {0};
    uint8_t seed[ED25519_SEED_BYTES];
    if (sodium_init() < 0) {
        return err_set(err, ERR_INTERNAL, "libsodium could not start");
    }
    enum status status = load_one(folder, "session.key", keys.session, err);
    if (status == OK) {
        status = load_one(folder, "seal.key", keys.seal, err);
    }
    if (status == OK) {
        (void)crypto_generichash(keys.link, sizeof keys.link,
                                 (const uint8_t *)LINK_DOMAIN, sizeof LINK_DOMAIN - 1,
                                 keys.session, sizeof keys.session);
        status = load_one(folder, "timestamp.key", seed, err);
    }
    if (status == OK) {
        status = signing_key_from_seed(seed, &keys.timestamp, err);
        sodium_memzero(seed, sizeof seed);
    }
    if (status == OK) {
        *ret_keys = keys;
    }
    return status;
}

void keys_wipe(struct keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}

void token_generate(const char *prefix, char ret_token[static TOKEN_TEXT_BYTES])
{
    uint8_t secret[TOKEN_SECRET_BYTES];
    randombytes_buf(secret, sizeof secret);
    memcpy(ret_token, prefix, 4);
    base64url_encode(secret, sizeof secret, ret_token + 4);
    sodium_memzero(secret, sizeof secret);
}

void token_hash(const struct keys *keys, const char *token, uint8_t ret_hash[static 32])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, keys->session, sizeof keys->session, 32);
    (void)crypto_generichash_update(&state, (const uint8_t *)HASH_DOMAIN,
                                    sizeof HASH_DOMAIN - 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)token, strlen(token));
    (void)crypto_generichash_final(&state, ret_hash, 32);
    sodium_memzero(&state, sizeof state);
}
