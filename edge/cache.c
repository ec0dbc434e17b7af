/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"

enum { NAME_LENGTH = 64, TEMPORARY_S = 3600, REMOVED_MAX = 1000 };

enum status cache_open(struct cache *cache, const char *folder, int64_t max_bytes,
                       struct err *err)
{
    *cache = (struct cache){.max_bytes = max_bytes};
    if (!folder || !folder[0]) {
        return OK;
    }
    if (strlen(folder) >= sizeof cache->folder) {
        return err_set(err, ERR_INVALID_ARGUMENT, "cache_folder is too long");
    }
    enum status status = file_mkdirs(folder, 0755, err);
    if (status == OK) {
        memcpy(cache->folder, folder, strlen(folder) + 1);
    }
    return status;
}

static enum status path_of(const struct cache *cache, const uint8_t artifact[static 32],
                           char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    char name[NAME_LENGTH + 1];
    hex_encode(artifact, 32, name);
    return env_join(cache->folder, name, ret_path, err);
}

bool cache_has(const struct cache *cache, const uint8_t artifact[static 32],
               int64_t length)
{
    char path[EDGE_PATH_BYTES];
    struct stat info;
    return cache->folder[0] && path_of(cache, artifact, path, NULL) == OK &&
           lstat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == length;
}

enum status cache_take(const struct cache *cache, const uint8_t artifact[static 32],
                       int64_t length, const char *path, struct copy *ret_copy,
                       struct err *err)
{
    char from[EDGE_PATH_BYTES];
    enum status status = path_of(cache, artifact, from, err);
    if (status != OK) {
        return status;
    }
    (void)utimensat(AT_FDCWD, from, NULL, AT_SYMLINK_NOFOLLOW); /* taken now */
    return copy_begin(ret_copy, &(struct copy_order){from, path, length, 0600}, err);
}

enum status cache_add(const struct cache *cache, const char *path, int64_t length,
                      struct copy *ret_copy, struct err *err)
{
    char name[64], temporary[EDGE_PATH_BYTES];
    (void)snprintf(name, sizeof name, ".tmp-%08" PRIx32 "%08" PRIx32,
                   randombytes_random(), randombytes_random());
    enum status status = env_join(cache->folder, name, temporary, err);
    return status == OK
               ? copy_begin(ret_copy, &(struct copy_order){path, temporary, length, 0644},
                            err)
               : status;
}

/* One artifact of a walk, the oldest of those that may go. */
struct oldest {
    char name[NAME_LENGTH + 1];
    struct timespec at;
    int64_t total; /* bytes of all */
};

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Temporary files of a node that was killed go after an hour. */
static void look_at(int folder, const char *name, const char *kept, struct oldest *oldest)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode)) {
        return;
    }
    if (strncmp(name, ".tmp-", 5) == 0 && info.st_mtime < time(NULL) - TEMPORARY_S) {
        (void)unlinkat(folder, name, 0);
        return;
    }
    if (strlen(name) != NAME_LENGTH) {
        return;
    }
    oldest->total += info.st_size;
    bool older = !oldest->name[0] || is_older(&info.st_mtim, &oldest->at);
    if (older && strcmp(name, kept) != 0) {
        memcpy(oldest->name, name, NAME_LENGTH + 1);
        oldest->at = info.st_mtim;
    }
}

/* Removes the oldest if there is too much; false when there is not, or it cannot. */
static bool remove_oldest(const struct cache *cache, const char *kept)
{
    struct oldest oldest = {0};
    DIR *dir = opendir(cache->folder);
    const struct dirent *item;
    while (dir && (item = readdir(dir)) != NULL) {
        look_at(dirfd(dir), item->d_name, kept, &oldest);
    }
    bool removed = dir && oldest.total > cache->max_bytes && oldest.name[0] &&
                   unlinkat(dirfd(dir), oldest.name, 0) == 0;
    if (dir) {
        closedir(dir);
    }
    return removed;
}

enum status cache_keep(const struct cache *cache, const uint8_t artifact[static 32],
                       struct copy *copy, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = path_of(cache, artifact, path, err);
    if (status == OK) {
        status = copy_sync(copy, err);
    }
    if (status == OK && rename(copy->path, path) != 0) {
        status = err_set_errno(err, "could not rename '%s'", copy->path);
    }
    if (status != OK) {
        return status;
    }
    copy->path[0] = '\0';
    const char *kept = strrchr(path, '/') + 1;
    for (int i = 0; i < REMOVED_MAX && remove_oldest(cache, kept); i++) {
    }
    return OK;
}

void cache_drop(const struct cache *cache, const uint8_t artifact[static 32])
{
    char path[EDGE_PATH_BYTES];
    if (path_of(cache, artifact, path, NULL) == OK) {
        (void)unlink(path);
    }
}
