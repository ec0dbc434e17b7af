/* SPDX-License-Identifier: Apache-2.0 */
/* godown FOLDER: cuts the power of the ext4 file system that FOLDER is the root of.
 *
 * From this moment nothing more reaches its disk, not even its own journal
 * (EXT4_GOING_FLAGS_NOLOGFLUSH): what was not synced is lost, as by a power cut. Every
 * write fails until it was unmounted and mounted again. Needs root. For tests only: give
 * it a loop mount, never a file system that anybody needs. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXT4_SHUTDOWN _IOR('X', 125, uint32_t)
enum { LOOP_MAJOR = 7, NO_LOG_FLUSH = 2 };

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("usage: godown FOLDER\n", stderr);
        return 2;
    }
    struct stat info;
    int fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        perror(argv[1]);
        return 1;
    }
    if (major(info.st_dev) != LOOP_MAJOR) {
        (void)fprintf(stderr, "godown: '%s' is not on a loop device\n", argv[1]);
        return 1;
    }
    uint32_t how = NO_LOG_FLUSH;
    if (ioctl(fd, EXT4_SHUTDOWN, &how) != 0) {
        perror("godown: EXT4_IOC_SHUTDOWN");
        return 1;
    }
    return 0;
}
