/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

enum { CHUNK_BYTES = 64 * 1024 };

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

#define FD_AUTO __attribute__((cleanup(close_fd))) int

static enum status open_for_reading(const char *path, int *ret_fd, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return err_set(err, ERR_NOT_FOUND, "there is no file '%s'", path);
    }
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    *ret_fd = fd;
    return OK;
}

enum status file_read(const char *path, struct buf *ret_data, struct err *err)
{
    FD_AUTO fd = -1;
    enum status status = open_for_reading(path, &fd, err);
    if (status != OK) {
        return status;
    }
    char chunk[CHUNK_BYTES];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, "could not read '%s'", path);
        }
        if (got == 0) {
            return OK;
        }
        buf_add(ret_data, chunk, (size_t)got);
        if (ret_data->failed) {
            return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", path,
                           ret_data->max);
        }
    }
}

static enum status write_all(int fd, const char *data, size_t len, const char *path,
                             struct err *err)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_set_errno(err, "could not write '%s'", path);
        }
        data += done;
        len -= (size_t)done;
    }
    if (fsync(fd) != 0) {
        return err_set_errno(err, "could not sync '%s'", path);
    }
    return OK;
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static enum status sync_folder_of(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    size_t len = folder_length(path);
    const char *text = len > 0 ? folder : (path[0] == '/' ? "/" : ".");
    if (len >= sizeof folder) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", path);
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    FD_AUTO fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return err_set_errno(err, "could not sync the folder '%s'", text);
    }
    return OK;
}

static enum status temporary_name(const char *path, char ret_name[static PATH_MAX],
                                  struct err *err)
{
    size_t folder = folder_length(path);
    int len = snprintf(ret_name, PATH_MAX, "%.*s%s.tmp-XXXXXX", (int)folder, path,
                       strchr(path, '/') ? "/" : "");
    if (len < 0 || len >= PATH_MAX) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", path);
    }
    return OK;
}

/* A new file beside `path`, locked as long as it is open: file_sweep_temporary of another
 * process leaves it alone. One that was swept before the lock held is made anew. */
static enum status create_temporary(const char *path, char ret_name[static PATH_MAX],
                                    int *ret_fd, struct err *err)
{
    for (;;) {
        struct stat st;
        enum status status = temporary_name(path, ret_name, err);
        if (status != OK) {
            return status;
        }
        FD_AUTO fd = mkostemp(ret_name, O_CLOEXEC);
        if (fd < 0) {
            return err_set_errno(err, "could not create a file beside '%s'", path);
        }
        (void)flock(fd, LOCK_EX); /* a file system without locks: as if alone */
        if (fstat(fd, &st) != 0 || st.st_nlink > 0) {
            *ret_fd = fd;
            fd = -1;
            return OK;
        }
    }
}

enum status file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
                              struct err *err)
{
    char temporary[PATH_MAX];
    FD_AUTO fd = -1;
    enum status status = create_temporary(path, temporary, &fd, err);
    if (status != OK) {
        return status;
    }
    status = fchmod(fd, mode) == 0
                 ? OK
                 : err_set_errno(err, "could not chmod '%s'", temporary);
    if (status == OK) {
        status = write_all(fd, data, len, path, err);
    }
    if (status == OK) {
        status = file_rename(temporary, path, err);
    }
    if (status != OK) {
        (void)unlink(temporary);
    }
    return status;
}

enum status file_create(const char *path, const void *data, size_t len, mode_t mode,
                        struct err *err)
{
    FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_EXISTS, "'%s' exists already", path);
    }
    if (fd < 0) {
        return err_set_errno(err, "could not create '%s'", path);
    }
    enum status status = write_all(fd, data, len, path, err);
    if (status == OK) {
        status = sync_folder_of(path, err);
    }
    if (status != OK) {
        (void)unlink(path);
    }
    return status;
}

enum status file_rename(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) != 0) {
        return err_set_errno(err, "could not rename '%s' to '%s'", from, to);
    }
    return sync_folder_of(to, err);
}

enum status file_remove(const char *path, struct err *err)
{
    if (unlink(path) != 0) {
        return errno == ENOENT ? OK : err_set_errno(err, "could not remove '%s'", path);
    }
    return sync_folder_of(path, err);
}

enum status file_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part) {
        return err_set(err, ERR_LIMIT, "path empty or too long: '%.80s'", path);
    }
    memcpy(part, path, len + 1);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST) {
            return err_set_errno(err, "could not create the folder '%s'", part);
        }
        *slash = '/';
    }
    struct stat st;
    if (mkdir(part, mode) != 0 && errno != EEXIST) {
        return err_set_errno(err, "could not create the folder '%s'", part);
    }
    if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return err_set(err, ERR_IO, "'%s' is not a folder", part);
    }
    return OK;
}

static void close_dir(DIR **dir)
{
    if (*dir) {
        (void)closedir(*dir);
    }
}

/* Unless a process is writing it. The lock is held until the name is gone, so that nobody
 * takes a file that is about to vanish for its own. */
static void sweep_one(int folder, const char *name)
{
    FD_AUTO fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        (void)unlinkat(folder, name, 0);
    }
}

void file_sweep_temporary(const char *folder)
{
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(folder);
    if (!dir) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strncmp(entry->d_name, ".tmp-", 5) == 0) {
            sweep_one(dirfd(dir), entry->d_name);
        }
    }
}

enum status file_feed(const char *path, file_sink *sink, void *user, struct err *err)
{
    FD_AUTO fd = -1;
    enum status status = open_for_reading(path, &fd, err);
    char chunk[CHUNK_BYTES];
    while (status == OK) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            sink(user, chunk, (size_t)got);
        } else if (errno != EINTR) {
            status = err_set_errno(err, "could not read '%s'", path);
        }
    }
    return status;
}

struct hashing {
    struct sha256 sha;
    uint64_t size;
};

static void hash(void *user, const void *data, size_t len)
{
    struct hashing *hashing = user;
    sha256_update(&hashing->sha, data, len);
    hashing->size += len;
}

enum status file_sha256(const char *path, uint8_t ret_digest[static 32],
                        uint64_t *ret_size, struct err *err)
{
    struct hashing hashing = {0};
    enum status status = sha256_init(&hashing.sha, err);
    if (status == OK) {
        status = file_feed(path, hash, &hashing, err);
    }
    if (status != OK) {
        sha256_release(&hashing.sha);
        return status;
    }
    sha256_finish(&hashing.sha, ret_digest);
    *ret_size = hashing.size;
    return OK;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
