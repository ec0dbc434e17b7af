/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/creation.h"

#include <string.h>

#include "base/file.h"
#include "repo/metadata_file.h"
#include "tuf/json.h"
#include "tuf/signing.h"

static const char MARKER[] = "{\"format\":\"muster-repository/1\"}\n";
static const char TARGETS_FILE[] = "targets.json";

enum { KEYS_MODE = 0700, ROOT_KEYS = 2 };

/* The keys of a new repository, wiped at the end. */
struct fresh_keys {
    struct signing_key root[ROOT_KEYS];
    struct signing_key targets;
    struct signing_key snapshot;
};

static void wipe_fresh_keys(struct fresh_keys *keys)
{
    for (int i = 0; i < ROOT_KEYS; i++) {
        signing_key_wipe(&keys->root[i]);
    }
    signing_key_wipe(&keys->targets);
    signing_key_wipe(&keys->snapshot);
}

static enum status make_keys(struct fresh_keys *ret_keys, struct err *err)
{
    enum status status = signing_key_generate(&ret_keys->root[0], err);
    if (status == OK) {
        status = signing_key_generate(&ret_keys->root[1], err);
    }
    if (status == OK) {
        status = signing_key_generate(&ret_keys->targets, err);
    }
    return status == OK ? signing_key_generate(&ret_keys->snapshot, err) : status;
}

static enum status store_key(const char *folder, const char *label,
                             const struct signing_key *key,
                             const struct repository_order *order, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "keys/%s.key", label);
    return status == OK ? keyfile_create(path.data, label, key, order->passphrase,
                                         &order->cost, err)
                        : status;
}

static enum status store_keys(const char *folder, const struct fresh_keys *keys,
                              const struct repository_order *order, struct err *err)
{
    enum status status = store_key(folder, "root", &keys->root[0], order, err);
    if (status == OK) {
        status = store_key(folder, "root-safe", &keys->root[1], order, err);
    }
    if (status == OK) {
        status = store_key(folder, "targets", &keys->targets, order, err);
    }
    return status == OK ? store_key(folder, "snapshot", &keys->snapshot, order, err)
                        : status;
}

static enum status fill_root(json_t *root, const struct fresh_keys *keys,
                             const struct repository_order *order, struct err *err)
{
    const struct {
        enum tuf_role role;
        const uint8_t *public_key;
    } rows[] = {
        {TUF_ROLE_ROOT, keys->root[0].public_key},
        {TUF_ROLE_ROOT, keys->root[1].public_key},
        {TUF_ROLE_TIMESTAMP, order->timestamp_public},
        {TUF_ROLE_SNAPSHOT, keys->snapshot.public_key},
        {TUF_ROLE_TARGETS, keys->targets.public_key},
    };
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof rows / sizeof rows[0]; i++) {
        status = signing_root_add_key(root, rows[i].role, rows[i].public_key, err);
    }
    return status;
}

static enum status write_first_root(const char *folder, const struct fresh_keys *keys,
                                    const struct repository_order *order, struct err *err)
{
    const struct signing_key *const both[ROOT_KEYS] = {&keys->root[0], &keys->root[1]};
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    JSON_AUTO *body = NULL;
    enum status status =
        signing_body_new(TUF_ROLE_ROOT, 1, order->now_ms + order->life_ms, &body, err);
    if (status == OK) {
        status = fill_root(body, keys, order, err);
    }
    if (status == OK) {
        status = signing_envelope(body, both, ROOT_KEYS, &bytes, err);
    }
    if (status == OK) {
        status = metadata_file_write(folder, "root", 1, &bytes, err);
    }
    if (status == OK) {
        status = folder_path(&path, folder, err, "root.json");
    }
    return status == OK
               ? file_write_atomic(path.data, bytes.data, bytes.len, REPO_FILE_MODE, err)
               : status;
}

static enum status write_first_snapshot(const char *folder, const struct fresh_keys *keys,
                                        const struct repository_order *order,
                                        struct err *err)
{
    const struct signing_key *targets_key = &keys->targets;
    const struct signing_key *snapshot_key = &keys->snapshot;
    int64_t expires_ms = order->now_ms + order->life_ms;
    BUF_AUTO targets = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    BUF_AUTO snapshot = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    JSON_AUTO *targets_body = NULL;
    JSON_AUTO *snapshot_body = NULL;
    enum status status =
        signing_body_new(TUF_ROLE_TARGETS, 1, expires_ms, &targets_body, err);
    if (status == OK) {
        status = signing_envelope(targets_body, &targets_key, 1, &targets, err);
    }
    if (status == OK) {
        status = metadata_file_write(folder, "targets", 1, &targets, err);
    }
    if (status == OK) {
        status = signing_body_new(TUF_ROLE_SNAPSHOT, 1, expires_ms, &snapshot_body, err);
    }
    if (status == OK) {
        struct signing_file file = {
            .data = targets.data, .len = targets.len, .version = 1};
        status = signing_set_meta(snapshot_body, TARGETS_FILE, &file, err);
    }
    if (status == OK) {
        status = signing_envelope(snapshot_body, &snapshot_key, 1, &snapshot, err);
    }
    return status == OK ? metadata_file_write(folder, "snapshot", 1, &snapshot, err)
                        : status;
}

static enum status make_folders(const char *folder, struct err *err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } rows[] = {{"keys", KEYS_MODE},
                {"metadata", REPO_FOLDER_MODE},
                {"targets", REPO_FOLDER_MODE}};
    enum status status = file_mkdirs(folder, REPO_FOLDER_MODE, err);
    for (size_t i = 0; status == OK && i < sizeof rows / sizeof rows[0]; i++) {
        BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
        status = folder_path(&path, folder, err, "%s", rows[i].name);
        if (status == OK) {
            status = file_mkdirs(path.data, rows[i].mode, err);
        }
    }
    return status;
}

static enum status check_timestamp_key(const struct repository_order *order,
                                       struct err *err)
{
    JSON_AUTO *object = key_object_new(order->timestamp_public);
    VERIFY_KEY_AUTO key = {0};
    enum status status = verify_key_parse(object, &key, err);
    if (status == OK && key.kind != KEY_ED25519) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "the timestamp key is no usable Ed25519 public key");
    }
    return status;
}

enum status repository_init(const char *folder, const struct repository_order *order,
                            struct err *err)
{
    __attribute__((cleanup(wipe_fresh_keys))) struct fresh_keys keys = {0};
    BUF_AUTO marker = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&marker, folder, err, "repo.json");
    if (status == OK && file_exists(marker.data)) {
        return err_set(err, ERR_EXISTS, "'%s' holds a repository already", folder);
    }
    if (status == OK) {
        status = check_timestamp_key(order, err);
    }
    if (status == OK) {
        status = make_folders(folder, err);
    }
    if (status == OK) {
        status = make_keys(&keys, err);
    }
    if (status == OK) {
        status = store_keys(folder, &keys, order, err);
    }
    if (status == OK) {
        status = write_first_root(folder, &keys, order, err);
    }
    if (status == OK) {
        status = write_first_snapshot(folder, &keys, order, err);
    }
    return status == OK
               ? file_create(marker.data, MARKER, strlen(MARKER), REPO_FILE_MODE, err)
               : status;
}
