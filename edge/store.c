/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/store.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"

enum { POINTER_BYTES = 4096 };

static bool take_text(const json_t *object, const char *name,
                      char ret_text[static MODEL_TEXT_BYTES])
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= MODEL_TEXT_BYTES) {
        return false;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static bool parse_pointer(const json_t *tree, struct model_record *ret_record)
{
    struct model_record record = {0};
    char artifact[MODEL_TEXT_BYTES];
    record.seq = json_integer_value(json_object_get(tree, "seq"));
    record.length = json_integer_value(json_object_get(tree, "length"));
    if (!take_text(tree, "model", record.model) ||
        !take_text(tree, "version", record.version) ||
        !take_text(tree, "artifact", artifact) ||
        hex_decode(artifact, record.artifact, 32, NULL) != OK || record.length <= 0) {
        return false;
    }
    *ret_record = record;
    return true;
}

static bool read_pointer(const struct store *store, const char *name,
                         struct model_record *ret_record)
{
    char path[EDGE_PATH_BYTES];
    BUF_AUTO text = BUF_INIT(POINTER_BYTES);
    if (env_join(store->folder, name, path, NULL) != OK ||
        file_read(path, &text, NULL) != OK || !text.data) {
        return false;
    }
    json_t *tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    bool ok = parse_pointer(tree, ret_record);
    json_decref(tree);
    return ok;
}

static enum status write_pointer(const struct store *store, const char *name,
                                 const struct model_record *record, struct err *err)
{
    char path[EDGE_PATH_BYTES], artifact[SHA256_HEX_BYTES];
    hex_encode(record->artifact, sizeof record->artifact, artifact);
    BUF_AUTO text = BUF_INIT(POINTER_BYTES);
    buf_addstr(&text, "{\"model\":");
    buf_add_json(&text, record->model);
    buf_addstr(&text, ",\"version\":");
    buf_add_json(&text, record->version);
    buf_addf(&text, ",\"seq\":%lld,\"length\":%lld,\"artifact\":\"%s\"}\n",
             (long long)record->seq, (long long)record->length, artifact);
    enum status status = buf_status(&text, err);
    if (status == OK) {
        status = env_join(store->folder, name, path, err);
    }
    return status == OK ? file_write_atomic(path, text.data, text.len, 0600, err)
                        : status;
}

enum status store_open(struct store *store, const char *state_folder, struct err *err)
{
    *store = (struct store){0};
    enum status status = env_join(state_folder, "models", store->folder, err);
    if (status == OK) {
        status = file_mkdirs(store->folder, 0700, err);
    }
    if (status == OK) {
        file_sweep_temporary(store->folder);
        store->has_active = read_pointer(store, "active", &store->active);
        store->has_previous = read_pointer(store, "previous", &store->previous);
    }
    return status;
}

enum status store_path(const struct store *store, const uint8_t artifact[static 32],
                       char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    char name[SHA256_HEX_BYTES];
    hex_encode(artifact, 32, name);
    return env_join(store->folder, name, ret_path, err);
}

static enum status load_record(const struct store *store,
                               const struct model_record *record,
                               struct edge_model **ret_model, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    uint8_t digest[32];
    uint64_t length = 0;
    enum status status = store_path(store, record->artifact, path, err);
    if (status == OK) {
        status = file_sha256(path, digest, &length, err);
    }
    if (status != OK) {
        return status;
    }
    if (memcmp(digest, record->artifact, sizeof digest) != 0) {
        return err_set(err, ERR_TUF_HASH, "'%s' is damaged on disk", path);
    }
    return model_load(path, record, ret_model, err);
}

void store_load(struct store *store, const struct trust *trust,
                struct edge_model **ret_model, struct err *ret_why)
{
    *ret_model = NULL;
    if (store->has_active &&
        load_record(store, &store->active, ret_model, ret_why) == OK) {
        return;
    }
    store->has_active = false;
    if (store->has_previous &&
        store->previous.seq >= trust_floor(trust, store->previous.model) &&
        load_record(store, &store->previous, ret_model, ret_why) == OK) {
        store->active = store->previous;
        store->has_active = true;
    }
}

static bool is_kept(const struct store *store, const char *name)
{
    char active[SHA256_HEX_BYTES], previous[SHA256_HEX_BYTES];
    hex_encode(store->active.artifact, 32, active);
    hex_encode(store->previous.artifact, 32, previous);
    return strcmp(name, active) == 0 ||
           (store->has_previous && strcmp(name, previous) == 0);
}

static void collect_garbage(const struct store *store)
{
    DIR *folder = opendir(store->folder);
    const struct dirent *item;
    while (folder && (item = readdir(folder)) != NULL) {
        char path[EDGE_PATH_BYTES];
        if (strlen(item->d_name) == SHA256_HEX_BYTES - 1 &&
            !is_kept(store, item->d_name) &&
            env_join(store->folder, item->d_name, path, NULL) == OK) {
            unlink(path);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

static bool is_same(const struct model_record *a, const struct model_record *b)
{
    return memcmp(a->artifact, b->artifact, sizeof a->artifact) == 0;
}

enum status store_activate(struct store *store, const struct model_record *record,
                           struct err *err)
{
    bool keep = store->has_active && !is_same(&store->active, record);
    if (keep) {
        enum status status = write_pointer(store, "previous", &store->active, err);
        if (status != OK) {
            return status;
        }
        store->previous = store->active;
        store->has_previous = true;
    }
    enum status status = write_pointer(store, "active", record, err);
    if (status != OK) {
        return status;
    }
    store->active = *record;
    store->has_active = true;
    collect_garbage(store);
    return OK;
}
