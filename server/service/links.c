/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/links.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "server/service/keys.h"

enum { MAC_BYTES = 32, EXPIRES_DIGITS_MAX = 15 };

static const char DOMAIN[] = "muster-link-v1\n";

static void add(crypto_generichash_state *state, const char *text)
{
    (void)crypto_generichash_update(state, (const uint8_t *)text, strlen(text));
    (void)crypto_generichash_update(state, (const uint8_t *)"\n", 1);
}

static void sign_text(const struct keys *keys, const char *path, const char *expires,
                      char ret_signature[static LINK_SIGNATURE_BYTES])
{
    uint8_t mac[MAC_BYTES];
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, keys->link, sizeof keys->link, sizeof mac);
    (void)crypto_generichash_update(&state, (const uint8_t *)DOMAIN, sizeof DOMAIN - 1);
    add(&state, path);
    add(&state, expires);
    (void)crypto_generichash_final(&state, mac, sizeof mac);
    base64url_encode(mac, sizeof mac, ret_signature);
    sodium_memzero(&state, sizeof state);
}

void link_sign(const struct keys *keys, const char *path, int64_t expires_s,
               char ret_signature[static LINK_SIGNATURE_BYTES])
{
    char expires[24];
    (void)snprintf(expires, sizeof expires, "%" PRId64, expires_s);
    sign_text(keys, path, expires, ret_signature);
}

/* Digits only, as link_sign writes them; 0: anything else. */
static int64_t read_expires(const char *text)
{
    size_t len = strlen(text);
    bool good = len > 0 && len <= EXPIRES_DIGITS_MAX &&
                strspn(text, "0123456789") == len && text[0] != '0';
    return good ? strtoll(text, NULL, 10) : 0;
}

enum status link_check(const struct keys *keys, const struct link_claim *claim,
                       int64_t now_ms, int64_t *ret_left_s, struct err *err)
{
    char signature[LINK_SIGNATURE_BYTES];
    int64_t expires_s = claim->expires ? read_expires(claim->expires) : 0;
    if (expires_s == 0 || !claim->signature ||
        strlen(claim->signature) != sizeof signature - 1) {
        return err_set(err, ERR_ARTIFACT_LINK,
                       "a link needs 'expires' and 'signature' as they were given");
    }
    sign_text(keys, claim->path, claim->expires, signature);
    if (sodium_memcmp(signature, claim->signature, sizeof signature - 1) != 0) {
        return err_set(err, ERR_ARTIFACT_LINK, "this server did not sign this link");
    }
    int64_t left_s = expires_s - now_ms / 1000;
    if (left_s <= 0) {
        return err_set(err, ERR_ARTIFACT_LINK,
                       "the link expired at %" PRId64 ", it is %" PRId64, expires_s,
                       now_ms / 1000);
    }
    *ret_left_s = left_s;
    return OK;
}
