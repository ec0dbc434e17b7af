/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup_manifest.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"

enum { MANIFEST_BYTES_MAX = 64 * 1024 * 1024 };

static void drop(json_t **tree)
{
    json_decref(*tree);
}

#define TREE_AUTO __attribute__((cleanup(drop))) json_t

void manifest_release(struct manifest *manifest)
{
    free(manifest->files);
    manifest->files = NULL;
    manifest->count = manifest->capacity = 0;
}

enum status manifest_add(struct manifest *manifest, const struct manifest_file *file,
                         struct err *err)
{
    if (manifest->count == manifest->capacity) {
        size_t capacity = manifest->capacity ? 2 * manifest->capacity : 64;
        void *grown = realloc(manifest->files, capacity * sizeof *manifest->files);
        if (!grown) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the manifest");
        }
        manifest->files = grown;
        manifest->capacity = capacity;
    }
    manifest->files[manifest->count++] = *file;
    return OK;
}

const struct manifest_file *manifest_find(const struct manifest *manifest,
                                          const char *path)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (strcmp(manifest->files[i].path, path) == 0) {
            return &manifest->files[i];
        }
    }
    return NULL;
}

static json_t *file_tree(const struct manifest_file *file)
{
    char sha256[SHA256_HEX_BYTES];
    hex_encode(file->sha256, sizeof file->sha256, sha256);
    return json_pack("{s:s, s:I, s:s}", "path", file->path, "length",
                     (json_int_t)file->length, "sha256", sha256);
}

static json_t *manifest_tree(const struct manifest *manifest)
{
    json_t *files = json_array();
    for (size_t i = 0; i < manifest->count; i++) {
        if (json_array_append_new(files, file_tree(&manifest->files[i])) != 0) {
            json_decref(files);
            return NULL;
        }
    }
    return json_pack("{s:i, s:I, s:s, s:I, s:I, s:s?, s:o}", "format", MANIFEST_FORMAT,
                     "created_ms", (json_int_t)manifest->created_ms, "server_id",
                     manifest->server_id, "schema", (json_int_t)manifest->schema,
                     "newest_id", (json_int_t)manifest->newest_id, "recipient",
                     manifest->recipient[0] ? manifest->recipient : NULL, "files", files);
}

static enum status path_of(const char *folder, char ret_path[static PATH_MAX],
                           struct err *err)
{
    int len = snprintf(ret_path, PATH_MAX, "%s/" MANIFEST_FILE_NAME, folder);
    return len > 0 && len < PATH_MAX ? OK
                                     : err_set(err, ERR_LIMIT, "the path is too long");
}

enum status manifest_write(const struct manifest *manifest, const char *folder,
                           struct err *err)
{
    char path[PATH_MAX];
    TREE_AUTO *tree = manifest_tree(manifest);
    char *text = tree ? json_dumps(tree, JSON_INDENT(1)) : NULL;
    if (!text) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the manifest");
    }
    enum status status = path_of(folder, path, err);
    if (status == OK) {
        status = file_write_atomic(path, text, strlen(text), 0600, err);
    }
    free(text);
    return status;
}

/* A relative path of plain characters that stays where it is. */
static bool path_good(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._-/";
    size_t len = strlen(path);
    return len > 0 && len < MANIFEST_PATH_BYTES && strspn(path, plain) == len &&
           path[0] != '/' && path[len - 1] != '/' && !strstr(path, "..") &&
           !strstr(path, "//");
}

static enum status damaged(struct err *err)
{
    return err_set(err, ERR_BACKUP_DAMAGED,
                   MANIFEST_FILE_NAME " has not the form of a backup's manifest");
}

static enum status read_file(json_t *tree, struct manifest *manifest, struct err *err)
{
    const char *path = NULL;
    const char *sha256 = NULL;
    json_int_t length = -1;
    struct manifest_file file = {0};
    if (json_unpack(tree, "{s:s, s:I, s:s}", "path", &path, "length", &length, "sha256",
                    &sha256) != 0 ||
        !path_good(path) || length < 0 ||
        hex_decode(sha256, file.sha256, sizeof file.sha256, NULL) != OK) {
        return damaged(err);
    }
    (void)snprintf(file.path, sizeof file.path, "%s", path);
    file.length = (uint64_t)length;
    return manifest_add(manifest, &file, err);
}

static enum status read_tree(json_t *tree, struct manifest *manifest, struct err *err)
{
    json_int_t format = 0;
    json_int_t numbers[3] = {0};
    const char *server_id = NULL;
    const char *recipient = NULL;
    json_t *files = NULL;
    json_t *file = NULL;
    size_t at = 0;
    if (json_unpack(tree, "{s:I}", "format", &format) == 0 && format > MANIFEST_FORMAT) {
        return err_set(err, ERR_UNSUPPORTED,
                       "the backup has format %lld, this program knows %d",
                       (long long)format, MANIFEST_FORMAT);
    }
    const json_t *sealed_to = json_object_get(tree, "recipient");
    recipient = json_string_value(sealed_to);
    if (json_unpack(tree, "{s:I, s:I, s:I, s:s, s:o}", "created_ms", &numbers[0],
                    "schema", &numbers[1], "newest_id", &numbers[2], "server_id",
                    &server_id, "files", &files) != 0 ||
        !(recipient || json_is_null(sealed_to)) || format != MANIFEST_FORMAT ||
        strlen(server_id) != 32 || (recipient && strlen(recipient) != 64) ||
        !json_is_array(files)) {
        return damaged(err);
    }
    manifest->created_ms = numbers[0];
    manifest->schema = numbers[1];
    manifest->newest_id = numbers[2];
    (void)snprintf(manifest->server_id, sizeof manifest->server_id, "%s", server_id);
    (void)snprintf(manifest->recipient, sizeof manifest->recipient, "%s",
                   recipient ? recipient : "");
    enum status status = OK;
    json_array_foreach(files, at, file)
    {
        status = status == OK ? read_file(file, manifest, err) : status;
    }
    return status;
}

enum status manifest_read(const char *folder, struct manifest *ret_manifest,
                          struct err *err)
{
    char path[PATH_MAX];
    BUF_AUTO text = BUF_INIT(MANIFEST_BYTES_MAX);
    enum status status = path_of(folder, path, err);
    if (status == OK && !file_exists(path)) {
        status = err_set(err, ERR_NOT_FOUND,
                         "'%.200s' is no backup, it has no " MANIFEST_FILE_NAME
                         ": give the folder that 'musterd backup --to' made",
                         folder);
    }
    if (status == OK) {
        status = file_read(path, &text, err);
    }
    if (status != OK) {
        return status;
    }
    TREE_AUTO *tree =
        json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(tree) ? read_tree(tree, ret_manifest, err) : damaged(err);
}
