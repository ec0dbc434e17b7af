/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/identity.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"

enum { SEED_BYTES = 32 };

static void use_seed(struct identity *identity, const uint8_t seed[static SEED_BYTES])
{
    crypto_sign_seed_keypair(identity->public_key, identity->secret, seed);
}

static enum status create_key(const char *path, uint8_t ret_seed[static SEED_BYTES],
                              struct err *err)
{
    char text[2 * SEED_BYTES + 2];
    randombytes_buf(ret_seed, SEED_BYTES);
    hex_encode(ret_seed, SEED_BYTES, text);
    text[2 * SEED_BYTES] = '\n';
    enum status status = file_create(path, text, 2 * SEED_BYTES + 1, 0600, err);
    sodium_memzero(text, sizeof text);
    return status;
}

static enum status read_key(const char *path, uint8_t ret_seed[static SEED_BYTES],
                            struct err *err)
{
    BUF_AUTO text = BUF_INIT(256);
    enum status status = file_read(path, &text, err);
    if (status != OK) {
        return status;
    }
    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.data[--text.len] = '\0';
    }
    status =
        text.len > 0 ? hex_decode(text.data, ret_seed, SEED_BYTES, NULL) : ERR_KEY_FORMAT;
    if (text.data) {
        sodium_memzero(text.data, text.cap);
    }
    return status == OK ? OK
                        : err_set(err, ERR_KEY_FORMAT, "damaged key file '%s'", path);
}

static enum status load_key(struct identity *identity, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    uint8_t seed[SEED_BYTES];
    enum status status = env_join(identity->folder, "key", path, err);
    if (status == OK) {
        status =
            file_exists(path) ? read_key(path, seed, err) : create_key(path, seed, err);
    }
    if (status == OK) {
        use_seed(identity, seed);
    }
    sodium_memzero(seed, sizeof seed);
    return status;
}

/* A damaged or missing node.json only means enrolling again with the same key. */
static void load_node(struct identity *identity)
{
    char path[EDGE_PATH_BYTES];
    json_t *tree = env_join(identity->folder, "node.json", path, NULL) == OK
                       ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    int64_t node_id = json_integer_value(json_object_get(tree, "node_id"));
    const char *server_id = json_string_value(json_object_get(tree, "server_id"));
    if (node_id > 0 && server_id && strlen(server_id) == SERVER_ID_BYTES - 1) {
        identity->node_id = node_id;
        memcpy(identity->server_id, server_id, SERVER_ID_BYTES);
    }
    json_decref(tree);
}

enum status identity_open(const char *state_folder, struct identity *ret_identity,
                          struct err *err)
{
    *ret_identity = (struct identity){0};
    if (sodium_init() < 0) {
        return err_set(err, ERR_INTERNAL, "could not start libsodium");
    }
    enum status status = env_join(state_folder, "identity", ret_identity->folder, err);
    if (status == OK) {
        status = file_mkdirs(ret_identity->folder, 0700, err);
    }
    if (status == OK) {
        file_sweep_temporary(ret_identity->folder);
        status = load_key(ret_identity, err);
    }
    if (status == OK) {
        load_node(ret_identity);
    }
    return status;
}

static bool is_server_id(const char *text)
{
    return strlen(text) == SERVER_ID_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == SERVER_ID_BYTES - 1;
}

enum status identity_enrolled(struct identity *identity, int64_t node_id,
                              const char *server_id, struct err *err)
{
    if (node_id <= 0 || !server_id || !is_server_id(server_id)) {
        return err_set(err, ERR_NET_STATUS, "enrolment was answered without usable ids");
    }
    char path[EDGE_PATH_BYTES];
    char text[128];
    int len = snprintf(text, sizeof text, "{\"node_id\":%lld,\"server_id\":\"%s\"}\n",
                       (long long)node_id, server_id);
    enum status status = env_join(identity->folder, "node.json", path, err);
    if (status == OK) {
        status = file_write_atomic(path, text, (size_t)len, 0600, err);
    }
    if (status == OK) {
        identity->node_id = node_id;
        memcpy(identity->server_id, server_id, SERVER_ID_BYTES);
    }
    return status;
}

void identity_sign(const struct identity *identity, const char *text,
                   char ret_signature[static IDENTITY_SIGNATURE_HEX])
{
    uint8_t signature[64];
    crypto_sign_detached(signature, NULL, (const unsigned char *)text, strlen(text),
                         identity->secret);
    hex_encode(signature, sizeof signature, ret_signature);
}

void identity_release(struct identity *identity)
{
    sodium_memzero(identity->secret, sizeof identity->secret);
}
