/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/sealed_key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "tuf/canonical.h"
#include "tuf/json.h"

static const char FORMAT[] = "muster-key/1";
static const char KDF_NAME[] = "argon2id13";
static const char CIPHER[] = "xchacha20-poly1305";
static const char KEYTYPE[] = "ed25519";
static const char LABEL_CHARS[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

enum {
    SALT_BYTES = crypto_pwhash_SALTBYTES,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEAL_KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    BOX_BYTES = ED25519_SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    OPS_MAX = 16,
};

static const uint64_t MEM_MAX_BYTES = (uint64_t)1 << 30;

/* A parsed file. */
struct sealed {
    struct sealed_key_info info;
    struct key_cost cost;
    uint8_t salt[SALT_BYTES];
    uint8_t nonce[NONCE_BYTES];
    uint8_t box[BOX_BYTES];
};

static void wipe_seal_key(uint8_t (*key)[SEAL_KEY_BYTES])
{
    sodium_memzero(*key, sizeof *key);
}

static void wipe_seed(uint8_t (*seed)[ED25519_SEED_BYTES])
{
    sodium_memzero(*seed, sizeof *seed);
}

#define SEAL_KEY_AUTO __attribute__((cleanup(wipe_seal_key))) uint8_t
#define SEED_AUTO __attribute__((cleanup(wipe_seed))) uint8_t

static bool label_valid(const char *label)
{
    size_t len = strlen(label);
    return len > 0 && len < KEY_LABEL_BYTES && strspn(label, LABEL_CHARS) == len;
}

static enum status derive(const struct sealed *sealed, const char *passphrase,
                          uint8_t ret_key[static SEAL_KEY_BYTES], struct err *err)
{
    if (crypto_pwhash(ret_key, SEAL_KEY_BYTES, passphrase, strlen(passphrase),
                      sealed->salt, sealed->cost.ops, (size_t)sealed->cost.mem_bytes,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return err_set(err, ERR_NO_MEMORY, "no memory (%llu bytes) to derive the key",
                       (unsigned long long)sealed->cost.mem_bytes);
    }
    return OK;
}

static json_t *header_new(const struct sealed *sealed)
{
    char public_text[2 * ED25519_PUBLIC_BYTES + 1];
    char salt[2 * SALT_BYTES + 1];
    char nonce[2 * NONCE_BYTES + 1];
    hex_encode(sealed->info.public_key, ED25519_PUBLIC_BYTES, public_text);
    hex_encode(sealed->salt, SALT_BYTES, salt);
    hex_encode(sealed->nonce, NONCE_BYTES, nonce);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:I, s:I, s:s}}",
                     "format", FORMAT, "label", sealed->info.label, "keytype", KEYTYPE,
                     "public", public_text, "keyid", sealed->info.keyid, "cipher", CIPHER,
                     "nonce", nonce, "kdf", "name", KDF_NAME, "ops",
                     (json_int_t)sealed->cost.ops, "mem_bytes",
                     (json_int_t)sealed->cost.mem_bytes, "salt", salt);
}

static enum status seal(struct sealed *sealed, const json_t *header,
                        const struct signing_key *key, const char *passphrase,
                        struct err *err)
{
    SEAL_KEY_AUTO seal_key[SEAL_KEY_BYTES];
    SEED_AUTO seed[ED25519_SEED_BYTES];
    BUF_AUTO bound = BUF_INIT(SEALED_KEY_MAX_BYTES);
    enum status status = canonical_json(header, &bound, err);
    if (status == OK) {
        status = derive(sealed, passphrase, seal_key, err);
    }
    if (status != OK) {
        return status;
    }
    signing_key_seed(key, seed);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed->box, NULL, seed, sizeof seed, (const uint8_t *)bound.data, bound.len,
        NULL, sealed->nonce, seal_key);
    return OK;
}

