/* SPDX-License-Identifier: Apache-2.0 */
/* shim_write: for LD_PRELOAD. write() to a regular file fails; event descriptors, pipes
 * and sockets, where no disk is full and none breaks, are left alone.
 *
 *   WRITE_LIST=FILE   append a line for every such write
 *   WRITE_FAIL=K      the K-th of the program fails
 *   WRITE_TIMES=N     and the N - 1 behind it (1)
 *   WRITE_ERRNO=N     with this (5: EIO)
 *
 * A failure says "shim_write: failed" on stderr. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static union {
    void *symbol;
    ssize_t (*function)(int, const void *, size_t);
} real_write;
static int list_fd = -1;
static int64_t first, times;
static int with_errno;
static _Atomic int64_t count;

static int64_t number_of(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : fallback;
}

__attribute__((constructor)) static void start(void)
{
    const char *list = getenv("WRITE_LIST");
    real_write.symbol = dlsym(RTLD_NEXT, "write");
    first = number_of("WRITE_FAIL", 0);
    times = number_of("WRITE_TIMES", 1);
    with_errno = (int)number_of("WRITE_ERRNO", EIO);
    list_fd = list ? open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static bool is_file(int fd)
{
    struct stat info;
    return fd != STDERR_FILENO && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fd == list_fd || !is_file(fd)) {
        return real_write.function(fd, data, len);
    }
    int64_t number = atomic_fetch_add(&count, 1) + 1;
    if (list_fd >= 0) {
        (void)!real_write.function(list_fd, ".\n", 2);
    }
    if (first == 0 || number < first || number - first >= times) {
        return real_write.function(fd, data, len);
    }
    static const char said[] = "shim_write: failed\n";
    (void)!real_write.function(STDERR_FILENO, said, sizeof said - 1);
    errno = with_errno;
    return -1;
}
