/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { CHUNK_BYTES = 256 * 1024, OPEN_FOLDERS = 16 };

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

#define FD_AUTO __attribute__((cleanup(close_fd))) int

bool backup_lies_within(const char *path, const char *folder)
{
    char at[PATH_MAX];
    char real[PATH_MAX];
    char root[PATH_MAX];
    if (!realpath(folder, root) || strlen(path) >= sizeof at) {
        return false;
    }
    (void)snprintf(at, sizeof at, "%s", path);
    while (!realpath(at, real)) {
        char *slash = strrchr(at, '/');
        if (!slash && strcmp(at, ".") == 0) {
            return false; /* there is no current folder */
        }
        if (slash) {
            slash[slash == at] = '\0';
        } else {
            (void)snprintf(at, sizeof at, ".");
        }
    }
    size_t len = strlen(root);
    return strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == '\0');
}

enum status backup_path(const char *folder, const char *path, char *ret_path,
                        struct err *err)
{
    int len = snprintf(ret_path, PATH_MAX, "%s%s%s", folder, path[0] ? "/" : "", path);
    return len >= 0 && len < PATH_MAX
               ? OK
               : err_set(err, ERR_LIMIT, "path too long: '%.80s…'", folder);
}

static enum status make_folder_of(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) {
        return OK;
    }
    *slash = '\0';
    return file_mkdirs(folder, 0700, err);
}

static enum status write_all(int fd, const char *data, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);
        if (done < 0 && errno != EINTR) {
            return err_set_errno(err, "could not write");
        }
        data += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return OK;
}

/* From one descriptor to another, digesting on the way. */
static enum status pour(int from, int to, struct manifest_file *file, struct err *err)
{
    __attribute__((cleanup(sha256_release))) struct sha256 sha = {0};
    enum status status = sha256_init(&sha, err);
    char *chunk = malloc(CHUNK_BYTES);
    ssize_t got = 1;
    if (status == OK && !chunk) {
        status = err_set(err, ERR_NO_MEMORY, "no memory to copy a file");
    }
    while (status == OK && got != 0) {
        got = read(from, chunk, CHUNK_BYTES);
        if (got < 0 && errno != EINTR) {
            status = err_set_errno(err, "could not read");
        }
        if (got > 0) {
            sha256_update(&sha, chunk, (size_t)got);
            file->length += (uint64_t)got;
            status = write_all(to, chunk, (size_t)got, err);
        }
    }
    free(chunk);
    if (status == OK && fsync(to) != 0) {
        status = err_set_errno(err, "could not sync");
    }
    if (status == OK) {
        sha256_finish(&sha, file->sha256);
    }
    return status;
}

enum status backup_file_copy(const char *from, const char *to, const char *path,
                             mode_t mode, struct manifest_file *ret_file, struct err *err)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct manifest_file file = {0};
    enum status status = backup_path(from, path, source, err);
    if (status == OK) {
        status = backup_path(to, path, target, err);
    }
    if (status == OK) {
        status = make_folder_of(target, err);
    }
    if (status != OK) {
        return status;
    }
    FD_AUTO in = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0) {
        return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "there is no '%s'", source)
                               : err_set_errno(err, "could not open '%s'", source);
    }
    FD_AUTO out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (out < 0) {
        return errno == EEXIST ? err_set(err, ERR_EXISTS, "'%s' exists already", target)
                               : err_set_errno(err, "could not create '%s'", target);
    }
    (void)snprintf(file.path, sizeof file.path, "%s", path);
    status = pour(in, out, &file, err);
    if (status != OK) {
        err_prefix(err, "copying '%s'", path);
        return status;
    }
    *ret_file = file;
    return OK;
}

bool backup_file_link(const char *from, const char *to, const char *path)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    return backup_path(from, path, source, NULL) == OK &&
           backup_path(to, path, target, NULL) == OK &&
           make_folder_of(target, NULL) == OK && link(source, target) == 0;
}

enum status backup_file_digest(const char *folder, const char *path,
                               struct manifest_file *ret_file, struct err *err)
{
    char whole[PATH_MAX];
    (void)snprintf(ret_file->path, sizeof ret_file->path, "%s", path);
    enum status status = backup_path(folder, path, whole, err);
    return status == OK ? file_sha256(whole, ret_file->sha256, &ret_file->length, err)
                        : status;
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static int without_dot(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

enum status backup_tree_walk(const char *folder, const char *path,
                             enum status (*each)(void *context, const char *path,
                                                 struct err *err),
                             void *context, struct err *err)
{
    char whole[PATH_MAX];
    char below[PATH_MAX];
    struct stat st;
    struct dirent **names = NULL;
    enum status status = backup_path(folder, path, whole, err);
    if (status != OK) {
        return status;
    }
    int count = scandir(whole, &names, without_dot, alphasort);
    if (count < 0) {
        return errno == ENOENT ? OK : err_set_errno(err, "could not read '%s'", whole);
    }
    for (int i = 0; status == OK && i < count; i++) {
        status = backup_path(path, names[i]->d_name, below, err);
        if (status == OK) {
            status = backup_path(folder, below, whole, err);
        }
        if (status == OK && lstat(whole, &st) != 0) {
            status = errno == ENOENT
                         ? OK
                         : err_set_errno(err, "could not look at '%s'", whole);
        } else if (status == OK && S_ISDIR(st.st_mode)) {
            status = backup_tree_walk(folder, below, each, context, err);
        } else if (status == OK && S_ISREG(st.st_mode)) {
            status = each(context, below, err);
        }
    }
    free_names(names, count);
    return status;
}

static int sync_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind != FTW_DP) {
        return 0;
    }
    FD_AUTO fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? 0 : -1;
}

enum status backup_tree_sync(const char *folder, struct err *err)
{
    return nftw(folder, sync_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0
               ? OK
               : err_set_errno(err, "could not sync '%s'", folder);
}

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)kind;
    return ftw->level == 0 ? 0 : remove(path);
}

enum status backup_tree_remove(const char *folder, bool root, struct err *err)
{
    if (nftw(folder, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0 ||
        (root && rmdir(folder) != 0)) {
        return errno == ENOENT ? OK : err_set_errno(err, "could not remove '%s'", folder);
    }
    return OK;
}

bool backup_folder_empty(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, NULL);
    if (count < 0) {
        return errno == ENOENT;
    }
    free_names(names, count);
    return count <= 2; /* "." and ".." */
}