static enum status add_text(const struct sealed *sealed, json_t *header,
                            struct buf *ret_text, struct err *err)
{
    char box[2 * BOX_BYTES + 1];
    hex_encode(sealed->box, BOX_BYTES, box);
    JSON_AUTO *file = json_pack("{s:O, s:s}", "header", header, "box", box);
    char *text = file ? json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    if (!text) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a sealed key");
    }
    buf_addstr(ret_text, text);
    buf_addc(ret_text, '\n');
    free(text);
    return buf_status(ret_text, err);
}

enum status sealed_key_make(const char *label, const struct signing_key *key,
                            const char *passphrase, const struct key_cost *cost,
                            struct buf *ret_text, struct err *err)
{
    if (passphrase[0] == '\0') {
        return err_set(err, ERR_KEY_PASSPHRASE, "the passphrase is empty");
    }
    if (!label_valid(label) || sodium_init() < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "cannot name a key '%.40s'", label);
    }
    struct sealed sealed = {.cost = *cost};
    memcpy(sealed.info.label, label, strlen(label) + 1);
    memcpy(sealed.info.keyid, key->keyid, sizeof sealed.info.keyid);
    memcpy(sealed.info.public_key, key->public_key, ED25519_PUBLIC_BYTES);
    randombytes_buf(sealed.salt, sizeof sealed.salt);
    randombytes_buf(sealed.nonce, sizeof sealed.nonce);
    JSON_AUTO *header = header_new(&sealed);
    if (!header) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a key file");
    }
    enum status status = seal(&sealed, header, key, passphrase, err);
    return status == OK ? add_text(&sealed, header, ret_text, err) : status;
}

static enum status expect_text(const json_t *object, const char *name,
                               const char *expected, struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(object, name, &text, err);
    if (status == OK && strcmp(text, expected) != 0) {
        return err_set(err, ERR_KEY_FORMAT, "'%s': '%s' expected, '%.40s' found", name,
                       expected, text);
    }
    return status;
}

static enum status read_hex(const json_t *object, const char *name, uint8_t *ret_data,
                            size_t len, struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(object, name, &text, err);
    if (status == OK && hex_decode(text, ret_data, len, NULL) != OK) {
        return err_set(err, ERR_KEY_FORMAT, "'%s': %zu hex digits expected", name,
                       2 * len);
    }
    return status;
}

static enum status read_cost(const json_t *kdf, struct key_cost *ret_cost,
                             struct err *err)
{
    int64_t ops = 0;
    int64_t mem_bytes = 0;
    enum status status = tuf_json_integer(kdf, "ops", 1, &ops, err);
    if (status == OK) {
        status = tuf_json_integer(kdf, "mem_bytes", 8192, &mem_bytes, err);
    }
    if (status != OK) {
        return status;
    }
    if (ops > OPS_MAX || (uint64_t)mem_bytes > MEM_MAX_BYTES) {
        return err_set(err, ERR_KEY_FORMAT,
                       "the file asks for %lld passes over %lld bytes, at most %d and "
                       "%llu expected",
                       (long long)ops, (long long)mem_bytes, OPS_MAX,
                       (unsigned long long)MEM_MAX_BYTES);
    }
    *ret_cost = (struct key_cost){.ops = (uint64_t)ops, .mem_bytes = (uint64_t)mem_bytes};
    return OK;
}

static enum status read_info(const json_t *header, struct sealed_key_info *ret_info,
                             struct err *err)
{
    const char *label = NULL;
    uint8_t keyid[32];
    enum status status = expect_text(header, "format", FORMAT, err);
    if (status == OK) {
        status = expect_text(header, "keytype", KEYTYPE, err);
    }
    if (status == OK) {
        status = expect_text(header, "cipher", CIPHER, err);
    }
    if (status == OK) {
        status = tuf_json_text(header, "label", &label, err);
    }
    if (status == OK) {
        status = read_hex(header, "keyid", keyid, sizeof keyid, err);
    }
    if (status == OK) {
        status =
            read_hex(header, "public", ret_info->public_key, ED25519_PUBLIC_BYTES, err);
    }
    if (status != OK) {
        return status;
    }
    if (!label_valid(label)) {
        return err_set(err, ERR_KEY_FORMAT, "'label': a name expected, '%.40s' found",
                       label);
    }
    memcpy(ret_info->label, label, strlen(label) + 1);
    hex_encode(keyid, sizeof keyid, ret_info->keyid);
    return OK;
}

