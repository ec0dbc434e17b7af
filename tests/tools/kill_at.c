/* SPDX-License-Identifier: Apache-2.0 */
/* Linked with -Wl,--wrap: the program is killed at its MUSTER_KILL_AT-th change of the
 * file system, counted from 1: a write is torn in half, every other call is not made.
 * Without the variable, or with 0, nothing happens. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

int __real_open(const char *path, int flags, ...);
int __real_mkostemp(char *pattern, int flags);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_unlinkat(int fd, const char *path, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __real_fchmod(int fd, mode_t mode);
int __real_ftruncate(int fd, off_t len);
int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __real_posix_fallocate(int fd, off_t at, off_t len);

int __wrap_open(const char *path, int flags, ...);
int __wrap_mkostemp(char *pattern, int flags);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len);

/* Whether this change is the one. */
static bool is_the_end(void)
{
    static long wanted = -1;
    static long seen;
    if (wanted < 0) {
        const char *text = getenv("MUSTER_KILL_AT");
        wanted = text ? strtol(text, NULL, 10) : 0;
    }
    return __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED) == wanted;
}

static void die_here(void)
{
    if (is_the_end()) {
        (void)kill(getpid(), SIGKILL);
        (void)pause();
    }
}

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        die_here();
    }
    return __real_open(path, flags, mode);
}

int __wrap_mkostemp(char *pattern, int flags)
{
    die_here();
    return __real_mkostemp(pattern, flags);
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (is_the_end()) {
        (void)!__real_write(fd, data, len / 2);
        (void)kill(getpid(), SIGKILL);
        (void)pause();
    }
    return __real_write(fd, data, len);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (is_the_end()) {
        (void)!__real_pwrite(fd, data, len / 2, at);
        (void)kill(getpid(), SIGKILL);
        (void)pause();
    }
    return __real_pwrite(fd, data, len, at);
}

int __wrap_fsync(int fd)
{
    die_here();
    return __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    die_here();
    return __real_fdatasync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    die_here();
    return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    die_here();
    return __real_unlink(path);
}

int __wrap_unlinkat(int fd, const char *path, int flags)
{
    die_here();
    return __real_unlinkat(fd, path, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    die_here();
    return __real_mkdir(path, mode);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    die_here();
    return __real_fchmod(fd, mode);
}

int __wrap_ftruncate(int fd, off_t len)
{
    die_here();
    return __real_ftruncate(fd, len);
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
    die_here();
    return __real_fallocate(fd, mode, at, len);
}

int __wrap_posix_fallocate(int fd, off_t at, off_t len)
{
    die_here();
    return __real_posix_fallocate(fd, at, len);
}
