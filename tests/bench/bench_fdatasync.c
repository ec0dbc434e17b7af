/* SPDX-License-Identifier: Apache-2.0 */
/* bench_fdatasync FOLDER: how long fdatasync takes there now: the median, in
 * microseconds, of 200 times 4 KiB written over a file that was laid out before, as a log
 * file is. What is acknowledged after a sync cannot be faster than this. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { TIMES = 200, BLOCK_BYTES = 4096 };

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static int open_file(const char *folder, char *path, size_t size)
{
    static char block[BLOCK_BYTES];
    (void)snprintf(path, size, "%s/fdatasync", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (int i = 0; fd >= 0 && i < TIMES; i++) {
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block) {
            return -1;
        }
    }
    return fd >= 0 && fsync(fd) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
    static int64_t took_us[TIMES];
    static char block[BLOCK_BYTES];
    char path[4096];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_fdatasync FOLDER\n");
        return 2;
    }
    int fd = open_file(argv[1], path, sizeof path);
    bool good = fd >= 0;
    memset(block, 1, sizeof block);
    for (int i = 0; good && i < TIMES; i++) {
        int64_t began_us = clock_mono_us();
        good = pwrite(fd, block, sizeof block, (off_t)i * BLOCK_BYTES) ==
                   (ssize_t)sizeof block &&
               fdatasync(fd) == 0;
        took_us[i] = clock_mono_us() - began_us;
    }
    int problem = errno;
    (void)unlink(path);
    if (!good) {
        (void)fprintf(stderr, "bench_fdatasync: %s\n", strerrorname_np(problem));
        return 1;
    }
    (void)close(fd);
    qsort(took_us, TIMES, sizeof *took_us, compare);
    (void)printf("%lld\n", (long long)took_us[TIMES / 2]);
    return 0;
}