static enum status read_sealed(const json_t *file, const json_t **ret_header,
                               struct sealed *ret_sealed, struct err *err)
{
    const json_t *header = NULL;
    const json_t *kdf = NULL;
    enum status status = tuf_json_object(file, "header", &header, err);
    if (status == OK) {
        status = read_info(header, &ret_sealed->info, err);
    }
    if (status == OK) {
        status = tuf_json_object(header, "kdf", &kdf, err);
    }
    if (status == OK) {
        status = expect_text(kdf, "name", KDF_NAME, err);
    }
    if (status == OK) {
        status = read_cost(kdf, &ret_sealed->cost, err);
    }
    if (status == OK) {
        status = read_hex(kdf, "salt", ret_sealed->salt, SALT_BYTES, err);
    }
    if (status == OK) {
        status = read_hex(header, "nonce", ret_sealed->nonce, NONCE_BYTES, err);
    }
    if (status == OK) {
        status = read_hex(file, "box", ret_sealed->box, BOX_BYTES, err);
    }
    if (status == OK) {
        *ret_header = header;
    }
    return status;
}

/* Parses; errors about its form become ERR_KEY_FORMAT. The tree owns the header. */
static enum status load(const void *text, size_t len, json_t **ret_tree,
                        const json_t **ret_header, struct sealed *ret_sealed,
                        struct err *err)
{
    struct err reason = {0};
    JSON_AUTO *tree = NULL;
    enum status status = tuf_json_parse(text, len, SEALED_KEY_MAX_BYTES, &tree, &reason);
    if (status == OK) {
        status = read_sealed(tree, ret_header, ret_sealed, &reason);
    }
    if (status != OK) {
        return err_set(err, ERR_KEY_FORMAT, "sealed key: %s", reason.detail);
    }
    *ret_tree = tree;
    tree = NULL;
    return OK;
}

enum status sealed_key_open(const void *text, size_t len, const char *passphrase,
                            struct signing_key *ret_key, struct err *err)
{
    JSON_AUTO *tree = NULL;
    const json_t *header = NULL;
    struct sealed sealed;
    SEAL_KEY_AUTO seal_key[SEAL_KEY_BYTES];
    SEED_AUTO seed[ED25519_SEED_BYTES];
    BUF_AUTO bound = BUF_INIT(SEALED_KEY_MAX_BYTES);
    enum status status = load(text, len, &tree, &header, &sealed, err);
    if (status == OK) {
        status = canonical_json(header, &bound, err);
    }
    if (status == OK) {
        status = derive(&sealed, passphrase, seal_key, err);
    }
    if (status != OK) {
        return status;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            seed, NULL, NULL, sealed.box, sizeof sealed.box, (const uint8_t *)bound.data,
            bound.len, sealed.nonce, seal_key) != 0) {
        return err_set(err, ERR_KEY_PASSPHRASE,
                       "wrong passphrase, or the key was changed");
    }
    SIGNING_KEY_AUTO key;
    status = signing_key_from_seed(seed, &key, err);
    if (status != OK) {
        return status;
    }
    if (memcmp(key.public_key, sealed.info.public_key, ED25519_PUBLIC_BYTES) != 0) {
        return err_set(err, ERR_KEY_FORMAT, "sealed key: its halves do not fit");
    }
    *ret_key = key;
    return OK;
}

enum status sealed_key_describe(const void *text, size_t len,
                                struct sealed_key_info *ret_info, struct err *err)
{
    JSON_AUTO *tree = NULL;
    const json_t *header = NULL;
    struct sealed sealed;
    enum status status = load(text, len, &tree, &header, &sealed, err);
    if (status == OK) {
        *ret_info = sealed.info;
    }
    return status;
}
