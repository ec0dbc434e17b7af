/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/store.h"

#include <dirent.h>
#include <inttypes.h>
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

/* What pointers of before had not yet. */
static void take_path(const json_t *object, struct model_record *record)
{
    const char *path = json_string_value(json_object_get(object, "path"));
    const char *revoke = json_string_value(json_object_get(object, "on_revoke"));
    if (path && strlen(path) < sizeof record->path) {
        memcpy(record->path, path, strlen(path) + 1);
    }
    record->stop_on_revoke = revoke && strcmp(revoke, "stop") == 0;
    record->withdrawn = json_is_true(json_object_get(object, "withdrawn"));
}

static bool parse_pointer(const json_t *tree, struct model_record *ret_record)
{
    struct model_record record = {0};
    char artifact[MODEL_TEXT_BYTES];
    (void)take_text(tree, "format", record.format); /* older ones have none */
    record.seq = json_integer_value(json_object_get(tree, "seq"));
    record.length = json_integer_value(json_object_get(tree, "length"));
    take_path(tree, &record);
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
    buf_addstr(&text, ",\"format\":");
    buf_add_json(&text, record->format);
    buf_addstr(&text, ",\"path\":");
    buf_add_json(&text, record->path);
    buf_addf(&text,
             ",\"seq\":%lld,\"length\":%lld,\"artifact\":\"%s\",\"on_revoke\":\"%s\","
             "\"withdrawn\":%s}\n",
             (long long)record->seq, (long long)record->length, artifact,
             record->stop_on_revoke ? "stop" : "keep",
             record->withdrawn ? "true" : "false");
    enum status status = buf_status(&text, err);
    if (status == OK) {
        status = env_join(store->folder, name, path, err);
    }
    return status == OK ? file_write_atomic(path, text.data, text.len, 0600, err)
                        : status;
}

static enum status remove_pointer(const struct store *store, const char *name,
                                  struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = env_join(store->folder, name, path, err);
    return status == OK ? file_remove(path, err) : status;
}

static bool is_same(const struct model_record *a, const struct model_record *b)
{
    return memcmp(a->artifact, b->artifact, sizeof a->artifact) == 0;
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
        /* Left but still active: the swap did not happen. */
        store->has_left = read_pointer(store, "left", &store->left) &&
                          !(store->has_active && is_same(&store->left, &store->active));
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
    char path[EDGE_PATH_BYTES], expected[SHA256_HEX_BYTES], found[SHA256_HEX_BYTES];
    uint8_t digest[32];
    uint64_t length = 0;
    if (record->withdrawn && record->stop_on_revoke) {
        return err_set(err, ERR_TUF_WITHDRAWN,
                       "%s %s: listed in verified targets expected, it was withdrawn",
                       record->model, record->version);
    }
    enum status status = store_path(store, record->artifact, path, err);
    if (status == OK) {
        status = file_sha256(path, digest, &length, err);
    }
    if (status != OK) {
        return status;
    }
    if (memcmp(digest, record->artifact, sizeof digest) != 0) {
        hex_encode(record->artifact, 32, expected);
        hex_encode(digest, 32, found);
        return err_set(err, ERR_TUF_HASH,
                       "%s %s is damaged on disk: sha256 %.32s… expected, %.32s… found",
                       record->model, record->version, expected, found);
    }
    return model_load(path, record, ret_model, err);
}

enum status store_way_back(const struct store *store, const struct trust *trust,
                           struct err *err)
{
    const struct model_record *back = &store->previous;
    bool other = store->active.model[0] && strcmp(store->active.model, back->model) != 0;
    if (!store->has_previous || other || is_same(&store->active, back)) {
        return err_set(err, ERR_NOT_FOUND, "no earlier artifact of the model is kept");
    }
    if (back->withdrawn && store->has_active && !store->active.withdrawn) {
        return err_set(err, ERR_TUF_WITHDRAWN,
                       "%s %s is kept: listed in verified targets expected, it was "
                       "withdrawn, and what runs was not",
                       back->model, back->version);
    }
    int64_t floor = trust_floor(trust, back->model);
    if (back->seq < floor) {
        return err_set(err, ERR_TUF_FLOOR,
                       "%s %s is kept: seq %" PRId64 " or above expected, %" PRId64
                       " found",
                       back->model, back->version, floor, back->seq);
    }
    return OK;
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
    if (store_way_back(store, trust, NULL) == OK &&
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
    return (store->has_active && strcmp(name, active) == 0) ||
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

enum status store_activate(struct store *store, const struct model_record *record,
                           struct err *err)
{
    bool keep = store->has_active && !is_same(&store->active, record);
    if (keep) {
        enum status status = store_save_previous(store, &store->active, err);
        if (status != OK) {
            return status;
        }
    }
    enum status status = store_save_active(store, record, err);
    if (status == OK) {
        collect_garbage(store);
    }
    return status;
}

enum status store_go_back(struct store *store, const struct trust *trust, struct err *err)
{
    struct edge_model *model = NULL;
    struct model_record back = store->previous;
    enum status status = store_way_back(store, trust, err);
    if (status == OK) {
        status = load_record(store, &back, &model, err);
    }
    if (status == OK && store->has_active) {
        status = store_leave(store, err);
    }
    if (status == OK) {
        status = store_activate(store, &back, err);
    }
    model_release(model);
    return status;
}

enum status store_save_active(struct store *store, const struct model_record *record,
                              struct err *err)
{
    enum status status = write_pointer(store, "active", record, err);
    if (status == OK) {
        store->active = *record;
        store->has_active = true;
    }
    return status;
}

enum status store_save_previous(struct store *store, const struct model_record *record,
                                struct err *err)
{
    enum status status = write_pointer(store, "previous", record, err);
    if (status == OK) {
        store->previous = *record;
        store->has_previous = true;
    }
    return status;
}

enum status store_forget_active(struct store *store, struct err *err)
{
    store->has_active = false;
    enum status status = remove_pointer(store, "active", err);
    if (status == OK) {
        collect_garbage(store);
    }
    return status;
}

enum status store_forget_previous(struct store *store, struct err *err)
{
    store->has_previous = false;
    enum status status = remove_pointer(store, "previous", err);
    if (status == OK) {
        collect_garbage(store);
    }
    return status;
}

enum status store_leave(struct store *store, struct err *err)
{
    enum status status = write_pointer(store, "left", &store->active, err);
    if (status == OK) {
        store->left = store->active;
        store->has_left = true;
    }
    return status;
}

enum status store_return(struct store *store, struct err *err)
{
    store->has_left = false;
    return remove_pointer(store, "left", err);
}
