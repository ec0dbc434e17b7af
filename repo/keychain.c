/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/keychain.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "repo/metadata_file.h"

static const char SUFFIX[] = ".key";

static void key_free(struct keychain_key *key)
{
    free(key->path);
    signing_key_wipe(&key->key);
    free(key);
}

enum status keychain_add_file(struct keychain *keychain, const char *path,
                              struct err *err)
{
    if (keychain->count == KEYCHAIN_MAX) {
        return err_set(err, ERR_LIMIT, "at most %d key files expected", KEYCHAIN_MAX);
    }
    struct keychain_key *key = calloc(1, sizeof *key);
    if (!key || !(key->path = strdup(path))) {
        free(key);
        return err_set(err, ERR_NO_MEMORY, "no memory for a key");
    }
    enum status status = keyfile_describe(path, &key->info, err);
    if (status != OK || keychain_find(keychain, key->info.keyid)) {
        key_free(key);
        return status;
    }
    keychain->keys[keychain->count++] = key;
    return OK;
}

static int is_key_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len >= sizeof SUFFIX &&
           strcmp(entry->d_name + len - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

static int by_label(const void *a, const void *b)
{
    const struct keychain_key *const *first = a;
    const struct keychain_key *const *second = b;
    return strcmp((*first)->info.label, (*second)->info.label);
}

enum status keychain_add_folder(struct keychain *keychain, const char *folder,
                                struct err *err)
{
    struct dirent **names = NULL;
    size_t before = keychain->count;
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "keys");
    int count = status == OK ? scandir(path.data, &names, is_key_file, NULL) : 0;
    if (count < 0) {
        return errno == ENOENT ? OK
                               : err_set_errno(err, "could not list '%s'", path.data);
    }
    for (int i = 0; i < count; i++) {
        BUF_AUTO file = BUF_INIT(REPO_PATH_BYTES);
        if (status == OK) {
            status = folder_path(&file, folder, err, "keys/%s", names[i]->d_name);
        }
        if (status == OK) {
            status = keychain_add_file(keychain, file.data, err);
        }
        free(names[i]);
    }
    free(names);
    qsort(keychain->keys + before, keychain->count - before, sizeof keychain->keys[0],
          by_label);
    return status;
}

void keychain_release(struct keychain *keychain)
{
    for (size_t i = 0; i < keychain->count; i++) {
        key_free(keychain->keys[i]);
    }
    keychain->count = 0;
}

struct keychain_key *keychain_find(const struct keychain *keychain, const char *keyid)
{
    for (size_t i = 0; i < keychain->count; i++) {
        if (strcmp(keychain->keys[i]->info.keyid, keyid) == 0) {
            return keychain->keys[i];
        }
    }
    return NULL;
}

struct keychain_key *keychain_label(const struct keychain *keychain, const char *label)
{
    for (size_t i = 0; i < keychain->count; i++) {
        if (strcmp(keychain->keys[i]->info.label, label) == 0) {
            return keychain->keys[i];
        }
    }
    return NULL;
}

enum status keychain_open(struct keychain_key *key, const char *passphrase,
                          struct err *err)
{
    if (key->opened) {
        return OK;
    }
    enum status status = keyfile_open(key->path, passphrase, &key->key, err);
    key->opened = status == OK;
    key->refused = status == ERR_KEY_PASSPHRASE;
    return status;
}
