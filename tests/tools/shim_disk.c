/* SPDX-License-Identifier: Apache-2.0 */
/* shim_disk: for LD_PRELOAD. A disk below the page cache, for the database and its log.
 *
 * DISK_FOLDER has what is on the disk: a write goes to the real file, which plays the
 * page cache, and a sync copies the pages written since to the file of the same name in
 * DISK_FOLDER, which the next program finds as it is. So a power cut is kill -9 and that
 * folder's files put in place of the real ones. While DISK_FOLDER/fail-NAME exists, a
 * sync of NAME fails as Linux fails it: EIO once, and the pages are clean from then on,
 * though they never reached the disk. The next sync does not try them again and tells
 * success. While DISK_FOLDER/evict exists such pages leave the cache as well: they read
 * as on the disk. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES_MAX = 1 << 20, FDS_MAX = 65536, FILES = 2 };

struct disk_file {
    const char *name;
    int disk_fd; /* on the disk; -1: not opened yet */
    bool *dirty; /* a page each */
    int64_t top; /* pages ever written */
};

static struct disk_file files[FILES] = {{.name = "muster.db", .disk_fd = -1},
                                        {.name = "muster.db-wal", .disk_fd = -1}};
static struct disk_file *file_of_fd[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static union {
    void *symbol;
    int (*function)(const char *, int, ...);
} real_open;
static union {
    void *symbol;
    int (*function)(int);
} real_close, real_fdatasync;
static union {
    void *symbol;
    ssize_t (*function)(int, const void *, size_t, off_t);
} real_pwrite;
static union {
    void *symbol;
    int (*function)(int, off_t);
} real_ftruncate;

__attribute__((constructor)) static void start(void)
{
    real_open.symbol = dlsym(RTLD_NEXT, "open64");
    real_close.symbol = dlsym(RTLD_NEXT, "close");
    real_fdatasync.symbol = dlsym(RTLD_NEXT, "fdatasync");
    real_pwrite.symbol = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate.symbol = dlsym(RTLD_NEXT, "ftruncate64");
}

static bool is_there(const char *name, const char *suffix)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s%s", getenv("DISK_FOLDER"), name, suffix);
    return access(path, F_OK) == 0;
}

static struct disk_file *file_of(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? file_of_fd[fd] : NULL;
}

static void copy_page(int from, int to, int64_t page)
{
    char bytes[PAGE];
    ssize_t got = pread(from, bytes, sizeof bytes, page * PAGE);
    if (got > 0 && real_pwrite.function(to, bytes, (size_t)got, page * PAGE) != got) {
        abort();
    }
}

static void open_disk(struct disk_file *file, int fd)
{
    char path[PATH_MAX];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", getenv("DISK_FOLDER"), file->name);
    bool is_new = access(path, F_OK) != 0;
    file->disk_fd = real_open.function(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    file->dirty = calloc(PAGES_MAX, sizeof *file->dirty);
    if (file->disk_fd < 0 || !file->dirty || fstat(fd, &info) != 0) {
        abort();
    }
    /* What was there before the first program counts as synced. */
    for (int64_t page = 0; is_new && page * PAGE < info.st_size; page++) {
        copy_page(fd, file->disk_fd, page);
    }
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    int fd = real_open.function(path, flags, mode);
    const char *slash = strrchr(path, '/');
    for (int i = 0; fd >= 0 && fd < FDS_MAX && getenv("DISK_FOLDER") && i < FILES; i++) {
        if (strcmp(slash ? slash + 1 : path, files[i].name) != 0) {
            continue;
        }
        (void)pthread_mutex_lock(&lock);
        if (files[i].disk_fd < 0) {
            open_disk(&files[i], fd);
        }
        file_of_fd[fd] = &files[i];
        (void)pthread_mutex_unlock(&lock);
    }
    return fd;
}

int close(int fd)
{
    if (file_of(fd)) {
        file_of_fd[fd] = NULL;
    }
    return real_close.function(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    struct disk_file *file = file_of(fd);
    if (!file) {
        return real_pwrite.function(fd, data, len, offset);
    }
    (void)pthread_mutex_lock(&lock);
    ssize_t written = real_pwrite.function(fd, data, len, offset);
    for (int64_t page = offset / PAGE; written > 0 && page * PAGE < offset + written;
         page++) {
        if (page >= PAGES_MAX) {
            abort();
        }
        file->dirty[page] = true;
        file->top = page + 1 > file->top ? page + 1 : file->top;
    }
    (void)pthread_mutex_unlock(&lock);
    return written;
}

/* The disk learns of a shorter file with the next write to it; a test has none between.
 */
int ftruncate64(int fd, off_t size)
{
    struct disk_file *file = file_of(fd);
    int code = real_ftruncate.function(fd, size);
    return code == 0 && file ? real_ftruncate.function(file->disk_fd, size) : code;
}

static int sync_file(struct disk_file *file, int fd)
{
    (void)pthread_mutex_lock(&lock);
    bool failing = is_there("fail-", file->name);
    bool evicting = failing && is_there("evict", "");
    for (int64_t page = 0; page < file->top; page++) {
        if (file->dirty[page] && !failing) {
            copy_page(fd, file->disk_fd, page);
        } else if (file->dirty[page] && evicting) {
            copy_page(file->disk_fd, fd, page);
        }
        file->dirty[page] = false;
    }
    (void)pthread_mutex_unlock(&lock);
    errno = failing ? EIO : errno;
    return failing ? -1 : 0;
}

int fdatasync(int fd)
{
    struct disk_file *file = file_of(fd);
    return file ? sync_file(file, fd) : real_fdatasync.function(fd);
}

int fsync(int fd)
{
    return fdatasync(fd);
}
