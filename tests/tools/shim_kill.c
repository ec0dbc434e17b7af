/* SPDX-License-Identifier: Apache-2.0 */
/* shim_kill: for LD_PRELOAD. Ends the program, as a kill would, instead of its KILL_AT-th
 * change of the file system: a write to a file, a sync, a rename, a removal, a new
 * folder. It exits with 99 then, so that a test that counts up knows when it came past
 * the end. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { KILLED = 99, STDERR = 2 };

static void count_down(void)
{
    static long left = -1;
    if (left < 0) {
        const char *at = getenv("KILL_AT");
        left = at ? strtol(at, NULL, 10) : 0;
    }
    if (left > 0 && --left == 0) {
        _exit(KILLED);
    }
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ssize_t write(int fd, const void *data, size_t len)
{
    union {
        void *symbol;
        ssize_t (*function)(int, const void *, size_t);
    } real = {.symbol = next("write")};
    if (fd > STDERR) {
        count_down();
    }
    return real.function(fd, data, len);
}

int fsync(int fd)
{
    union {
        void *symbol;
        int (*function)(int);
    } real = {.symbol = next("fsync")};
    count_down();
    return real.function(fd);
}

int rename(const char *from, const char *to)
{
    union {
        void *symbol;
        int (*function)(const char *, const char *);
    } real = {.symbol = next("rename")};
    count_down();
    return real.function(from, to);
}

int unlink(const char *path)
{
    union {
        void *symbol;
        int (*function)(const char *);
    } real = {.symbol = next("unlink")};
    count_down();
    return real.function(path);
}

int mkdir(const char *path, mode_t mode)
{
    union {
        void *symbol;
        int (*function)(const char *, mode_t);
    } real = {.symbol = next("mkdir")};
    count_down();
    return real.function(path, mode);
}
